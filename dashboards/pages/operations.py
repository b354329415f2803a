"""Operations: how far each table has come, how old its newest row is, and how many pages are live."""

from __future__ import annotations

from typing import Any

from dashboards import figures
from dashboards.board import Answer, Forbidden, Query, Visit
from dashboards.database import Row
from dashboards.export import Table


class OperationsQuery(Query):
    """Operations has no parameters of its own."""


async def answer(visit: Visit, query: OperationsQuery) -> Answer:
    """The page, for readers of the whole country from the depth of subjects. Raises Forbidden for others."""
    if not visit.access.whole_country or visit.access.depth < 2:
        raise Forbidden
    rows = await visit.ask("operations")
    follower = visit.board.follower
    shown = {
        "tables": [_line(visit, row) for row in rows],
        "viewers": figures.count(visit.board.hub.viewers, visit.language),
        "following": follower is not None and follower.following.is_set(),
    }
    return Answer("operations.html", shown, table(visit, rows))


def _line(visit: Visit, row: Row) -> dict[str, Any]:
    newest = figures.ms(row["newest"])
    has = int(row["rows"]) > 0
    return {
        "name": row["name"],
        "rows": figures.count(int(row["rows"]), visit.language),
        "partitions": int(row["partitions"]),
        "newest": figures.instant(newest, visit.language) if has else "–",
        "age": figures.age(visit.now - newest, visit.language) if has else "–",
    }


def table(visit: Visit, rows: list[Row]) -> Table:
    """The tables for export."""
    columns = [(key, visit.lookup.text(key)) for key in ("table", "rows", "partitions", "newest")]
    return Table(
        "van-hanh", columns, [[r["name"], int(r["rows"]), int(r["partitions"]), r["newest"] if int(r["rows"]) else None] for r in rows]
    )
