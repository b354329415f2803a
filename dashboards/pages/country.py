"""Map: provinces coloured by the judgement or value of a formula or indicator, under the guide's layers; the archipelagos always shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import Field

from dashboards import choropleth, figures, map_layers
from dashboards.board import Answer, Missing, Query, Visit
from dashboards.country_map import Pin, Shade, country_map
from dashboards.database import Row
from dashboards.export import Table
from dashboards.headlines import rule_of
from dashboards.judgement import SIGNS, UNJUDGED, WITHIN_LIMITS, Judgement, of_limits, of_severity
from dashboards.map_layers import LAYERS
from dashboards.pages.emergency_acts import book_of
from dashboards.pages.ranking import Unit, standing
from dashboards.words import Words
from indicators.territory import COUNTRY
from transport.emergencies import EmergencyBook

FORMULA: Final = "F02.province"
NOTHING: Final = "-"
RIVER: Final = ("vn-1012/D.1", "river_level", "actual")
SHOWN: Final = ("rain", "river_level")
MOST_LISTED: Final = 200
"""Stations in the table, the worst first; all are on the map, and in the table for who asks for it."""
HEAVY_RAIN_MM: Final = ((Decimal(100), 3), (Decimal(50), 2))
"""Rain in 24 hours that Decision 18/2021/QĐ-TTg calls heavy (mưa to) from 50 mm and very heavy (mưa rất to) from 100 mm [to confirm]."""


class MapQuery(Query):
    """The map: what the provinces are coloured by, in which way, and which layers lie over them."""

    shade: str = Field(
        FORMULA,
        pattern=r"^(-|[A-Za-z0-9_.-]{1,60}|[a-z0-9-]{1,40}/[A-Za-z0-9_.]{1,60})$",
        description="tô theo công thức hoặc chỉ tiêu; -: không tô / formula or indicator to colour by; -: none",
    )
    by: Literal["status", "value"] = Field("status", description="theo đánh giá hay giá trị / by judgement or by value")
    layers: str = Field(
        "",
        pattern=r"^((situation|resources|people|international)(,(situation|resources|people|international))*)?$",
        description="các lớp, cách nhau bằng dấu phẩy / layers, parted by commas",
    )
    whole: Literal["0", "1"] = Field("0", description="1: mọi trạm trong bảng / every station in the table")


@dataclass(frozen=True, slots=True)
class Station:
    """A station's row as it is read: how it stands, its value (the level, or the rain of 24 hours) and words."""

    row: Row
    name: str
    judgement: Judgement
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Shading:
    """What colours the provinces. `values`: province → value; `legend`: (class, sign, words); `lines`: rows of the table beside."""

    title: str
    shades: dict[str, Shade]
    legend: list[tuple[str, str, str]]
    lines: list[dict[str, Any]]
    table: Table


async def answer(visit: Visit, query: MapQuery) -> Answer:
    """The page. Raises Missing for a formula or indicator that there is not."""
    on = tuple(layer for layer in LAYERS if layer in query.layers.split(","))
    shading, rows, stations, alerts, book = await asyncio.gather(
        shading_of(visit, query),
        visit.ask("layer_series", series=map_layers.asked(visit, on)) if on else _nothing(),
        visit.ask("stations") if "situation" in on else _nothing(),
        visit.ask("alerts", everything=0, severity=0, territory="") if "situation" in on else _nothing(),
        book_of(visit) if "situation" in on else _no_book(),
    )
    entries = [entry for layer in on for entry in map_layers.places(visit, layer, rows)]
    areas = map_layers.alert_areas(visit, alerts)
    read = sorted((_station(row, visit) for row in stations if row["component"] in SHOWN), key=lambda one: -one.judgement.severity)
    listed = read if query.whole == "1" else read[:MOST_LISTED]
    pins = [pin for one in read if (pin := _pin(one)) is not None] + map_layers.pins(entries)
    pins += map_layers.emergencies(visit, book) if "situation" in on else []
    shown = {
        "query": query,
        "title": shading.title,
        "legend": shading.legend,
        "station_legend": legend("stations", visit) if stations else [],
        "picture": country_map(visit.board.vocabulary, shading.shades, pins, visit.lookup.text("map"), areas),
        "units": shading.lines,
        "areas": [area.tip for area in areas.values()],
        "stations": _stations(listed, visit),
        "all_stations": len(read) if len(listed) < len(read) else 0,
        "entries": entries,
        "switches": [(layer, layer in on, ",".join(x for x in LAYERS if (x in on) != (x == layer))) for layer in LAYERS],
        "choices": choices(visit),
    }
    only_stations = query.shade == NOTHING and bool(stations)
    return Answer("map.html", shown, _station_table(visit, stations) if only_stations else shading.table)


