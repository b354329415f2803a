"""The layers of the map over its base (guide 7146/VPCP-KSTT §5.1.4: nền, tình huống, nguồn lực, dân sinh, quốc tế).

Base is always drawn. Situation: stations, areas with open alerts, areas and storm tracks of open emergencies, and what scenarios watch of
the situation; resources, people, international: the newest values of what the scenarios watch in that layer, at their subject or in the
middle of their territory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from dashboards import figures
from dashboards.board import Visit
from dashboards.country_map import Pin, Shade
from dashboards.database import Row
from dashboards.judgement import of_severity
from indicators.scenario import Watched
from transport.emergencies import EmergencyBook

LAYERS: Final = ("situation", "resources", "people", "international")
"""Those that can be switched; each is a word of the board."""
SIGNS: Final = {"situation": "◆", "resources": "✚", "people": "●", "international": "★"}


def watched(visit: Visit, layer: str) -> list[Watched]:
    """What the scenarios watch in a layer, each series once."""
    found = {one.series: one for scenario in visit.board.scenarios for one in scenario.indicators if one.layer == layer}
    return [found[series] for series in sorted(found)]


def asked(visit: Visit, layers: Iterable[str]) -> list[str]:
    """The series of some layers, `indicator|component`."""
    return sorted({"|".join(one.series) for layer in layers for one in watched(visit, layer)})


def places(visit: Visit, layer: str, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """One entry a place: its name, point, and its values in words, newest of each series."""
    of_layer = {one.series: one for one in watched(visit, layer)}
    by_place: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if (row["indicator"], row["component"]) in of_layer and row["subject_type"] != "station":
            by_place[row["territory"], row["subject_type"], row["subject_id"]].append(row)
    return [_place(visit, layer, key, of_layer, found) for key, found in sorted(by_place.items())]


def _place(visit: Visit, layer: str, key: tuple[str, str, str], of: dict[tuple[str, str], Watched], rows: list[Row]) -> dict[str, Any]:
    territory, kind, subject_id = key
    subject = visit.board.vocabulary.subject(kind, subject_id) if subject_id else None
    unit = visit.board.vocabulary.territory(territory)
    point = subject if subject is not None and subject.lon is not None else unit
    name = visit.subject_name(kind, subject_id) if subject_id else visit.territory_name(territory)
    values = [f"{_name(visit, of[r['indicator'], r['component']])}: {_value(visit, r)}" for r in rows]
    newest = max(figures.ms(r["latest_time"]) for r in rows)
    return {
        "layer": layer,
        "sign": SIGNS[layer],
        "name": name,
        "territory": visit.territory_name(territory),
        "said": values,
        "at": figures.instant(newest, visit.language),
        "lon": point.lon if point else None,
        "lat": point.lat if point else None,
    }


def _name(visit: Visit, one: Watched) -> str:
    spec, row = visit.board.vocabulary.series_spec(*one.series), visit.board.vocabulary.indicator(one.indicator)
    vietnamese = visit.language == "vi"
    names = (one.name_vi, spec.name_vi if spec else "") if vietnamese else (one.name_en, spec.name_en if spec else "")
    return next((name for name in names if name), visit.lookup.name(row) if row else one.indicator)


def _value(visit: Visit, row: Row) -> str:
    spec = visit.board.vocabulary.series_spec(row["indicator"], row["component"])
    return visit.lookup.value(row["latest"], spec.measure_unit if spec else "")


def pins(entries: Iterable[dict[str, Any]]) -> list[Pin]:
    """A pin for each place that has a point."""
    return [
        Pin(entry["lon"], entry["lat"], "none", entry["sign"], f"{entry['name']}: {'; '.join(entry['said'])}")
        for entry in entries
        if entry["lon"] is not None and entry["lat"] is not None
    ]


def alert_areas(visit: Visit, alerts: Iterable[Row]) -> dict[str, Shade]:
    """Province → the worst open alert in it and how many there are."""
    by_province: dict[str, list[Row]] = defaultdict(list)
    for row in alerts:
        province = visit.board.vocabulary.ancestor(row["territory"], "province")
        if province is not None and row["condition"] in ("active", "recovering"):
            by_province[province].append(row)
    found = {}
    for province, rows in by_province.items():
        worst = of_severity(max(int(r["severity"]) for r in rows))
        tip = f"{visit.territory_name(province)}: {len(rows)} {visit.lookup.text('alerts').lower()}, {worst.text(visit.language)}"
        found[province] = Shade(worst.name, tip, f"/alerts?territory={province}")
    return found


def emergencies(visit: Visit, book: EmergencyBook) -> list[Pin]:
    """Open emergencies: the points of their tracks, and a mark in each province of their area."""
    found = []
    for one in book.open():
        scenario = visit.board.scenarios.get(one.scenario)
        name = (scenario.name_vi if visit.language == "vi" else scenario.name_en) if scenario else one.scenario
        for point in (point for track in one.tracks for point in track):
            found.append(Pin(point.lon, point.lat, "urgent", "◎", f"{name}: {figures.instant(point.at, visit.language)}"))
        for code in sorted({visit.board.vocabulary.ancestor(unit, "province") or "" for unit in one.units} - {""}):
            unit = visit.board.vocabulary.territory(code)
            if unit is not None and unit.lon is not None and unit.lat is not None:
                found.append(Pin(unit.lon, unit.lat, "urgent", "!", f"{name}: {unit.name_vi}", f"/emergency/{one.id}"))
    return found
