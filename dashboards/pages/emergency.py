"""Emergencies: those that are open, and the screen of one: area, figures of the phase with their age, readiness, alerts, timeline, shift
log."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from dashboards import figures
from dashboards.board import Answer, Missing, Query, Visit
from dashboards.country_map import Pin, Shade, country_map
from dashboards.database import Row
from dashboards.export import Cell, Table
from dashboards.ordered import ordered_sets
from dashboards.pages.alerts import summary
from dashboards.pages.emergency_acts import book_of, may
from dashboards.terms import DEEDS, PHASES, PILLARS, READINESS
from dashboards.words import word
from indicators.emergency import Emergency, Taken, place_of
from indicators.scenario import PHASES as PHASE_ORDER
from indicators.scenario import PILLARS as PILLAR_ORDER
from indicators.scenario import Scenario, Watched
from indicators.territory import COUNTRY

MOST_SHOWN: Final = 12
GRACE: Final = Decimal("1.5")
"""A figure is late when it is older than its frequency and half of it for the way, as elsewhere on the board."""
SHIFT: Final = frozenset({"note", "handover", "accept"})
_STATE_STYLE: Final = {"ready": ("good", "✓"), "partly": ("attention", "▲"), "not_ready": ("urgent", "■"), "": ("none", "·")}


class EmergenciesQuery(Query):
    """The list: whether a step was just written."""

    done: bool = Field(False, description="vừa ghi / just written")


class EmergencyQuery(Query):
    """One emergency: whether a step was just written."""

    done: bool = Field(False, description="vừa ghi / just written")


async def answer(visit: Visit, query: EmergenciesQuery) -> Answer:
    """The list."""
    book, sets = await asyncio.gather(book_of(visit), ordered_sets(visit))
    lines = [_line(visit, one) for one in book.newest_first()]
    shown = {
        "open": [line for line in lines if line["open"]],
        "closed": [line for line in lines if not line["open"]],
        "scenarios": [
            {"id": s.id, "name": _name(visit, s), "track": s.storm_track, "drill": not may(visit, s, "open")}
            for s in visit.board.scenarios
            if may(visit, s, "open") or may(visit, s, "exercise")
        ],
        "phases": [(p, word(PHASES, p, visit.language)) for p in PHASE_ORDER],
        "sets": sets,
        "done": query.done,
    }
    names = ("scenario", "phase", "opened_at", "opened_by", "document_number", "why")
    columns = [("id", "id"), *((name, visit.lookup.text(name)) for name in names)]
    rows = [[x["id"], x["title"], x["phase"], x["since"], x["by"], x["document"], x["why"]] for x in lines]
    return Answer("emergencies.html", shown, Table("tinh-huong", columns, rows))


async def one(visit: Visit, query: EmergencyQuery, identity: str) -> Answer:
    """The screen of one. Raises Missing where the reader sees none of that id."""
    found = (await book_of(visit)).emergencies.get(identity)
    scenario = visit.board.scenarios.get(found.scenario) if found else None
    if found is None or scenario is None:
        raise Missing
    wanted = ["|".join(watched.series) for watched in scenario.indicators]
    rows, alerts = await asyncio.gather(
        visit.ask("emergency_series", emergency=identity, series=wanted), visit.ask("alerts", everything=0, severity=0, territory="")
    )
    told = watched_lines(visit, scenario, found, rows)
    shown = {
        "line": _line(visit, found),
        "scenario": scenario,
        "owner": visit.agency_name(scenario.owner_agency),
        "picture": _picture(visit, found),
        "figures": told,
        "readiness": _readiness(visit, scenario, found),
        "alerts": [summary(visit, row, []) for row in alerts if _inside(visit, found, row)],
        "steps": [_step(visit, taken) for taken in found.steps if taken.step.did not in SHIFT],
        "shift": [_step(visit, taken) for taken in found.steps if taken.step.did in SHIFT],
        "waiting": found.waiting_handover(),
        "may": {deed for deed in scenario.may if may(visit, scenario, deed)},
        "phases": [(p, word(PHASES, p, visit.language)) for p in PHASE_ORDER if p != found.phase],
        "states": [(s, word(READINESS, s, visit.language)) for s in ("ready", "partly", "not_ready")],
        "done": query.done,
    }
    return Answer("emergency.html", shown, _table(visit, told))


def watched_lines(visit: Visit, scenario: Scenario, found: Emergency, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """A line a series of the phase: newest value first, how many sources, how many of them late. Values of several levels (commune,
    province, ministry) stand side by side and are never added: they may speak of one thing."""
    by_series: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if _inside(visit, found, row):
            by_series[row["indicator"], row["component"]].append(row)
    return [_watched(visit, watched, by_series[watched.series]) for watched in scenario.of_phase(found.phase)]


def _watched(visit: Visit, watched: Watched, rows: list[Row]) -> dict[str, Any]:
    at = visit.lookup
    spec, row_ = at.vocabulary.series_spec(*watched.series), at.vocabulary.indicator(watched.indicator)
    unit = spec.measure_unit if spec else ""
    own = (watched.name_vi, spec.name_vi if spec else "") if visit.language == "vi" else (watched.name_en, spec.name_en if spec else "")
    named = next((name for name in own if name), "")
    newest = sorted(rows, key=lambda r: r["latest_time"], reverse=True)
    ages = [visit.now - figures.ms(r["latest_time"]) for r in newest]
    late = sum(age > int(watched.every_ms * GRACE) for age in ages)
    state = "none" if not newest else "attention" if late else "good"
    words = {"none": "no_data", "attention": "overdue_reading", "good": "on_time"}
    return {
        "indicator": watched.indicator,
        "component": watched.component,
        "name": named or (at.name(row_) if row_ else watched.indicator) + _component(watched),
        "every": every_text(watched.every, visit.language),
        "value": at.value(newest[0]["latest"], unit) if newest else "–",
        "where": _where(visit, newest[0]) if newest else "",
        "live": live_key(newest[0]) if newest else f"moved:{watched.indicator}",
        "age": figures.age(ages[0], visit.language) if newest else "",
        "count": len(newest),
        "late": late,
        "style": state,
        "sign": {"none": "·", "attention": "▲", "good": "✓"}[state],
        "said": at.text(words[state]),
        "more": [
            {"where": _where(visit, r), "value": at.value(r["latest"], unit), "age": figures.age(age, visit.language), "live": live_key(r)}
            for r, age in list(zip(newest, ages, strict=True))[:MOST_SHOWN]
        ],
        "raw": newest,
        "unit": unit,
    }


def live_key(row: Row) -> str:
    """The key of live changes of a row's value: stations are told singly, of others only that their indicator moved."""
    if row["subject_type"] != "station":
        return f"moved:{row['indicator']}"
    return f"{row['indicator']}|{row['component']}|{row['territory']}|station:{row['subject_id']}||actual"