async def _nothing() -> list[Row]:
    return []


async def _no_book() -> EmergencyBook:
    return EmergencyBook()


def choices(visit: Visit) -> list[tuple[str, str]]:
    """(value, name) of what the provinces can be coloured by."""
    at = visit.lookup
    rates = [(f.id, at.name(f)) for f in visit.board.formulas if f.level == "province" and f.kind == "ratio"]
    specs = {s.indicator for s in at.vocabulary.series_specs() if not s.component and s.subject_type in ("", "project")}
    named = [(code, at.name(row)) for code in sorted(specs) if (row := at.vocabulary.indicator(code)) is not None]
    return [*rates, *named, (NOTHING, at.text("no_shade"))]


async def shading_of(visit: Visit, query: MapQuery) -> Shading:
    """The colours of the provinces. Raises Missing."""
    at = visit.lookup
    if query.shade == NOTHING:
        return Shading(at.text("map"), {}, [], [], _unit_table(visit, []))
    formula = at.formulas.formulas.get(query.shade)
    if formula is not None and formula.level == "province" and formula.kind == "ratio":
        ranked, late = standing(await visit.ask("results_by_territory", formula=formula.id), at, formula.id)
        units = [*ranked, *late]
        href = f"/indicator/{formula.indicator}?formula={formula.id}&territory="
        if query.by == "value":
            return _by_value(visit, at.name(formula), {u.territory: u.value for u in units}, formula.measure_unit, href)
        lines = [_unit_line(visit, u, href) for u in sorted(units, key=lambda u: u.gap if u.gap is not None else u.value)]
        shades = {u.territory: _shade(u, visit, href) for u in units}
        return Shading(at.name(formula), shades, legend(formula.id, visit), lines, _unit_table(visit, units))
    row = at.vocabulary.indicator(query.shade)
    spec = at.vocabulary.series_spec(query.shade, "") if row is not None else None
    if row is None or spec is None:
        raise Missing
    question = "totals_by_territory" if spec.additivity == "flow" and spec.fold_of("actual") == "event" else "values_by_territory"
    found = await visit.ask(question, indicator=query.shade, component="")
    values = {r["territory"]: Decimal(r["value"]) for r in found if r["value"] is not None and r["territory"] != COUNTRY}
    return _by_value(visit, at.name(row), values, spec.measure_unit, f"/indicator/{query.shade}?territory=")


def _by_value(visit: Visit, title: str, values: dict[str, Decimal], unit: str, href: str) -> Shading:
    """Steps of the values: darker and larger dots for more."""
    at, lower = visit.lookup, choropleth.bounds(values)
    steps = {code: f"step{choropleth.step_of(value, lower)}" for code, value in values.items()}
    words = {code: at.value(value, unit) for code, value in values.items()}
    shades = {code: Shade(steps[code], f"{visit.territory_name(code)}: {words[code]}", f"{href}{code}") for code in values}
    found = [
        (f"step{n}", "", at.value(low, unit) if low == high else f"{at.value(low, unit)} – {at.value(high, unit)}")
        for n, low, high in choropleth.ranges(values, lower)
    ]
    order = sorted(values, key=lambda code: values[code], reverse=True)
    lines = [
        {"name": visit.territory_name(c), "href": f"{href}{c}", "value": words[c], "gap": "", "judgement": None} for c in order
    ]
    columns = [(key, at.text(key)) for key in ("territory", "value", "measure_unit")]
    rows: list[list[Any]] = [[visit.territory_name(c), values[c], unit] for c in order]
    return Shading(title, shades, [*found, ("none", SIGNS["none"], at.text("no_data"))], lines, Table("ban-do", columns, rows))


