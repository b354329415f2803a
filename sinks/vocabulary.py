"""The vocabulary in ClickHouse: names of territories, indicators, subjects, agencies and formulas, so that questions can show words.

Each table is filled beside and swapped in as a whole, so a reader sees the old words or the new ones, never a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import polars as pl
from clickhouse_connect.driver.client import Client

from indicators.calendar import WorkingCalendar
from indicators.derived.formula_book import FormulaBook
from indicators.instant import DAY_MS, day_start
from indicators.obligation import ObligationBook, periods_of
from indicators.vocabulary import Vocabulary
from sinks import clickhouse, report_preparation
from transport.settings import Settings

Row = dict[str, Any]
NEVER: Final = date(2299, 12, 31)
"""ClickHouse's last Date32: an obligation that names no day."""
DUE_YEARS: Final = (2015, 2040)
"""Years whose periods have a due day: the steering reports of Decree 09/2019/NĐ-CP and as far as anybody plans."""


def load_vocabulary(settings: Settings) -> dict[str, int]:
    """Replace the vocabulary's tables by what `home/catalogue` holds now; return rows by table.

    Raises DataFileError for a wrong file (nothing is replaced), clickhouse.Unavailable or NotReady.
    """
    vocabulary, book = Vocabulary.load(settings.home), FormulaBook.load(settings.home)
    owed, calendar = ObligationBook.load(settings.home, vocabulary), WorkingCalendar.load(settings.home)
    content = {
        "territories": list(_territories(vocabulary)),
        "indicators": list(_indicators(vocabulary)),
        "series_specs": list(_series_specs(vocabulary)),
        "subjects": list(_subjects(vocabulary)),
        "agencies": [{"code": a.code, "name_vi": a.name_vi, "name_en": a.name_en, "kind": a.kind, "parent_agency": a.parent_agency}
                     for a in vocabulary.agencies()],
        "formulas": list(_formulas(book)),
        "formula_operands": [{"name": name, "operand": operand} for name, operand in sorted(book.operand_pairs)],
        "obligations": list(_obligations(owed)),
        "due_days": list(_due_days(owed, calendar)),
    }  # fmt: skip
    with clickhouse.connected(settings) as client:
        for table, rows in content.items():
            _replace(client, table, rows)
        _swap(client, "report_debts", lambda beside: client.command(_DEBTS.format(beside=beside)))
        report_preparation.forget(client)  # who owes what was folded with the old words
    return {table: len(rows) for table, rows in content.items()}


def _replace(client: Client, table: str, rows: list[Row]) -> None:
    def fill(beside: str) -> None:
        if rows:
            clickhouse.insert(client, beside, pl.DataFrame(rows, infer_schema_length=None, schema_overrides=_overrides(rows[0])), "")

    _swap(client, table, fill)


def _swap(client: Client, table: str, fill: Callable[[str], object]) -> None:
    """Let `fill` fill a table of the same shape beside, and put it in the place of this one."""
    beside = f"{table}_next"
    client.command(f"DROP TABLE IF EXISTS {beside}")
    client.command(f"CREATE TABLE {beside} AS {table}")
    fill(beside)
    client.command(f"EXCHANGE TABLES {beside} AND {table}")
    client.command(f"DROP TABLE {beside}")


def _overrides(row: Row) -> dict[str, Any]:
    types: dict[str, Any] = {"lon": pl.Float64, "lat": pl.Float64, "area_km2": pl.Float64,
                             "limits": pl.List(pl.Struct({"name": pl.String, "value": pl.Decimal(38, 6)}))}  # fmt: skip
    return {name: kind for name, kind in types.items() if name in row}


def _territories(vocabulary: Vocabulary) -> Iterator[Row]:
    for unit in vocabulary.territories():
        yield {"code": unit.code, "name_vi": unit.name_vi, "short_name_vi": unit.short_name_vi, "kind": unit.kind, "parent": unit.parent,
               "province": vocabulary.ancestor(unit.code, "province") or "", "lon": unit.lon, "lat": unit.lat,
               "area_km2": unit.area_km2}  # fmt: skip


def _indicators(vocabulary: Vocabulary) -> Iterator[Row]:
    for row in vocabulary.indicators():
        yield {"id": row.id, "catalogue": row.catalogue, "code": row.code, "concept": row.concept, "name_vi": row.name_vi,
               "name_en": row.name_en, "measure": row.measure, "policy_kind": row.policy_kind or ""}  # fmt: skip


def _series_specs(vocabulary: Vocabulary) -> Iterator[Row]:
    for spec in vocabulary.series_specs():
        yield {"indicator": spec.indicator, "component": spec.component, "concept": spec.concept, "concept_group": spec.group,
               "fold": spec.fold, "additivity": spec.additivity, "measure_unit": spec.measure_unit, "scale": spec.scale,
               "subject_type": spec.subject_type}  # fmt: skip


def _subjects(vocabulary: Vocabulary) -> Iterator[Row]:
    for subject in vocabulary.subjects():
        limits = [{"name": name, "value": Decimal(value)} for name, value in sorted(subject.limits.items())]
        yield {"type": subject.type, "id": subject.id, "name_vi": subject.name_vi, "name_en": subject.name_en,
               "territory": subject.territory, "agency": subject.agency, "lon": subject.lon, "lat": subject.lat,
               "limits": limits, "origin": subject.origin}  # fmt: skip


def _formulas(book: FormulaBook) -> Iterator[Row]:
    for formula in book:
        yield {"id": formula.id, "name_vi": formula.name_vi, "name_en": formula.name_en, "kind": formula.kind,
               "indicator": formula.indicator, "component": formula.component, "level": formula.level, "measure_unit": formula.measure_unit,
               "figure_compared": formula.figure_compared, "places": formula.places}  # fmt: skip


def _obligations(book: ObligationBook) -> Iterator[Row]:
    for debt, items in book.items.items():
        for item in items:
            yield {"indicator": item.indicator, "component": item.component, "area": debt.area, "period_type": debt.period_type,
                   "provider": debt.provider, "calendar": debt.calendar, "since": item.since or NEVER,
                   "until": item.until or NEVER}  # fmt: skip


def _due_days(book: ObligationBook, calendar: WorkingCalendar) -> Iterator[Row]:
    """Every period of the types that are owed under a calendar, in `DUE_YEARS`."""
    first, last = day_start(date(DUE_YEARS[0], 1, 1)), day_start(date(DUE_YEARS[1], 12, 31))
    for name, period_type in sorted({(debt.calendar, debt.period_type) for debt in book.items}):
        for period in periods_of(period_type, first, last):
            due = book.calendars[name].due(period, calendar)
            yield {"calendar": name, "period_type": period_type, "period_start": _moment(period.start_ms),
                   "period_end": _moment(period.end_ms), "due_day": due, "due_at": _moment(day_start(due) + DAY_MS)}  # fmt: skip


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


_DEBTS: Final = """INSERT INTO {beside} SELECT
    o.indicator, o.component, o.period_type, d.period_start, d.period_end, o.area, o.provider, d.due_day, d.due_at, o.since <= d.due_day
FROM obligations AS o
INNER JOIN due_days AS d ON d.calendar = o.calendar AND d.period_type = o.period_type
WHERE d.due_day < o.until"""
"""Who owes what by when, of all years: met here, since a question that meets them plans it every time."""
