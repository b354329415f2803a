"""`nhip explain RESULT [PERIOD]`: where a figure comes from, down to the place of every record in its topic."""

from __future__ import annotations

import re
import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from indicators.instant import day_start
from transport.settings import Settings

if TYPE_CHECKING:
    from ops.lineage.stored import Read


class PeriodUnreadable(ValueError):
    """A period is written another way than dd/mm/yyyy, mm/yyyy or yyyy."""


def explain(
    result: Annotated[str, typer.Argument(help="khóa kết quả, mã công thức hoặc khóa chuỗi / a result, formula or series")],
    period: Annotated[str, typer.Argument(help="kỳ: dd/mm/yyyy, mm/yyyy, yyyy; để trống: mới nhất / empty: the newest")] = "",
    territory: Annotated[str, typer.Option(help="địa bàn, khi cho mã công thức / with a formula's id")] = "VN",
    width: Annotated[int, typer.Option(min=1, max=1000, help="số toán hạng, bản ghi hiện ra mỗi nhánh / shown per branch")] = 5,
) -> None:
    """Giải thích một số: cây từ kết quả xuống từng bản ghi nguồn / explain a figure: the tree down to its source records."""
    from indicators.datafile import DataFileError
    from sinks.clickhouse import NotReady, Unavailable, connected, rows

    settings = Settings.load()
    try:
        start = period_start(period)
        with connected(settings, reader=True) as client:
            lines, wrong = told(lambda sql, parameters: rows(client, sql, parameters), settings, result, start, territory, width)
    except (PeriodUnreadable, LookupError, DataFileError, ValueError, Unavailable, NotReady) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    print("\n".join(lines))
    if wrong:
        print("Tính lại cho số khác / computed again, it is another:\n" + "\n".join(wrong), file=sys.stderr)
        raise typer.Exit(2)
    print("Tính lại từ các toán hạng: khớp / computed again from the operands: agrees")


def told(read: Read, settings: Settings, result: str, start: int, territory: str, width: int) -> tuple[list[str], list[str]]:
    """The lines of the tree, and what does not agree. Raises LookupError for what is not there."""
    from indicators.derived.formula_book import FormulaBook
    from indicators.dimension_sets import set_formulas
    from indicators.vocabulary import Vocabulary
    from ops.lineage.stored import Stored
    from ops.lineage.tree import Explanation, NotFound

    vocabulary = Vocabulary.load(settings.home)
    book = FormulaBook.load(settings.home).extended(set_formulas(vocabulary.series_specs()))
    stored = Stored(read, vocabulary, book)
    made = Explanation(stored, width)
    if result.count("|") == 5:
        tree = made.of_series(result, start)
    elif "|" in result:
        tree = made.of_result(result, start, territory if book[result.partition("|")[0]].of else "")
    else:
        rows = [r for r in stored.of_formula(result, territory) if start < 0 or r["period_start"] == start]
        if not rows:
            raise NotFound(f"{result} không có kết quả nào ở {territory} trong kỳ này / no result there in this period")
        tree = made.of_result(rows[-1]["result"], rows[-1]["period_start"], territory)
    return list(tree.lines()), made.disagreements


def period_start(text: str) -> int:
    """First instant of a period written dd/mm/yyyy, mm/yyyy or yyyy, epoch ms; −1 for none. Raises PeriodUnreadable."""
    if not text:
        return -1
    found = re.fullmatch(r"(?:(?:(\d{1,2})/)?(\d{1,2})/)?(\d{4})", text.strip())
    try:
        if found is None:
            raise ValueError
        day, month, year = (int(part) if part else 1 for part in found.groups())
        return day_start(date(year, month, day))
    except ValueError:
        raise PeriodUnreadable(f"«{text}»: kỳ viết dd/mm/yyyy, mm/yyyy hoặc yyyy / write a period like this") from None