def _component(watched: Watched) -> str:
    return f" · {watched.component}" if watched.component else ""


def every_text(every: timedelta, language: str) -> str:
    """A frequency in words: «10 phút», «1 giờ», «1 ngày»."""
    minutes = every // timedelta(minutes=1)
    for size, vi, en in ((1440, "ngày", "d"), (60, "giờ", "h"), (1, "phút", "min")):
        if minutes % size == 0:
            return f"{minutes // size} {vi if language == 'vi' else en}"
    return str(every)


def _where(visit: Visit, row: Row) -> str:
    return visit.subject_name(row["subject_type"], row["subject_id"]) if row["subject_id"] else visit.territory_name(row["territory"])


def _inside(visit: Visit, found: Emergency, row: Row) -> bool:
    """Does a series or an alert lie in the area?"""
    place = place_of(visit.board.vocabulary, row["territory"], row["subject_type"], row["subject_id"])
    return any(area.covers(place, visit.board.vocabulary) for area, _ in found.areas())


def _readiness(visit: Visit, scenario: Scenario, found: Emergency) -> list[dict[str, Any]]:
    """The four pillars, each with its newest report."""
    reports, out = found.readiness, []
    for pillar in PILLAR_ORDER:
        taken = reports.get(pillar)
        style, sign = _STATE_STYLE[taken.step.state if taken else ""]
        out.append({
            "pillar": pillar, "name": word(PILLARS, pillar, visit.language), "style": style, "sign": sign,
            "said": word(READINESS, taken.step.state, visit.language) if taken else visit.lookup.text("pillar_unsaid"),
            "by": f"{taken.step.actor}, {figures.instant(taken.effective, visit.language)}" if taken else "",
            "why": taken.step.why if taken else "", "asks": scenario.readiness[pillar].asks_vi,
        })  # fmt: skip
    return out


