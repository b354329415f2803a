"""Map: provinces shaded by disbursement against the plan's path, or rain and river stations; the archipelagos always shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import Field

from dashboards import figures
from dashboards.board import Answer, Query, Visit
from dashboards.country_map import Pin, Shade, country_map
from dashboards.database import Row
from dashboards.export import Table
from dashboards.headlines import rule_of
from dashboards.judgement import SIGNS, UNJUDGED, WITHIN_LIMITS, Judgement, of_limits, of_severity
from dashboards.pages.ranking import Unit, standing
from dashboards.words import Words

FORMULA: Final = "F02.province"
RIVER: Final = ("vn-1012/D.1", "river_level", "actual")
HEAVY_RAIN_MM: Final = ((Decimal(100), 3), (Decimal(50), 2))
"""Rain in 24 hours that Decision 18/2021/QĐ-TTg calls heavy (mưa to) from 50 mm and very heavy (mưa rất to) from 100 mm [to confirm]."""


class MapQuery(Query):
    """The map: which layer."""

    layer: Literal["disbursement", "stations"] = Field("disbursement", description="lớp / layer")


async def answer(visit: Visit, query: MapQuery) -> Answer:
    """The page."""
    rows, stations = await asyncio.gather(
        visit.ask("results_by_territory", formula=FORMULA),
        visit.ask("stations"),
    )
    ranked, late = standing(rows, visit.lookup, FORMULA)
    units = [*ranked, *late]
    by_rates = query.layer == "disbursement"
    pins = [] if by_rates else [pin for row in stations if (pin := _pin(row, visit)) is not None]
    shades = {u.territory: _shade(u, visit) for u in units} if by_rates else {}
    title = visit.lookup.text(query.layer)
    shown = {
        "layer": query.layer,
        "title": title,
        "legend": legend(query.layer, visit),
        "picture": country_map(visit.board.vocabulary, shades, pins, title),
        "units": [
            {
                "unit": u,
                "name": visit.territory_name(u.territory),
                "value": visit.lookup.value(u.value, "percent"),
                "gap": figures.signed(u.gap, "percentage_point", visit.board.vocabulary, visit.language) if u.gap is not None else "",
            }
            for u in sorted(units, key=lambda u: u.gap if u.gap is not None else u.value)
        ],
        "stations": [] if by_rates else _stations(stations, visit),
    }
    return Answer("map.html", shown, _unit_table(visit, units) if by_rates else _station_table(visit, stations))


def legend(layer: str, visit: Visit) -> list[tuple[str, str, str]]:
    """(class, sign, words) of what the layer's colours mean, the mildest first."""
    if layer == "stations":
        words = [
            ("good", "dưới báo động, không mưa to", "below alarm, no heavy rain"),
            ("attention", "báo động I, mưa to", "alarm I, heavy rain"),
        ]
        words += [("warning", "báo động II, mưa rất to", "alarm II, very heavy rain"), ("urgent", "báo động III", "alarm III")]
        return [(name, SIGNS[name], vi if visit.language == "vi" else en) for name, vi, en in words]
    rule = rule_of(visit.board.rules, visit.board.formulas, FORMULA)
    found = [("good", SIGNS["good"], WITHIN_LIMITS.text(visit.language))]
    for level in rule.levels if rule else ():
        at = of_severity(level.severity)
        points = figures.signed(-Decimal(level.raise_at), "percentage_point", visit.board.vocabulary, visit.language)
        found.append((at.name, at.sign, f"{at.text(visit.language)}: {points}"))
    return [*found, ("none", SIGNS["none"], visit.lookup.text("no_data"))]


def judged(row: Row, visit: Visit) -> tuple[Judgement, str]:
    """How a river reading stands under the station's alarm levels, and the level's name; not judged where it has none."""
    rules = visit.board.rules.of_series(*RIVER)
    if row["component"] != "river_level" or not rules or not row["limits"]:
        return UNJUDGED, ""
    return of_limits(row["latest"], [(limit["name"], limit["value"]) for limit in row["limits"]], rules[0])


