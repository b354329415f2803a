"""Named questions over the ClickHouse tables: `<name>.sql` beside this file, with typed parameters that the server binds.

A file's head is comments: `name_vi`, `name_en`, one `parameter: name Type = default | meaning` and one `column: name | heading` a line.
Types are ClickHouse's, and `Moment`: an instant given as dd/mm/yyyy hh:mm in Vietnam, as ISO 8601, or `now`. No text of a caller
becomes SQL. What is asked first, and lines asked only where it says so: sinks/questions/statement.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import clickhouse
from sinks.questions.statement import Statement, read
from transport.question_settings import AT_ONCE
from transport.settings import Settings

FOLDER: Final = Path(__file__).resolve().parent
VIETNAM: Final = timezone(timedelta(hours=7))
_LINE: Final = re.compile(r"-- (\w+): (.*)")
_PARAMETER: Final = re.compile(r"(\w+) (\w+) = ?(.*?) ?\| (.*)")
_TYPES: Final = ("String", "Int32", "Moment")
_LOCAL: Final = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")
SECONDS: Final = 60


class QuestionError(ValueError):
    """No such question or parameter, a value of the wrong kind, or ClickHouse does not answer it; the message says what to do next."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: `kind` is String, Int32 or Moment; `default` as text."""

    name: str
    kind: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question: what it asks, its parameters, and the headings of its columns in order."""

    name: str
    name_vi: str
    name_en: str
    parameters: tuple[Parameter, ...]
    headings: tuple[tuple[str, str], ...]
    statement: Statement


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows in the order of `question.headings`, and the milliseconds from sending the question to having the last row."""

    question: Question
    rows: list[tuple[Any, ...]]
    milliseconds: float


def questions(folder: Path = FOLDER) -> dict[str, Question]:
    """Every question by name."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.sql"))}


def ask(settings: Settings, name: str, values: Mapping[str, str] | None = None, clock: Callable[[], float] = time.time) -> Answer:
    """Answer a question as the read-only user. `values`: parameters as people type them; `clock`: epoch seconds, for `now`.

    Raises QuestionError, clickhouse.Unavailable or clickhouse.NotReady.
    """
    known = questions()
    if name not in known:
        raise QuestionError(f"không có câu hỏi «{name}»; có: {', '.join(known)} / no such question")
    question = known[name]
    parameters = bind(question, values or {}, clock)
    with clickhouse.connected(settings, reader=True) as client:
        started = time.perf_counter()
        chosen = AT_ONCE | {"max_execution_time": SECONDS}
        try:
            if question.statement.first:
                first = client.query(question.statement.first, parameters=parameters, settings=chosen)
                parameters |= zip(first.column_names, first.result_rows[0], strict=True)
            found = client.query(question.statement.text(parameters), parameters=parameters, settings=chosen)
        except ClickHouseError as error:
            why = clickhouse.reason(error)
            raise QuestionError(f"câu hỏi «{name}»: {why}: chạy `nhip provision`, thử lại / run `nhip provision`") from error
        elapsed = (time.perf_counter() - started) * 1000
    # Without rows the Native format carries no names either.
    order = [found.column_names.index(column) for column, _ in question.headings] if found.result_rows else []
    return Answer(question, [tuple(row[at] for at in order) for row in found.result_rows], elapsed)


def bind(question: Question, values: Mapping[str, str], clock: Callable[[], float] = time.time) -> dict[str, Any]:
    """Typed values of every parameter, defaults filled in. Raises QuestionError for an unknown name or a value of the wrong kind."""
    names = [p.name for p in question.parameters]
    unknown = sorted(set(values) - set(names))
    if unknown:
        have = ", ".join(names) or "không có / none"
        raise QuestionError(f"câu hỏi «{question.name}» không có tham số {', '.join(unknown)}; có: {have} / no such parameter")
    return {p.name: _typed(p, values.get(p.name, p.default), clock) for p in question.parameters}


def _typed(parameter: Parameter, text: str, clock: Callable[[], float]) -> Any:
    if parameter.kind == "String":
        return text
    if parameter.kind == "Int32":
        if not re.fullmatch(r"-?\d{1,9}", text.strip()):
            raise QuestionError(f"tham số {parameter.name}: cần một số nguyên / a whole number is needed")
        return int(text)
    return _moment(parameter.name, text.strip(), clock)


def _moment(name: str, text: str, clock: Callable[[], float]) -> datetime:
    """An instant in UTC; without a zone it is Vietnam's time."""
    if text == "now":
        return datetime.fromtimestamp(clock(), UTC)
    for shape in _LOCAL:
        try:
            return datetime.strptime(text, shape).replace(tzinfo=VIETNAM).astimezone(UTC)
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise QuestionError(f"tham số {name}: cần dd/mm/yyyy hh:mm, ISO 8601 hoặc now / dd/mm/yyyy hh:mm, ISO 8601 or now") from None
    return (found if found.tzinfo else found.replace(tzinfo=VIETNAM)).astimezone(UTC)


def _read(path: Path) -> Question:
    text = path.read_text("utf-8")
    heads = [match.groups() for line in text.splitlines() if (match := _LINE.fullmatch(line))]
    single = {key: value for key, value in heads if key in ("name_vi", "name_en")}
    parameters, headings = [], []
    for key, value in heads:
        if key == "parameter":
            match = _PARAMETER.fullmatch(value)
            if match is None or match[2] not in _TYPES:
                raise QuestionError(f"{path.name}: parameter: name Type = default | meaning; types {', '.join(_TYPES)}")
            parameters.append(Parameter(match[1], match[2], match[3], match[4]))
        elif key == "column":
            name, _, heading = value.partition(" | ")
            headings.append((name, heading))
    return Question(path.stem, single["name_vi"], single["name_en"], tuple(parameters), tuple(headings), read(text))
