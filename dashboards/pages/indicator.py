"""Indicator: one figure's series with its plan path, as known now and at a moment, by territory, by part, down to its source records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from dashboards import figures
from dashboards.about import about, agencies
from dashboards.access import BREAKDOWN, RECORD
from dashboards.board import Answer, Missing, Query, Visit
from dashboards.chart import Point, line_chart, ticks
from dashboards.database import Row
from dashboards.export import Table
from dashboards.headlines import Headline, Lookup, flows, gap_at, indicator_name, ratio_value, ratios, rule_of, scope_name
from dashboards.moments import PATTERN, known_at
from dashboards.outlook import ahead
from dashboards.pages.ranking import results
from dashboards.reported import levels, period_label
from dashboards.sdmx import time_period
from dashboards.terms import OPERANDS
from dashboards.words import word
from indicators.derived.formula import Formula
from indicators.instant import VIETNAM, local, to_ms
from indicators.period import Period, period_of

MOST_PERIODS: Final = 36
MOST_PARTS: Final = 40
LINEAGE_DAYS: Final = 62


class IndicatorQuery(Query):
    """An indicator's page: component, as known when."""

    component: str = Field("", pattern=r"^[a-z0-9_]{0,60}$", description="chỉ số thành phần / component")
    as_of: str = Field("", pattern=PATTERN, description="xem như đã biết lúc, giờ Việt Nam / as known at, Vietnam's time")


async def answer(visit: Visit, query: IndicatorQuery, code: str) -> Answer:
    """The page of `catalogue/code`. Raises Missing for an unknown one, JournalError where a restricted view cannot be written down."""
    row = visit.board.vocabulary.indicator(code)
    formulas = [f for f in visit.board.formulas if f.indicator == code and f.component == query.component and f.kind == "ratio"]
    if row is None and not formulas:
        raise Missing
    territory = visit.territory(query.territory)
    spec = visit.board.vocabulary.series_spec(code, query.component)
    if formulas:
        series = await _of_formula(visit, query, territory, formulas)
    elif spec is None or spec.additivity == "flow":
        series = await _of_flow(visit, query, code, territory)
    else:
        series = await _of_values(visit, query, code, territory)
    operands = sorted({indicator for f in formulas for indicator in visit.board.formulas.indicators_of(f)} or {code})
    lineage = await _lineage(visit, operands, territory, series)
    await _write_down(visit, code, territory, operands, lineage)
    shown = {
        "code": code,
        "row": row,
        "about": about(row, formulas, visit.lookup),
        "name": indicator_name(code, query.component, visit.lookup) if row else visit.lookup.name(formulas[0]),
        "territory": territory,
        "scope_title": scope_name(territory, visit.lookup),
        "component": query.component,
        "as_of": query.as_of,
        "providers": agencies(row.providers, visit.lookup) if row else "",
        "value": lambda value: visit.lookup.value(value, series["unit"]),
        "plain": lambda value: figures.exact(value, visit.language),
        "operand": lambda role: word(OPERANDS, role, visit.language),
        **series,
        **lineage,
    }
    return Answer("indicator.html", shown, table(visit, series["points"], series["unit"]))


async def _of_formula(visit: Visit, query: IndicatorQuery, territory: str, formulas: list[Formula]) -> dict[str, Any]:
    """Series of a ratio: by period now and as known at the moment, with the path of its plan."""
    at = visit.lookup
    names = {f.id for f in formulas}
    rows = [r for r in await visit.ask("results", territory=territory) if r["formula"] in names]
    headline = next(iter(ratios(rows, at)), None)
    formula = visit.board.formulas[headline.formula] if headline else formulas[0]
    by_province = next((f for f in formulas if f.level == "province"), None)
    then_rows, units, marks = await asyncio.gather(
        results(visit, formula.id, query.as_of) if query.as_of else _nothing(),
        results(visit, by_province.id if by_province else "", ""),
        visit.ask("operands", formula=formula.id, territory=territory),
    )
    then = {r["period_start"]: r["value"] for r in then_rows if r["territory"] == territory} if query.as_of else {}
    own = sorted((r for r in rows if r["formula"] == formula.id), key=lambda r: r["period_start"])[-MOST_PERIODS:]
    points = [_ratio_point(r, formula, then, at, bool(query.as_of)) for r in own]
    rates = {_period(r): value for r in own if (value := ratio_value(r, formula)) is not None}
    points += ahead(rates, formula.measure_unit, at, within_year=formula.figure_compared != "")
    return {
        "headline": headline,
        "points": points,
        "unit": formula.measure_unit,
        "chart": _chart(points, formula.measure_unit, at, bars=False),
        "units": _newest_units(units, visit, formula.measure_unit),
        "parts": [],
        "marks": marks[0] if marks else None,
        "formula": formula,
        "newest_start": own[-1]["period_start"] if own else None,
    }