def rain_judged(total: Decimal) -> Judgement:
    """Rain of 24 hours by HEAVY_RAIN_MM: words of weather reports, no alert."""
    words = {3: Words("mưa rất to", "very heavy rain"), 2: Words("mưa to", "heavy rain")}
    for limit, severity in HEAVY_RAIN_MM:
        if total > limit:
            return Judgement({3: "warning", 2: "attention"}[severity], words[severity], severity)
    return Judgement("good", Words("không mưa to", "no heavy rain"))


def _shade(unit: Unit, visit: Visit) -> Shade:
    gap = figures.signed(unit.gap, "percentage_point", visit.board.vocabulary, visit.language) if unit.gap is not None else ""
    words = (
        f"{visit.territory_name(unit.territory)}: {visit.lookup.value(unit.value, 'percent')}; {gap} {unit.judgement.text(visit.language)}"
    )
    return Shade(unit.judgement.name, words, f"/indicator/guide-7146/F02?territory={unit.territory}")


def _station(row: Row, visit: Visit) -> tuple[Judgement, str, str]:
    """(judgement, value, words) of a station's row: the level, or the rain of 24 hours."""
    if row["component"] == "rain":
        judgement = rain_judged(row["h24_sum"])
        return judgement, visit.lookup.value(row["h24_sum"], "mm"), judgement.text(visit.language)
    judgement, level = judged(row, visit)
    return judgement, visit.lookup.value(row["latest"], "m"), level or judgement.text(visit.language)


def _pin(row: Row, visit: Visit) -> Pin | None:
    if row["lon"] is None or row["lat"] is None or row["component"] not in ("rain", "river_level"):
        return None
    judgement, value, words = _station(row, visit)
    name = row["name_vi"] if visit.language == "vi" else row["name_en"] or row["name_vi"]
    sign = "≈" if row["component"] == "river_level" and judgement.severity == 0 else judgement.sign
    return Pin(row["lon"], row["lat"], judgement.name, sign, f"{name}: {value}, {words}")


def _stations(rows: Iterable[Row], visit: Visit) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        if row["component"] not in ("rain", "river_level"):
            continue
        judgement, value, words = _station(row, visit)
        newest = figures.ms(row["latest_time"])
        key = f"{row['indicator']}|{row['component']}|{row['territory']}|station:{row['subject_id']}||actual"
        found.append(
            {
                "name": row["name_vi"] if visit.language == "vi" else row["name_en"] or row["name_vi"],
                "component": row["component"],
                "value": value,
                "judgement": judgement,
                "words": words,
                "at": figures.instant(newest, visit.language),
                "age": figures.age(visit.now - newest, visit.language),
                "territory": visit.territory_name(row["territory"]),
                "live": key if row["component"] == "river_level" else "",
            }
        )
    return sorted(found, key=lambda s: -s["judgement"].severity)


def _unit_table(visit: Visit, units: Iterable[Unit]) -> Table:
    at = visit.lookup
    columns = [(k, at.text(k)) for k in ("territory", "value", "path", "gap", "status", "event_time")]
    rows = [
        [visit.territory_name(u.territory), u.value, u.path, u.gap, u.judgement.text(visit.language), figures.moment(u.newest)]
        for u in units
    ]
    return Table("ban-do", columns, rows)


def _station_table(visit: Visit, rows: Iterable[Row]) -> Table:
    at = visit.lookup
    columns = [
        ("station", at.text("station")),
        ("component", at.text("indicator")),
        ("territory", at.text("territory")),
        ("value", at.text("value")),
        ("h24_sum", at.text("rain24")),
        ("event_time", at.text("event_time")),
    ]
    return Table(
        "tram",
        columns,
        [
            [
                r["subject_id"],
                r["component"],
                visit.territory_name(r["territory"]),
                r["latest"],
                r["h24_sum"] if r["component"] == "rain" else None,
                r["latest_time"],
            ]
            for r in rows
        ],
    )
