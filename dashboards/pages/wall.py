"""Wall: the same figures in large type, one screen after another: what is wrong, the core figures, who is behind. Nothing to operate.

Without script the screens stand below each other; with it they change by themselves, may be stopped, and the page is read anew after
each round.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from pydantic import Field

from dashboards import figures
from dashboards.board import Answer, Query, Visit
from dashboards.headlines import Headline, scope_name
from dashboards.pages.alerts import summary
from dashboards.pages.overview import headlines, severities, table, urgent_alerts
from dashboards.pages.ranking import Unit, results, standing

CARDS_A_SCREEN: Final = 6
MOST_BEHIND: Final = 8
FORMULA: Final = "F02.province"


class WallQuery(Query):
    """The wall: how long each screen stays."""

    seconds: int = Field(15, ge=5, le=600, description="mỗi màn hình bao nhiêu giây / seconds a screen")


async def answer(visit: Visit, query: WallQuery) -> Answer:
    """The page of a territory."""
    territory = visit.territory(query.territory)
    (alerts, told, now), (cards, _), rows = await asyncio.gather(
        urgent_alerts(visit, territory), headlines(visit, territory), results(visit, FORMULA, "")
    )
    ranked, late = standing(rows, visit.lookup, FORMULA)
    shown = {
        "title": scope_name(territory, visit.lookup),
        "territory": territory,
        "seconds": query.seconds,
        "instant": figures.instant(visit.now, visit.language),
        "alerts": [summary(visit, alert, told, now) for alert in alerts[:CARDS_A_SCREEN]],
        "severities": severities(alerts),
        "open": len(alerts),
        "screens": _screens(cards),
        "behind": [_line(visit, unit) for unit in reversed(ranked[-MOST_BEHIND:])] if len(ranked) > 1 else [],
        "late": [visit.territory_name(unit.territory) for unit in late],
    }
    return Answer("wall.html", shown, table(cards, visit.lookup))


def _screens(cards: list[Headline]) -> list[list[Headline]]:
    """The cards in screens as even as can be: seven are four and three, not six and one."""
    count = -(-len(cards) // CARDS_A_SCREEN)
    size = -(-len(cards) // count) if count else 1
    return [cards[i : i + size] for i in range(0, len(cards), size)]


def _line(visit: Visit, unit: Unit) -> dict[str, Any]:
    gap = figures.signed(unit.gap, "percentage_point", visit.board.vocabulary, visit.language) if unit.gap is not None else ""
    return {
        "unit": unit,
        "name": visit.territory_name(unit.territory),
        "value": visit.lookup.value(unit.value, "percent"),
        "width": min(max(float(unit.value), 0.0), 100.0) * 2,
        "mark": float(unit.path) * 2 if unit.path is not None else None,
        "gap": gap,
        "live": f"{FORMULA}|{unit.territory}|",
    }