def _ratio_point(row: Row, formula: Formula, then: dict[datetime, Decimal | None], at: Lookup, with_then: bool) -> Point:
    value, newest = ratio_value(row, formula), figures.ms(row["event_time"])
    path = gap_at(rule_of(at.rules, at.formulas, formula.id), value, newest, int(row["budget_year"]))
    label = figures.day(newest, at.language)
    start = local(figures.ms(row["period_start"]))
    known = then.get(row["period_start"]) if with_then else None
    tick = f"{start:%m/%y}" if row["period_type"] == "month" else f"{start:%d/%m}"
    time = time_period(row["period_type"], figures.ms(row["period_start"]))
    return Point(label, tick, value, at.value(value, formula.measure_unit), path, known, time=time)


async def _of_flow(visit: Visit, query: IndicatorQuery, code: str, territory: str) -> dict[str, Any]:
    """Series of a flow: monthly totals now and as known at the moment, by province and by part."""
    at = visit.lookup
    rows = [r for r in await visit.ask("totals", territory=territory, indicator=code, year=0) if r["component"] == query.component]
    headline = next(iter(flows(rows, at)), None)
    year = max((int(r["budget_year"]) for r in rows if r["figure"] == "actual"), default=0)
    spec = visit.board.vocabulary.series_spec(code, query.component)
    unit = spec.measure_unit if spec else ""
    known = {"indicator": code, "component": query.component, "territory": territory, "moment": known_at(query.as_of, visit.now)}
    known["since"] = figures.moment(0)
    then_rows, units, parts = await asyncio.gather(
        visit.ask("known_totals", **known) if query.as_of else _nothing(),
        visit.ask("totals_by_territory", indicator=code, component=query.component),
        visit.ask("breakdown", indicator=code, component=query.component, territory=territory, budget_year=year),
    )
    then = {int(r["pane"]): Decimal(r["value"]) for r in then_rows}
    actual = [r for r in rows if r["figure"] == "actual"][-MOST_PERIODS:]
    points = [_flow_point(r, unit, then, at) for r in actual]
    points += ahead({_month(int(r["pane"])): Decimal(r["value"]) for r in actual}, unit, at)
    return {
        "headline": headline,
        "points": points,
        "unit": unit,
        "chart": _chart(points, unit, at, bars=True),
        "units": [_unit_line(r, visit, unit) for r in units],
        "parts": [_part_line(r, visit, unit) for r in parts[:MOST_PARTS]],
        "marks": None,
        "formula": None,
        "newest_start": figures.moment(headline.newest) if headline else None,
    }


async def _of_values(visit: Visit, query: IndicatorQuery, code: str, territory: str) -> dict[str, Any]:
    """Series of a reported value that does not add up: by period now and as known at the moment, by province."""
    at = visit.lookup
    rows = [r for r in await visit.ask("values", territory=territory, indicator=code) if r["component"] == query.component]
    headline = next(iter(levels(rows, at)), None)
    unit = rows[-1]["measure_unit"] if rows else ""
    shown = [r for r in rows if r["period_type"] == rows[-1]["period_type"]][-MOST_PERIODS:]
    known = {"indicator": code, "component": query.component, "territory": territory, "moment": known_at(query.as_of, visit.now)}
    then_rows, units = await asyncio.gather(
        visit.ask("known_values", **known) if query.as_of else _nothing(),
        visit.ask("values_by_territory", indicator=code, component=query.component),
    )
    then = {(r["period_type"], r["period_start"]): r["value"] for r in then_rows}
    points = [_value_point(r, unit, then.get((r["period_type"], r["period_start"])), at) for r in shown]
    points += ahead({_period(r): Decimal(r["value"]) for r in shown}, unit, at)
    return {
        "headline": headline,
        "points": points,
        "unit": unit,
        "chart": _chart(points, unit, at, bars=False),
        "units": [_unit_line(r, visit, unit) for r in units],
        "parts": [],
        "marks": None,
        "formula": None,
        "newest_start": shown[-1]["period_start"] if shown else None,
    }


def _value_point(row: Row, unit: str, then: Decimal | None, at: Lookup) -> Point:
    value, start = Decimal(row["value"]), local(figures.ms(row["period_start"]))
    time = time_period(row["period_type"], figures.ms(row["period_start"]))
    return Point(period_label(row, at), f"{start:%m/%y}", value, at.value(value, unit), None, then, time=time)


def _period(row: Row) -> Period:
    return Period(row["period_type"], figures.ms(row["period_start"]), figures.ms(row["period_end"]))


