"""Ranking: provinces by disbursement against their plan and its path, movement since the month before; units with late data apart.

Places are recomputed among the units that are on time, equal values share one. A reader of some provinces sees those alone, with the place
that stage 2 gave them among all.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from dashboards import figures
from dashboards.board import Answer, Missing, Query, Visit
from dashboards.database import Row
from dashboards.export import Table
from dashboards.headlines import Lookup, rule_of
from dashboards.judgement import UNJUDGED, Judgement, gap_to_path, of_measure
from dashboards.moments import PATTERN, known_at
from indicators.instant import DAY_MS

LATE_MS: Final = 10 * DAY_MS
"""A unit whose data ends this long before the newest of its peers is not ranked with them. A default of ours."""


class RankingQuery(Query):
    """The ranking: which formula, as known when."""

    formula: str = Field("F02.province", pattern=r"^[A-Za-z0-9_.-]{1,60}$", description="công thức / formula")
    as_of: str = Field("", pattern=PATTERN, description="xem như đã biết lúc, giờ Việt Nam / as known at, Vietnam's time")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit's standing. `place` 0: late, not ranked; `before`: its place a month earlier, 0 for none."""

    territory: str
    value: Decimal
    path: Decimal | None
    gap: Decimal | None
    judgement: Judgement
    numerator: Decimal | None
    denominator: Decimal | None
    newest: int
    place: int = 0
    before: int = 0
    of: int = 0


async def answer(visit: Visit, query: RankingQuery) -> Answer:
    """The page. Raises Missing for an unknown formula."""
    formula = visit.board.formulas.formulas.get(query.formula)
    if formula is None or formula.level != "province" or formula.kind != "ratio":
        raise Missing
    moment = known_at(query.as_of, visit.now)
    rank = next((f.id for f in visit.board.formulas.rankings_of(formula.id)), "")
    rows, ranks, alerts = await asyncio.gather(
        results(visit, formula.id, query.as_of),
        results(visit, rank, query.as_of),
        visit.ask("alerts", everything=0, severity=0, territory=""),
    )
    units, late = standing(rows, visit.lookup, formula.id)
    if not visit.access.whole_country:
        units = [_placed_by_stage2(unit, ranks) for unit in units]
    standing_alerts = {
        a["territory"]: a for a in alerts if a["condition"] in ("active", "recovering") and a["indicator"] == formula.indicator
    }
    shown = {
        "formula": formula,
        "name": visit.lookup.name(formula),
        "units": [_line(visit, unit, standing_alerts, formula.id) for unit in units],
        "late": [_line(visit, unit, standing_alerts, formula.id) for unit in late],
        "as_of": query.as_of,
        "moment": figures.instant(figures.ms(moment), visit.language),
        "unconfirmed": (rule := rule_of(visit.board.rules, visit.board.formulas, formula.id)) is not None and rule.to_be_set_by_owner,
    }
    return Answer("ranking.html", shown, table(visit, [*units, *late]))


async def results(visit: Visit, formula: str, as_of: str) -> list[Row]:
    """A formula's results by territory: as they stand, or as known at a moment of an address. Raises MomentError."""
    if not formula:
        return []
    if as_of:
        return await visit.ask("known_results", formula=formula, moment=known_at(as_of, visit.now))
    return await visit.ask("results_by_territory", formula=formula)


def standing(rows: Iterable[Row], at: Lookup, formula: str) -> tuple[list[Unit], list[Unit]]:
    """(ranked best first, late) units of the newest budget year."""
    history: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["value"] is not None:
            history[row["territory"]].append(row)
    if not history:
        return [], []
    year = max(int(r["budget_year"]) for found in history.values() for r in found)
    current = {code: sorted((r for r in found if int(r["budget_year"]) == year), key=_start) for code, found in history.items()}
    current = {code: found for code, found in current.items() if found}
    newest = max(figures.ms(found[-1]["event_time"]) for found in current.values())
    on_time = {c: f for c, f in current.items() if newest - figures.ms(f[-1]["event_time"]) < LATE_MS}
    now, before = places({c: f[-1] for c, f in on_time.items()}), places(_month_before(on_time))
    units = [_unit(code, found[-1], at, formula, (now.get(code, 0), before.get(code, 0), len(on_time))) for code, found in current.items()]
    ranked = sorted((u for u in units if u.place), key=lambda u: (u.place, u.territory))
    return ranked, [u for u in units if not u.place]


