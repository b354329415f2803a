"""Data supply: each provider's feeds fresh or stale, its reports on time, late or missing by their due days, sent twice or by two; what was
refused, why, and what to do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from dashboards import figures
from dashboards.board import Answer, Query, Visit
from dashboards.database import Row
from dashboards.export import Table
from dashboards.judgement import late
from dashboards.terms import REASONS, REMEDIES
from dashboards.words import word
from indicators.instant import DAY_MS

OPEN_DATA: Final = "OPEN-DATA"
REPORTED: Final = ("on_time", "late", "missing", "duplicates", "second_sources")
"""What is counted of a provider's reports (view board_quality)."""


class SupplyQuery(Query):
    """Data supply: over how many days of arrival."""

    days: int = Field(400, ge=1, le=3660, description="tiếp nhận trong số ngày gần đây / arrived within the last days")


async def answer(visit: Visit, query: SupplyQuery) -> Answer:
    """The page."""
    since = figures.moment(visit.now - query.days * DAY_MS)
    providers, reports, refused = await asyncio.gather(
        visit.ask("supply", since=since),
        visit.ask("reports_by_provider", since=since, moment=figures.moment(visit.now)),
        visit.ask("refused"),
    )
    letters = _letters(refused)
    lines = [_line(visit, row, letters) for row in providers]
    shown = {
        "providers": sorted(lines, key=lambda line: (line["foreign"], not line["late"], line["name"])),
        "on_time": sum(1 for line in lines if not line["late"] and not line["foreign"]),
        "late": sum(1 for line in lines if line["late"] and not line["foreign"]),
        "days": query.days,
        "reports": sorted((_report(visit, row) for row in reports), key=lambda line: (-line["share_missed"], line["name"])),
        "refused": [_letter(visit, row) for row in refused],
        "sees_refused": visit.access.whole_country and visit.access.depth >= 2,
    }
    return Answer("supply.html", shown, table(visit, providers, reports, refused))


def _letters(refused: Iterable[Row]) -> Counter[str]:
    """Refusals by source: a refused record carries no provider that could be trusted."""
    found: Counter[str] = Counter()
    for row in refused:
        found[row["source"]] += int(row["letters"])
    return found


def _report(visit: Visit, row: Row) -> dict[str, Any]:
    """The reports of one provider: of those due by now how many came in time, late, not at all."""
    on_time, missed = int(row["on_time"]), int(row["late"]) + int(row["missing"])
    due = on_time + missed
    known = [i for code in sorted(row["lacking"]) if (i := visit.board.vocabulary.indicator(code))]
    return {
        "name": visit.agency_name(row["provider"]),
        "share": figures.number(Decimal(100 * on_time) / due, 1, visit.language) if due else "–",
        "share_missed": missed / due if due else 0.0,
        "lacking": [i.name_vi if visit.language == "vi" else i.name_en for i in known],
        **{name: figures.count(int(row[name]), visit.language) for name in REPORTED},
    }


def _line(visit: Visit, row: Row, letters: Mapping[str, int]) -> dict[str, Any]:
    newest, arrived = figures.ms(row["newest_event"]), figures.ms(row["newest_arrival"])
    names = [
        i.name_vi if visit.language == "vi" else i.name_en for code in row["indicators"] if (i := visit.board.vocabulary.indicator(code))
    ]
    return {
        "name": visit.agency_name(row["provider"]),
        "source": row["source_system"],
        "indicators": names,
        "records": figures.count(int(row["records"]), visit.language),
        "corrections": figures.count(int(row["corrections"]), visit.language),
        "refused": figures.count(letters[row["source_system"]], visit.language) if visit.access.whole_country else "–",
        "newest": figures.instant(newest, visit.language),
        "age": figures.age(visit.now - newest, visit.language),
        "arrived": figures.instant(arrived, visit.language),
        "late": late(row["period_types"], newest, visit.now),
        "foreign": row["provider"] == OPEN_DATA,
    }


def _letter(visit: Visit, row: Row) -> dict[str, Any]:
    return {
        "stage": row["stage"],
        "source": row["source"],
        "reason": word(REASONS, row["reason"], visit.language),
        "code": row["reason"],
        "field": row["field"],
        "count": figures.count(int(row["letters"]), visit.language),
        "first": figures.instant(figures.ms(row["first"]), visit.language),
        "newest": figures.instant(figures.ms(row["newest"]), visit.language),
        "place": row["place"],
        "remedy": word(REMEDIES, row["reason"], visit.language) if row["reason"] in REMEDIES else "",
    }


def table(visit: Visit, providers: Iterable[Row], reports: Iterable[Row], refused: Iterable[Row]) -> Table:
    """Feeds, reports and refusals in one table: what is late and what was refused belong to one letter."""
    at = visit.lookup
    columns = [
        ("kind", at.text("stage")),
        ("provider", at.text("provider")),
        ("source", at.text("source")),
        ("reason", at.text("reason")),
        ("records", at.text("records_count")),
        ("corrections", at.text("corrections")),
        ("newest", at.text("newest_event")),
        ("arrived", at.text("newest_arrival")),
        *((name, at.text(f"reports_{name}")) for name in REPORTED),
    ]
    none: list[Any] = [None] * len(REPORTED)
    rows: list[list[Any]] = [
        [
            "",
            visit.agency_name(r["provider"]),
            r["source_system"],
            "",
            int(r["records"]),
            int(r["corrections"]),
            r["newest_event"],
            r["newest_arrival"],
            *none,
        ]
        for r in providers
    ]
    rows += [["", visit.agency_name(r["provider"]), "", "", *none[:4], *(int(r[name]) for name in REPORTED)] for r in reports]
    rows += [
        [r["stage"], "", r["source"], word(REASONS, r["reason"], visit.language), int(r["letters"]), None, r["newest"], None, *none]
        for r in refused
    ]
    return Table("cung-cap-so-lieu", columns, rows)
