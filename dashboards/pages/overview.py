"""Overview: what is wrong and who answers for it, then the core indicators, then the rest of the catalogue, folded."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

from pydantic import Field

from dashboards import figures
from dashboards.board import Answer, Query, Visit
from dashboards.database import Row
from dashboards.export import Table
from dashboards.headlines import Headline, Lookup, core, flows, ratios, scope_name
from dashboards.judgement import Judgement, of_severity
from dashboards.ordered import ordered_sets
from dashboards.pages import requests
from dashboards.pages.alerts import open_only, present, summary
from dashboards.pages.country import judged
from dashboards.reported import levels
from indicators.catalogue import Catalogue
from indicators.instant import local

MOST_ALERTS: Final = 6
YEARS_BACK: Final = 2
"""Budget years before the present one that an overview reads: the newest may be of last year, its same period a year earlier."""


class OverviewQuery(Query):
    """The overview: territory, and which catalogue's rows are folded below."""

    catalogue: str = Field("vn-1012", pattern=r"^[a-z0-9-]{1,40}$", description="danh mục chỉ số / catalogue")


async def answer(visit: Visit, query: OverviewQuery) -> Answer:
    """The page of a territory."""
    territory = visit.territory(query.territory)
    urgent, (cards, old), sets, unread = await asyncio.gather(
        urgent_alerts(visit, territory), headlines(visit, territory), ordered_sets(visit), requests.unread(visit)
    )
    standing, told, now = urgent
    at = visit.lookup
    shown = {
        "territory": territory,
        "title": scope_name(territory, at),
        "alerts": [summary(visit, alert, told, now) for alert in standing[:MOST_ALERTS]],
        "severities": severities(standing),
        "open": len(standing),
        "waiting": sum(1 for a in standing if a["attention"] == "unacknowledged"),
        "more": max(len(standing) - MOST_ALERTS, 0),
        "new": sum(1 for a in standing if visit.seen and figures.ms(a["recorded_at"]) > visit.seen),
        "unread": unread,
        "cards": cards,
        "old": old,
        "groups": groups(at, query.catalogue, {c.indicator for c in (*cards, *old)}),
        "catalogues": [(c.catalogue, c.title_vi if visit.language == "vi" else c.title_en) for c in at.vocabulary.catalogues.values()],
        "catalogue": query.catalogue,
        "sets": [one for one in sets if not one["over"]],
    }
    return Answer("overview.html", shown, table([*cards, *old], at))


async def headlines(visit: Visit, territory: str) -> tuple[list[Headline], list[Headline]]:
    """(core, folded): every figure of a territory as it stands; the stations' two are core."""
    results, totals, stations, values = await asyncio.gather(
        visit.ask("results", territory=territory),
        visit.ask("totals", territory=territory, indicator="", year=local(visit.now).year - YEARS_BACK),
        visit.ask("stations"),
        visit.ask("values", territory=territory, indicator=""),
    )
    at = visit.lookup
    cards, old = core([*ratios(results, at), *flows(totals, at), *levels(values, at)], visit.now)
    return [*cards, *station_cards(stations, territory, visit)], old


async def urgent_alerts(visit: Visit, territory: str) -> tuple[list[Row], list[Row], dict[str, str]]:
    """(open alerts, who was told of the first of them, their figures as they stand now)."""
    standing = open_only(await visit.ask("alerts", everything=0, severity=0, territory=territory))
    first = standing[:MOST_ALERTS]
    if not first:
        return [], [], {}
    told, now = await asyncio.gather(visit.ask("told", alerts=[a["alert_id"] for a in first]), present(visit, first))
    return standing, told, now


def severities(alerts: Iterable[Row]) -> list[tuple[Judgement, int]]:
    """How many alerts stand at each severity, the worst first."""
    counted = Counter(int(a["severity"]) for a in alerts)
    return [(of_severity(severity), n) for severity, n in sorted(counted.items(), reverse=True) if severity]


def station_cards(stations: Iterable[Row], territory: str, visit: Visit) -> list[Headline]:
    """Two cards of the emergency group: the highest river alarm with the number of stations, the most rain in 24 hours."""
    by_component: dict[str, list[Row]] = defaultdict(list)
    for row in stations:
        if territory in ("VN", row["territory"]):
            by_component[row["component"]].append(row)
    cards = []
    if rain := by_component.get("rain"):
        cards.append(_worst_station(max(rain, key=lambda r: r["h24_sum"]), "h24_sum", "mm", "rain24", len(rain), visit))
    if levels := by_component.get("river_level"):
        nearest = max(levels, key=lambda r: r["latest"] - min((limit["value"] for limit in r["limits"]), default=r["latest"]))
        cards.append(_worst_station(nearest, "latest", "m", "river_level", len(levels), visit))
    return cards


def _worst_station(row: Row, field: str, unit: str, word: str, count: int, visit: Visit) -> Headline:
    at, newest = visit.lookup, figures.ms(row["latest_time"])
    judgement, level = judged(row, visit) if field == "latest" else (Judgement("none", of_severity(0).words), "")
    return Headline(
        indicator=row["indicator"],
        component=row["component"],
        name=f"{at.text(word)} – {row['name_vi'] if visit.language == 'vi' else row['name_en'] or row['name_vi']}",
        live="" if field == "h24_sum" else f"{row['indicator']}|{row['component']}|{row['territory']}|station:{row['subject_id']}||actual",
        raw=row[field],
        measure_unit=unit,
        value=at.value(row[field], unit),
        period=f"{at.text('data_until')} {figures.instant(newest, visit.language)}",
        newest=newest,
        judgement=judgement,
        plan=level or (judgement.text(visit.language) if field == "latest" else ""),
        late=visit.now - newest > 3 * 3_600_000,
        quality=f"{count} {at.text('station').lower()}",
    )


def groups(at: Lookup, wanted: str, with_data: set[str]) -> list[dict[str, Any]]:
    """The catalogue's groups in its order, each with its rows and how many have data."""
    catalogue = at.vocabulary.catalogues.get(wanted)
    if catalogue is None:
        return []
    found = []
    for code, name in _parts(catalogue, at):
        rows = [i for i in catalogue.indicators if code in (i.group, f"{i.group}.{i.subgroup}") and (not i.subgroup or code != i.group)]
        if rows:
            listed = [{"id": i.id, "code": i.code, "name": at.name(i), "has": i.id in with_data} for i in rows]
            found.append({"code": code, "name": name, "rows": listed, "have": sum(1 for r in listed if r["has"])})
    return found


def _parts(catalogue: Catalogue, at: Lookup) -> Iterable[tuple[str, str]]:
    divided = {sub.code.partition(".")[0] for sub in catalogue.subgroups}
    for group in catalogue.groups:
        if group.code in divided:
            yield from (
                (s.code, s.name_vi if at.language == "vi" else s.name_en)
                for s in catalogue.subgroups
                if s.code.startswith(f"{group.code}.")
            )
        else:
            yield group.code, group.name_vi if at.language == "vi" else group.name_en


def table(headlines: Iterable[Headline], at: Lookup) -> Table:
    """The cards as rows."""
    keys = ("indicator", "value", "measure_unit", "period", "path", "gap", "same_period", "status")
    columns = [("id", "id"), *((key, at.text(key)) for key in keys)]
    rows = [
        [h.indicator, h.name, h.raw, h.measure_unit, h.period, h.plan, h.gap, h.same_period, h.judgement.text(at.language)]
        for h in headlines
    ]
    return Table("tong-quan", columns, rows)
