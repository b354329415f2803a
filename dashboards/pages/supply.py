"""Data supply: each provider on time or late by the periods of what it supplies; what was refused, why, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
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


class SupplyQuery(Query):
    """Data supply: over how many days of arrival."""

    days: int = Field(400, ge=1, le=3660, description="tiếp nhận trong số ngày gần đây / arrived within the last days")


async def answer(visit: Visit, query: SupplyQuery) -> Answer:
    """The page."""
    since = figures.moment(visit.now - query.days * DAY_MS)
    providers, refused = await asyncio.gather(visit.ask("supply", since=since), visit.ask("refused"))
    lines = [_line(visit, row) for row in providers]
    shown = {
        "providers": sorted(lines, key=lambda line: (line["foreign"], not line["late"], line["name"])),
        "on_time": sum(1 for line in lines if not line["late"] and not line["foreign"]),
        "late": sum(1 for line in lines if line["late"] and not line["foreign"]),
        "days": query.days,
        "refused": [_letter(visit, row) for row in refused],
        "sees_refused": visit.access.whole_country and visit.access.depth >= 2,
    }
    return Answer("supply.html", shown, table(visit, providers, refused))


def _line(visit: Visit, row: Row) -> dict[str, Any]:
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


def table(visit: Visit, providers: Iterable[Row], refused: Iterable[Row]) -> Table:
    """Providers, then refusals, in one table: what is late and what was refused belong to one letter."""
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
    ]
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
        ]
        for r in providers
    ]
    rows += [
        [r["stage"], "", r["source"], word(REASONS, r["reason"], visit.language), int(r["letters"]), None, r["newest"], None]
        for r in refused
    ]
    return Table("cung-cap-so-lieu", columns, rows)