def places(rows: dict[str, Row]) -> dict[str, int]:
    """Place of each unit, best first; equal values share a place (1, 2, 2, 4)."""
    values = sorted((Decimal(r["value"]) for r in rows.values()), reverse=True)
    return {code: values.index(Decimal(row["value"])) + 1 for code, row in rows.items()}


def _month_before(on_time: dict[str, list[Row]]) -> dict[str, Row]:
    latest = max((f[-1]["period_start"] for f in on_time.values()), default=None)
    earlier = {code: [r for r in found if r["period_start"] < latest] for code, found in on_time.items()}
    return {code: found[-1] for code, found in earlier.items() if found}


def _start(row: Row) -> datetime:
    start: datetime = row["period_start"]
    return start


def _unit(code: str, row: Row, at: Lookup, formula: str, place: tuple[int, int, int]) -> Unit:
    value, newest, year = Decimal(row["value"]), figures.ms(row["event_time"]), int(row["budget_year"])
    rule = rule_of(at.rules, at.formulas, formula)
    against = gap_to_path(rule, value, newest, year)
    judgement = of_measure(rule, -against[1]) if against else UNJUDGED
    path, gap = against or (None, None)
    return Unit(code, value, path, gap, judgement, row["numerator"], row["denominator"], newest, *place)


def _placed_by_stage2(unit: Unit, ranks: Sequence[Row]) -> Unit:
    """The place among all units, which this reader may not see: the ranking's own result for the unit."""
    mine = [r for r in ranks if r["territory"] == unit.territory and r["value"] is not None]
    if not mine:
        return replace(unit, place=0, before=0, of=0)
    months = sorted(mine, key=_start)
    before = int(months[-2]["value"]) if len(months) > 1 else 0
    return replace(unit, place=int(months[-1]["value"]), before=before, of=0)


def _line(visit: Visit, unit: Unit, alerts: dict[str, Row], formula: str) -> dict[str, Any]:
    at, alert = visit.lookup, alerts.get(unit.territory)
    return {
        "unit": unit,
        "name": visit.territory_name(unit.territory),
        "value": at.value(unit.value, "percent"),
        "width": min(max(float(unit.value), 0.0), 100.0),
        "mark": float(unit.path) if unit.path is not None else None,
        "path": at.value(unit.path, "percent"),
        "gap": figures.signed(unit.gap, "percentage_point", at.vocabulary, visit.language) if unit.gap is not None else "",
        "numerator": _billions(unit.numerator, visit),
        "denominator": _billions(unit.denominator, visit),
        "day": figures.day(unit.newest, visit.language),
        "moved": unit.before - unit.place if unit.before and unit.place else 0,
        "alert": alert["alert_id"] if alert else "",
        "live": f"{formula}|{unit.territory}|",
    }


def _billions(value: Decimal | None, visit: Visit) -> str:
    """An amount in đồng as a number of tỷ, one decimal; the heading names the unit."""
    return figures.number(value / 10**9, 1, visit.language) if value is not None else "–"


def table(visit: Visit, units: Iterable[Unit]) -> Table:
    """The ranking for export."""
    at = visit.lookup
    columns = [
        ("place", at.text("place")),
        ("code", "code"),
        ("territory", at.text("territory")),
        ("value", f"{at.text('value')} (%)"),
        ("path", f"{at.text('path')} (%)"),
        ("gap", at.text("gap")),
        ("status", at.text("status")),
        ("numerator", f"{at.text('disbursed')} (VND)"),
        ("denominator", f"{at.text('plan')} (VND)"),
        ("before", at.text("previous")),
        ("event_time", at.text("data_until")),
    ]
    rows = [
        [
            u.place or None,
            u.territory,
            visit.territory_name(u.territory),
            u.value,
            u.path,
            u.gap,
            u.judgement.text(visit.language),
            u.numerator,
            u.denominator,
            u.before or None,
            figures.moment(u.newest),
        ]
        for u in units
    ]
    return Table("xep-hang", columns, rows)
