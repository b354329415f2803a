"""Obstacles of projects in words: what holds a project up, the agency that must remove it, and by how many days it is late.

They come in by the source `obstacles` and stand as their newest revisions say (indicators/obstacle.py). Days overdue are days of the
calendar after the due day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from dashboards import figures
from dashboards.board import Visit
from dashboards.database import Row
from indicators.assigned_task import State, is_due
from indicators.instant import local_day
from indicators.obstacle import KINDS_VI, STATES_VI, Kind, days_overdue, obstacle_state

KINDS_EN: Final[dict[Kind, str]] = {
    "land_clearance": "land clearance",
    "capital": "capital",
    "procedure": "procedure",
    "materials": "materials",
    "contractor": "contractor",
    "other": "other",
}
STATES_EN: Final[dict[State, str]] = {
    "done_in_time": "removed in time",
    "done_late": "removed late",
    "open_in_time": "not removed, in time",
    "open_late": "not removed, overdue",
    "no_due": "not removed, no due day",
}
SIGNS: Final[dict[State, tuple[str, str]]] = {
    "open_late": ("urgent", "■"),
    "open_in_time": ("attention", "▲"),
    "no_due": ("attention", "▲"),
    "done_late": ("over", "✓"),
    "done_in_time": ("over", "✓"),
}


def obstacle_lines(visit: Visit, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The obstacles, those that stand first: the longest overdue, then the earliest due day, those without one last."""
    lines = [_line(visit, row) for row in rows]
    return sorted(lines, key=lambda x: (x["removed"], -x["overdue"], x["due_ms"] or 1 << 62, x["id"]))


def _line(visit: Visit, row: Row) -> dict[str, Any]:
    begins, ends = figures.ms(row["begins"]), figures.ms(row["ends"])
    removed_at = figures.ms(row["moved_at"]) if row["removed"] else None
    due_ms = ends - 1 if is_due(begins, ends) else 0
    due = local_day(due_ms) if due_ms else None
    state = obstacle_state(removed_at, due, visit.now)
    vietnamese = visit.language == "vi"
    return {
        "id": row["obstacle"].partition("/")[2],
        "project": row["project"],
        "kind": (KINDS_VI if vietnamese else KINDS_EN).get(row["kind"], row["kind"]),
        "content": row["content"],
        "document": row["document"],
        "agency": visit.agency_name(row["agency"]),
        "by": visit.agency_name(row["provider"]),
        "since": figures.day(begins, visit.language),
        "due_ms": due_ms,
        "due": figures.day(due_ms, visit.language) if due_ms else "–",
        "removed": removed_at is not None,
        "removed_on": "" if removed_at is None else figures.day(removed_at, visit.language),
        "overdue": days_overdue(removed_at, due, visit.now),
        "said": (STATES_VI if vietnamese else STATES_EN)[state],
        "class": SIGNS[state][0],
        "sign": SIGNS[state][1],
    }


def standing(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the list of projects says of one project's lines: how many stand, which agencies must act (the one with most first), and the
    most days that one is overdue."""
    now = [line for line in lines if not line["removed"]]
    agencies = Counter(line["agency"] for line in now)
    return {
        "obstacles": len(now),
        "must_remove": [name for name, _ in agencies.most_common()],
        "days_overdue": max((line["overdue"] for line in now), default=0),
    }


