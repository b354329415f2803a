"""Tasks made of alerts: what was asked, by whom, until when, and whether the alert behind it is still open.

A task is an act «task» on an alert. It is done when its alert is over or closed; it is overdue when its day has passed before that. Tasks
that come in by the source `tasks` are alerts of their own (rule NV-DEN-HAN) and stand among the alerts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final, Literal

from pydantic import Field

from dashboards import figures
from dashboards.board import Answer, Query, Visit
from dashboards.database import Row
from dashboards.export import Table
from dashboards.judgement import of_severity
from dashboards.pages.alerts import OPEN
from indicators.instant import DAY_MS

SOON_MS: Final = 3 * DAY_MS
Show = Literal["open", "mine", "overdue", "all"]


class TasksQuery(Query):
    """The tasks: which of them."""

    show: Show = Field("open", description="đang mở, tôi giao, quá hạn, tất cả / open, given by me, overdue, all")


async def answer(visit: Visit, query: TasksQuery) -> Answer:
    """The page."""
    territory = visit.territory(query.territory) if query.territory else ""
    tasks, alerts = await asyncio.gather(visit.ask("tasks"), visit.ask("alerts", everything=1, severity=0, territory=territory))
    lines = task_lines(visit, tasks, alerts)
    shown = {
        "territory": territory,
        "show": query.show,
        "tasks": [line for line in lines if belongs(line, query.show)],
        "counts": {name: sum(1 for line in lines if belongs(line, name)) for name in ("open", "mine", "overdue", "all")},
    }
    return Answer("tasks.html", shown, table(visit, lines))


def belongs(line: dict[str, Any], show: str) -> bool:
    """Whether a task is among those asked for."""
    return bool({"open": not line["done"], "mine": line["mine"], "overdue": line["state"] == "overdue", "all": True}[show])


def task_lines(visit: Visit, tasks: Iterable[Row], alerts: Iterable[Row]) -> list[dict[str, Any]]:
    """The tasks with their alerts, overdue first, then by their day; those without a day last."""
    known = {row["alert_id"]: row for row in alerts}
    lines = [_line(visit, task, known[task["alert_id"]]) for task in tasks if task["alert_id"] in known]
    return sorted(lines, key=lambda line: (line["done"], line["due_ms"] or 1 << 62, -line["given_ms"]))


def _line(visit: Visit, task: Row, alert: Row) -> dict[str, Any]:
    due, given = figures.ms(task["until"]) if task["until"] else 0, figures.ms(task["acted_at"])
    done = alert["condition"] not in OPEN
    return {
        "id": task["action_id"],
        "alert": alert["alert_id"],
        "title": alert["title_vi"] if visit.language == "vi" or not alert["title_en"] else alert["title_en"],
        "note": task["note"],
        "by": task["actor"],
        "mine": task["office"] == visit.account.name,
        "agency": visit.agency_name(alert["agency"]),
        "territory": visit.territory_name(alert["territory"]),
        "judgement": of_severity(int(alert["severity"])),
        "given_ms": given,
        "given": figures.day(given, visit.language),
        "due_ms": due,
        "due": figures.day(due, visit.language) if due else "–",
        "done": done,
        "state": _state(done, due, visit.now),
    }


def _state(done: bool, due: int, now: int) -> str:
    """done, overdue, soon (within three days) or running."""
    if done:
        return "done"
    if due and due < now:
        return "overdue"
    return "soon" if due and due - now < SOON_MS else "running"


def table(visit: Visit, lines: Iterable[dict[str, Any]]) -> Table:
    """The tasks for export."""
    at = visit.lookup
    keys = ("task", "alert", "owner", "territory", "given_by", "given_on", "due", "task_state")
    columns = [("id", "id"), *((key, at.text(key)) for key in keys)]
    rows = [
        [x["id"], x["note"], x["title"], x["agency"], x["territory"], x["by"], x["given"], x["due"], at.text(f"task_{x['state']}")]
        for x in lines
    ]
    return Table("nhiem-vu", columns, rows)
