"""Tasks: those that documents assign to agencies, and those made of alerts.

An assigned task comes in by the source `tasks` and stands as its newest revision says (indicators/assigned_task.py); its state is in the
words of the reports: hoàn thành đúng hạn, quá hạn, chưa hoàn thành trong hạn, quá hạn, không có hạn. A task of an alert is an act «task»:
done when the alert is over or closed, overdue when its day has passed before that. «Mine» are those of the reader's own agency and those
the reader gave; «my units'» those of the agencies under it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Literal

from pydantic import Field

from dashboards import figures
from dashboards.board import Answer, Query, Visit
from dashboards.database import Row
from dashboards.export import Table
from dashboards.judgement import of_severity
from dashboards.pages.alerts import OPEN
from indicators.assigned_task import STATES_VI, State, is_due, state_of
from indicators.instant import DAY_MS, local_day

SOON_MS: Final = 3 * DAY_MS
SHOWS: Final = ("open", "mine", "units", "soon", "overdue", "all")
Show = Literal["open", "mine", "units", "soon", "overdue", "all"]
STATES_EN: Final[dict[State, str]] = {
    "done_in_time": "done in time",
    "done_late": "done late",
    "open_in_time": "not done, in time",
    "open_late": "not done, overdue",
    "no_due": "no due day",
}


class TasksQuery(Query):
    """The tasks: which of them."""

    show: Show = Field("open", description="đang mở, của tôi, đơn vị của tôi, sắp đến hạn, quá hạn, tất cả / which of them")


async def answer(visit: Visit, query: TasksQuery) -> Answer:
    """The page."""
    territory = visit.territory(query.territory) if query.territory else ""
    assigned, tasks, alerts = await asyncio.gather(
        visit.ask("assigned_tasks", territory=territory),
        visit.ask("tasks"),
        visit.ask("alerts", everything=1, severity=0, territory=territory),
    )
    ordered, made = assigned_lines(visit, assigned, alerts), task_lines(visit, tasks, alerts)
    shown = {
        "territory": territory,
        "show": query.show,
        "shows": SHOWS,
        "assigned": [line for line in ordered if belongs(line, query.show)],
        "tasks": [line for line in made if belongs(line, query.show)],
        "counts": {name: sum(1 for line in (*ordered, *made) if belongs(line, name)) for name in SHOWS},
        "states": [(text, n) for text, n in Counter(line["said"] for line in ordered).most_common()],
        "agency": visit.agency_name(visit.account.agency) if visit.account.agency else "",
    }
    return Answer("tasks.html", shown, table(visit, ordered, made))


def belongs(line: dict[str, Any], show: str) -> bool:
    """Whether a task is among those asked for."""
    of = {
        "open": not line["done"],
        "mine": line["mine"],
        "units": line["of_units"],
        "soon": line["state"] == "soon",
        "overdue": line["state"] == "overdue",
        "all": True,
    }
    return bool(of[show])


def assigned_lines(visit: Visit, tasks: Iterable[Row], alerts: Iterable[Row]) -> list[dict[str, Any]]:
    """The assigned tasks, open ones first, the earliest due day first, those without one last."""
    known = {row["alert_id"].replace("-", ""): row["alert_id"] for row in alerts}
    lines = [_assigned(visit, task, known.get(task["alert"], "")) for task in tasks]
    return sorted(lines, key=lambda line: (line["done"], line["due_ms"] or 1 << 62, line["id"]))


def _assigned(visit: Visit, task: Row, alert: str) -> dict[str, Any]:
    begins, ends, done = figures.ms(task["begins"]), figures.ms(task["ends"]), bool(task["done"])
    due = ends - 1 if is_due(begins, ends) else 0
    moved = figures.ms(task["moved_at"])
    state = state_of(moved if done else None, local_day(due) if due else None, visit.now)
    return {
        "id": task["task"],
        "note": task["content"],
        "document": task["document"],
        "alert": alert,
        "agency": visit.agency_name(task["agency"]),
        "territory": visit.territory_name(task["territory"]),
        "by": visit.agency_name(task["provider"]),
        **whose(visit, task["agency"]),
        "given": figures.day(begins, visit.language),
        "due_ms": due,
        "due": figures.day(due, visit.language) if due else "–",
        "done": done,
        "done_on": figures.day(moved, visit.language) if done else "",
        "said": STATES_VI[state] if visit.language == "vi" else STATES_EN[state],
        "state": _state(done, due, visit.now),
        "late": state == "done_late",
    }


def whose(visit: Visit, agency: str) -> dict[str, bool]:
    """Is an agency the reader's own, or one under it?"""
    own = visit.account.agency
    above = visit.board.vocabulary.agency_chain(agency)[1:] if own else ()
    return {"mine": bool(own) and agency == own, "of_units": own in above}


def task_lines(visit: Visit, tasks: Iterable[Row], alerts: Iterable[Row]) -> list[dict[str, Any]]:
    """The tasks with their alerts, overdue first, then by their day; those without a day last."""
    known = {row["alert_id"]: row for row in alerts}
    lines = [_line(visit, task, known[task["alert_id"]]) for task in tasks if task["alert_id"] in known]
    return sorted(lines, key=lambda line: (line["done"], line["due_ms"] or 1 << 62, -line["given_ms"]))


def _line(visit: Visit, task: Row, alert: Row) -> dict[str, Any]:
    due, given = figures.ms(task["until"]) if task["until"] else 0, figures.ms(task["acted_at"])
    done, of = alert["condition"] not in OPEN, whose(visit, alert["agency"])
    return {
        "id": task["action_id"],
        "alert": alert["alert_id"],
        "title": alert["title_vi"] if visit.language == "vi" or not alert["title_en"] else alert["title_en"],
        "note": task["note"],
        "by": task["actor"],
        "mine": task["office"] == visit.account.name or of["mine"],
        "of_units": of["of_units"],
        "agency": visit.agency_name(alert["agency"]),
        "territory": visit.territory_name(alert["territory"]),
        "judgement": of_severity(int(alert["severity"])),
        "given_ms": given,
        "given": figures.day(given, visit.language),
        "due_ms": due,
        "due": figures.day(due, visit.language) if due else "–",
        "done": done,
        "late": False,
        "state": _state(done, due, visit.now),
    }


def _state(done: bool, due: int, now: int) -> str:
    """done, overdue, soon (within three days) or running."""
    if done:
        return "done"
    if due and due < now:
        return "overdue"
    return "soon" if due and due - now < SOON_MS else "running"


def table(visit: Visit, assigned: Iterable[dict[str, Any]], made: Iterable[dict[str, Any]]) -> Table:
    """The tasks for export: those assigned by document, then those of alerts."""
    at = visit.lookup
    keys = ("task", "document_number", "alert", "owner", "territory", "given_by", "given_on", "due", "task_state")
    columns = [("id", "id"), *((key, at.text(key)) for key in keys)]
    rows = [[x["id"], x["note"], x["document"], x["alert"], *_common(x), x["said"]] for x in assigned]
    rows += [[x["id"], x["note"], "", x["title"], *_common(x), at.text(f"task_{x['state']}")] for x in made]
    return Table("nhiem-vu", columns, rows)


def _common(line: dict[str, Any]) -> list[str]:
    return [line["agency"], line["territory"], line["by"], line["given"], line["due"]]
