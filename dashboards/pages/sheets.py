"""Print: one A4 page a group of the catalogues, with its figures, what is open about them, and where they come from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field

from dashboards import figures
from dashboards.about import agencies
from dashboards.board import Answer, Query, Visit
from dashboards.database import Row
from dashboards.headlines import Headline, scope_name
from dashboards.pages.overview import groups, headlines, table, urgent_alerts


class SheetsQuery(Query):
    """The sheets: all groups with data, or one."""

    group: str = Field(
        "", pattern=r"^([a-z0-9-]{1,40}/[A-Za-z0-9.]{1,20})?$", description="danh mục/nhóm; trống: tất cả / group; empty: all"
    )


async def answer(visit: Visit, query: SheetsQuery) -> Answer:
    """The page of a territory."""
    territory = visit.territory(query.territory)
    (alerts, _, _), (cards, old) = await asyncio.gather(urgent_alerts(visit, territory), headlines(visit, territory))
    sheets, empty = grouped([*cards, *old], alerts, visit)
    chosen = [sheet for sheet in sheets if query.group in ("", sheet["id"])]
    shown = {
        "title": scope_name(territory, visit.lookup),
        "territory": territory,
        "instant": figures.instant(visit.now, visit.language),
        "sheets": chosen,
        "all_sheets": sheets,
        "group": query.group,
        "empty_groups": empty,
        "account": visit.account.title_vi,
    }
    return Answer("sheets.html", shown, table([h for sheet in chosen for h in sheet["figures"]], visit.lookup))


def grouped(shown: Sequence[Headline], alerts: Iterable[Row], visit: Visit) -> tuple[list[dict[str, Any]], int]:
    """(a sheet a group with figures, in the catalogues' order; how many groups have none)."""
    by_indicator: dict[str, list[Headline]] = {}
    for headline in shown:
        by_indicator.setdefault(headline.indicator, []).append(headline)
    open_alerts = list(alerts)
    sheets, empty = [], 0
    for name, catalogue in visit.board.vocabulary.catalogues.items():
        for group in groups(visit.lookup, name, set(by_indicator)):
            ids = [row["id"] for row in group["rows"] if row["has"]]
            if not ids:
                empty += 1
                continue
            sheets.append(
                {
                    "id": f"{name}/{group['code']}",
                    "catalogue": catalogue.title_vi if visit.language == "vi" else catalogue.title_en,
                    "code": group["code"],
                    "name": group["name"],
                    "figures": [h for i in ids for h in by_indicator[i]],
                    "alerts": [_alert(visit, a) for a in open_alerts if a["indicator"] in ids],
                    "sources": _sources(visit, ids),
                    "without": len(group["rows"]) - len(ids),
                }
            )
    return sheets, empty


def _alert(visit: Visit, row: Row) -> dict[str, str]:
    title = row["title_vi"] if visit.language == "vi" or not row["title_en"] else row["title_en"]
    return {"title": title, "agency": visit.agency_name(row["agency"])}


def _sources(visit: Visit, ids: Iterable[str]) -> str:
    found: dict[str, None] = {}
    for code in ids:
        row = visit.board.vocabulary.indicator(code)
        for name in agencies(row.providers, visit.lookup).split("; ") if row else ():
            found.setdefault(name)
    return "; ".join(name for name in found if name)