def _unit_line(visit: Visit, unit: Unit, href: str) -> dict[str, Any]:
    name, value, gap = _unit_words(visit, unit)
    return {"name": name, "href": f"{href}{unit.territory}", "value": value, "gap": gap, "judgement": unit.judgement}


def _unit_words(visit: Visit, unit: Unit) -> tuple[str, str, str]:
    """(name, value, gap to its path) of a province; no gap where it has no path."""
    gap = figures.signed(unit.gap, "percentage_point", visit.board.vocabulary, visit.language) if unit.gap is not None else ""
    return visit.territory_name(unit.territory), visit.lookup.value(unit.value, "percent"), gap


def legend(layer: str, visit: Visit) -> list[tuple[str, str, str]]:
    """(class, sign, words) of what the colours mean, the mildest first: those of stations, or of a formula's judgement."""
    if layer == "stations":
        words = [
            ("good", "dưới báo động, không mưa to", "below alarm, no heavy rain"),
            ("attention", "báo động I, mưa to", "alarm I, heavy rain"),
        ]
        words += [("warning", "báo động II, mưa rất to", "alarm II, very heavy rain"), ("urgent", "báo động III", "alarm III")]
        return [(name, SIGNS[name], vi if visit.language == "vi" else en) for name, vi, en in words]
    rule = rule_of(visit.board.rules, visit.board.formulas, layer)
    found = [("good", SIGNS["good"], WITHIN_LIMITS.text(visit.language))]
    for level in rule.levels if rule else ():
        if isinstance(level.raise_at, str):
            continue
        at = of_severity(level.severity)
        points = figures.signed(-level.raise_at, "percentage_point", visit.board.vocabulary, visit.language) if rule and rule.pacing else ""
        found.append((at.name, at.sign, f"{at.text(visit.language)}: {points}" if points else at.text(visit.language)))
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


def _shade(unit: Unit, visit: Visit, href: str) -> Shade:
    name, value, gap = _unit_words(visit, unit)
    return Shade(unit.judgement.name, f"{name}: {value}; {gap} {unit.judgement.text(visit.language)}", f"{href}{unit.territory}")


def _station(row: Row, visit: Visit) -> Station:
    name = row["name_vi"] if visit.language == "vi" else row["name_en"] or row["name_vi"]
    if row["component"] == "rain":
        judgement = rain_judged(row["h24_sum"])
        return Station(row, name, judgement, visit.lookup.value(row["h24_sum"], "mm"), judgement.text(visit.language))
    judgement, level = judged(row, visit)
    return Station(row, name, judgement, visit.lookup.value(row["latest"], "m"), level or judgement.text(visit.language))


def _pin(one: Station) -> Pin | None:
    row, judgement = one.row, one.judgement
    if row["lon"] is None or row["lat"] is None:
        return None
    sign = "≈" if row["component"] == "river_level" and judgement.severity == 0 else judgement.sign
    return Pin(row["lon"], row["lat"], judgement.name, sign, f"{one.name}: {one.value}, {one.words}")


def _stations(read: Iterable[Station], visit: Visit) -> list[dict[str, Any]]:
    found = []
    for one in read:
        row = one.row
        newest = figures.ms(row["latest_time"])
        key = f"{row['indicator']}|{row['component']}|{row['territory']}|station:{row['subject_id']}||actual"
        found.append(
            {
                "name": one.name,
                "component": row["component"],
                "value": one.value,
                "judgement": one.judgement,
                "words": one.words,
                "at": figures.instant(newest, visit.language),
                "age": figures.age(visit.now - newest, visit.language),
                "territory": visit.territory_name(row["territory"]),
                "live": key if row["component"] == "river_level" else "",
            }
        )
    return found


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
