"""`nhip query [NAME] [--parameter=value …]`: a named question, its answer as a table, and the time it took."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from indicators.numbers_vi import number_vi
from sinks.questions import VIETNAM, Answer, Question, QuestionError, ask, questions
from transport.settings import Settings

app = typer.Typer(help="Câu hỏi có tên, trả lời từ ClickHouse / named questions.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def query(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="tên câu hỏi; để trống: liệt kê / name of the question; empty: list them")] = "",
) -> None:
    """Trả lời một câu hỏi có tên: `nhip query station --station=TV-HANOI` / answer a named question."""
    console = Console()
    if not name:
        console.print(listing(questions().values()))
        return
    from ops.upkeep.boundary import told

    try:
        with told():
            answer = ask(Settings.load(), name, parameters(context.args))
    except QuestionError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    console.print(table(answer))
    console.print(f"{len(answer.rows)} dòng, {number_vi(Decimal(answer.milliseconds), 1)} ms / rows, ms")


def parameters(arguments: list[str]) -> dict[str, str]:
    """`--name=value` and `--name value` as a mapping; a dash inside a name stands for an underscore. Raises QuestionError otherwise."""
    found: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("--"):
            raise QuestionError(f"«{argument}»: tham số có dạng --tên=giá_trị / parameters look like --name=value")
        key, equals, value = argument[2:].partition("=")
        if not equals:
            value = next(rest, "")
        found[key.replace("-", "_")] = value
    return found


def listing(known: Iterable[Question]) -> Table:
    """Every question with its parameters."""
    made = Table("Câu hỏi", "Nội dung", "Tham số (mặc định)")
    for one in known:
        lines = [f"--{p.name}={p.default}  {p.meaning}" for p in one.parameters]
        made.add_row(one.name, f"{one.name_vi}\n{one.name_en}", "\n".join(lines))
    return made


def table(answer: Answer) -> Table:
    """The answer with Vietnamese headings; numbers to the right, decimal comma, dd/mm/yyyy in Vietnam's time."""
    made = Table(title=answer.question.name_vi)
    for at, (_, heading) in enumerate(answer.question.headings):
        numeric = any(isinstance(row[at], int | float | Decimal) for row in answer.rows)
        made.add_column(heading, justify="right" if numeric else "left")
    for row in answer.rows:
        made.add_row(*(cell(value) for value in row))
    return made


def cell(value: Any) -> str:
    """One value as Vietnamese readers write it; a dash for «no value»."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, int):
        return number_vi(Decimal(value), 0)
    if isinstance(value, Decimal):
        return number_vi(value)
    return str(value)