def _line(visit: Visit, found: Emergency) -> dict[str, Any]:
    """What the list and the head of the screen show."""
    opening, scenario = found.opening, visit.board.scenarios.get(found.scenario)
    assert opening is not None  # the book lists none that nobody opened
    return {
        "id": found.id,
        "title": _name(visit, scenario) if scenario else found.scenario,
        "drill": found.exercise,
        "open": found.open,
        "phase": word(PHASES, found.phase, visit.language),
        "since": figures.instant(opening.effective, visit.language),
        "until": figures.instant(found.closing.effective, visit.language) if found.closing else "",
        "by": opening.step.actor,
        "document": opening.step.document,
        "why": opening.step.why,
        "area": area_text(visit, found),
    }


def area_text(visit: Visit, found: Emergency) -> str:
    """The area by provinces: whole ones by name, of others how many of their communes."""
    if COUNTRY in found.units:
        return visit.lookup.text("country")
    counts = _by_province(visit, found)
    names = [visit.territory_name(p) + (f" ({n})" if n else "") for p, n in sorted(counts.items())]
    return "; ".join(names[:MOST_SHOWN]) + ("; …" if len(names) > MOST_SHOWN else "")


def _by_province(visit: Visit, found: Emergency) -> dict[str, int]:
    """Province → how many of its communes are listed; 0: the whole of it."""
    counts: dict[str, int] = {}
    for code in found.units:
        province = visit.board.vocabulary.ancestor(code, "province") or code
        counts[province] = 0 if code == province or counts.get(province) == 0 else counts.get(province, 0) + 1
    return counts


def _picture(visit: Visit, found: Emergency) -> Any:
    """The schematic map: provinces that are in the area as a whole or in part, and the storm's track."""
    title = visit.lookup.text("area")
    provinces = [p.code for p in visit.board.vocabulary.territories("province")]
    counts = dict.fromkeys(provinces, 0) if COUNTRY in found.units else _by_province(visit, found)
    shades = {
        code: Shade("warning" if n == 0 else "attention", visit.territory_name(code) + (f": {n}" if n else ""), f"/map?territory={code}")
        for code, n in counts.items()
    }
    pins = [
        Pin(p.lon, p.lat, "urgent", "◎", f"{figures.instant(p.at, visit.language)}, {p.radius_km:g} km")
        for track in found.tracks
        for p in track
    ]
    return country_map(visit.board.vocabulary, shades, pins, title)


def _step(visit: Visit, taken: Taken) -> dict[str, Any]:
    step, language = taken.step, visit.language
    parts = [word(PHASES, step.phase, language)] if step.phase else []
    parts += [word(PILLARS, step.pillar, language), word(READINESS, step.state, language)] if step.pillar else []
    parts += [f"→ {step.to}"] if step.to else []
    parts += [step.document] if step.document else []
    return {
        "did": word(DEEDS, step.did, language),
        "at": figures.instant(taken.effective, language),
        "actor": step.actor,
        "about": " · ".join(parts),
        "why": step.why,
        "counts": taken.counts,
    }


def _name(visit: Visit, scenario: Scenario) -> str:
    return scenario.name_vi if visit.language == "vi" else scenario.name_en


def _table(visit: Visit, lines: Iterable[dict[str, Any]]) -> Table:
    """The figures for export, exact, a row a series."""
    keys = ("indicator", "component", "territory", "subject", "value", "measure_unit", "event_time")
    columns = [(key, visit.lookup.text(key)) for key in keys]
    rows: list[list[Cell]] = [
        [x["indicator"], x["component"], visit.territory_name(r["territory"]), r["subject_id"], r["latest"], x["unit"], r["latest_time"]]
        for x in lines
        for r in x["raw"]
    ]
    return Table("tinh-huong-so-lieu", columns, rows)
