"""Ad-hoc sets of indicators that an authority ordered: what each asks for, and who has told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboards import figures
from dashboards.board import Visit
from dashboards.database import Row
from indicators.adhoc import AdhocIndicator
from transport.emergencies import OpenedSet


async def ordered_sets(visit: Visit) -> list[dict[str, Any]]:
    """Every ad-hoc set that was opened, the newest first."""
    opened = list(visit.board.ordered.book.sets.values()) if visit.board.ordered else []
    if not opened:
        return []
    asked = sorted(f"{one.row.content.catalogue}/{i.code}" for one in opened for i in one.row.content.indicators)
    told = await visit.ask("ordered_series", indicators=asked)
    return [_ordered(visit, one, told) for one in sorted(opened, key=lambda one: -one.effective)]


def _ordered(visit: Visit, one: OpenedSet, told: Iterable[Row]) -> dict[str, Any]:
    """An ad-hoc set: its document, until when, and of each indicator how many have told and when last."""
    content, newest = one.row.content, {row["indicator"]: row for row in told}
    vietnamese = visit.language == "vi"

    def line(item: AdhocIndicator) -> dict[str, Any]:
        code = f"{content.catalogue}/{item.code}"
        row = newest.get(code)
        at = figures.instant(figures.ms(row["newest"]), visit.language) if row else ""
        name = item.name_vi if vietnamese else item.name_en
        return {"code": code, "name": name, "count": int(row["series"]) if row else 0, "at": at}

    return {
        "title": content.title_vi if vietnamese else content.title_en,
        "document": content.document,
        "until": figures.day(content.ends - 1, visit.language),
        "over": content.ends <= visit.now,
        "by": one.row.actor,
        "owner": visit.agency_name(content.owner_agency),
        "indicators": [line(item) for item in content.indicators],
    }