def _month(pane: int) -> Period:
    """The month of a month pane (months since January 1970 in Vietnam)."""
    return period_of("month", to_ms(datetime(1970 + pane // 12, pane % 12 + 1, 1, tzinfo=VIETNAM)))


async def _nothing() -> list[Row]:
    return []


def _flow_point(row: Row, unit: str, then: dict[int, Decimal], at: Lookup) -> Point:
    pane, value = int(row["pane"]), Decimal(row["value"])
    return Point(
        figures.month_label(pane, at.language),
        f"{pane % 12 + 1:02d}/{(1970 + pane // 12) % 100:02d}",
        value,
        at.value(value, unit),
        None,
        then.get(pane),
        time=time_period("month", _month(pane).start_ms),
    )


def _chart(points: list[Point], unit: str, at: Lookup, bars: bool) -> str:
    known = [v for p in points for v in p.known()]
    if not known:
        return ""
    axis = [figures.axis_text(v, unit, at.vocabulary, at.language) for v in ticks(known)]
    return line_chart(points, at.text("trend"), axis, bars)


def _newest_units(rows: Iterable[Row], visit: Visit, unit: str) -> list[dict[str, Any]]:
    """Each province's newest result, worst first."""
    newest: dict[str, Row] = {}
    for row in rows:
        if row["subject_id"] == "" and row["value"] is not None and (row["territory"] not in newest):
            newest[row["territory"]] = row
    ordered = sorted(newest.values(), key=lambda r: Decimal(r["value"]))
    return [_unit_line(r, visit, unit) for r in ordered]


def _unit_line(row: Row, visit: Visit, unit: str) -> dict[str, Any]:
    newest = figures.ms(row["event_time"])
    return {
        "code": row["territory"],
        "name": visit.territory_name(row["territory"]),
        "value": visit.lookup.value(row["value"], unit),
        "raw": row["value"],
        "day": figures.day(newest, visit.language),
    }


def _part_line(row: Row, visit: Visit, unit: str) -> dict[str, Any]:
    dimensions = ", ".join(f"{d['name']}: {d['value']}" for d in row["dimensions"])
    subject = visit.subject_name(row["subject_type"], row["subject_id"]) if row["subject_id"] else ""
    return {
        "name": " · ".join(t for t in (subject, dimensions) if t),
        "value": visit.lookup.value(row["value"], unit),
        "day": figures.day(figures.ms(row["event_time"]), visit.language),
    }


async def _lineage(visit: Visit, operands: list[str], territory: str, series: dict[str, Any]) -> dict[str, Any]:
    """The newest source records of the operands, for readers of depth 3."""
    headline: Headline | None = series["headline"]
    if visit.access.depth < RECORD or headline is None:
        return {"records": [], "sees_records": visit.access.depth >= RECORD, "sees_parts": visit.access.depth >= BREAKDOWN}
    until = figures.moment(headline.newest) + timedelta(milliseconds=1)
    rows = await visit.ask("records", indicators=operands, territory=territory, since=until - timedelta(days=LINEAGE_DAYS), until=until)
    return {"records": [_record(visit, r) for r in rows], "sees_records": True, "sees_parts": True}


def _record(visit: Visit, row: Row) -> dict[str, Any]:
    return {
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["offset"],
        "id": row["source_record_id"],
        "source": row["source_system"],
        "subject": visit.subject_name(row["subject_type"], row["subject_id"]) if row["subject_id"] else "",
        "territory": visit.territory_name(row["territory"]),
        "value": visit.lookup.value(row["value"], row["measure_unit"]),
        "revision": row["revision"],
        "status": row["status"],
        "at": figures.instant(figures.ms(row["event_time"]), visit.language),
        "arrived": figures.instant(figures.ms(row["ingested_at"]), visit.language),
    }


async def _write_down(visit: Visit, code: str, territory: str, operands: list[str], lineage: dict[str, Any]) -> None:
    """The audit of a view of source records, or of an indicator with records that are not public."""
    if lineage["records"]:
        await visit.write_down("board.view_records", code, territory)
        return
    restricted = await visit.ask("restricted", indicators=[code, *operands]) if visit.access.clearance else []
    if restricted and int(restricted[0]["series"]):
        await visit.write_down("board.view_restricted", code, territory)


def table(visit: Visit, points: Iterable[Point], unit: str) -> Table:
    """The series for export."""
    at = visit.lookup
    columns = [
        ("time_period", at.text("time_period")),
        ("period", at.text("period")),
        ("value", f"{at.text('actual')} ({unit})"),
        *((name, at.text(name)) for name in ("path", "then", "expected", "low", "high", "measure_unit")),
    ]
    return Table("chi-so", columns, [[p.time, p.label, p.value, p.path, p.then, p.expected, p.low, p.high, unit] for p in points])
