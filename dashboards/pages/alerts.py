"""Alerts: the open ones by severity; one with its story on a line, who was told, and what a reader may do about it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dashboards import acting, figures, inquiries
from dashboards.board import Answer, Forbidden, Query, Visit
from dashboards.database import Row
from dashboards.export import Table
from dashboards.headlines import rule_of
from dashboards.journal import ActName
from dashboards.judgement import gap_to_path, of_severity
from dashboards.moments import PATTERN, MomentError, known_at
from dashboards.pages import requests, rules
from dashboards.terms import ATTENTIONS, CONDITIONS, STATES, TRANSITIONS
from dashboards.words import word
from indicators.derived.formula_book import FormulaBook
from indicators.instant import DAY_MS, HOUR_MS
from indicators.rule import RuleBook

OPEN: Final = ("active", "recovering")
LONGEST_SHELF_HOURS: Final = 720


class AlertsQuery(Query):
    """The list of alerts."""

    severity: int = Field(0, ge=0, le=5, description="từ mức này trở lên / this severity or higher")
    everything: bool = Field(False, description="cả cảnh báo đã hết / also those that are over")


class AlertQuery(Query):
    """One alert: whether an act was just written."""

    done: bool = Field(False, description="vừa ghi một xử lý / an act was just written")


class ActForm(BaseModel):
    """What the form of an act sends."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    action: ActName
    note: str = Field("", max_length=2000)
    hours: float = Field(0, ge=0, le=LONGEST_SHELF_HOURS)
    due: str = Field("", pattern=PATTERN)

    @model_validator(mode="after")
    def _says_something(self) -> ActForm:
        if self.action in ("explain", "comment", "close", "shelve", "return", "task") and not self.note:
            raise ValueError("cần ghi nội dung hoặc lý do / say what or why")
        if self.action == "shelve" and not self.hours:
            raise ValueError("gác lại cần số giờ / a shelf needs its hours")
        if self.action == "task" and not self.due:
            raise ValueError("nhiệm vụ cần ngày đến hạn / a task needs the day it is due")
        return self


async def answer(visit: Visit, query: AlertsQuery) -> Answer:
    """The list."""
    territory = visit.territory(query.territory) if query.territory else ""
    rows = await visit.ask("alerts", everything=int(query.everything), severity=query.severity, territory=territory)
    told, now, unread = await asyncio.gather(
        visit.ask("told", alerts=[r["alert_id"] for r in rows[:200]]), present(visit, rows), requests.unread(visit)
    )
    shown = {
        "alerts": [summary(visit, row, told, now) for row in rows],
        "open": len(open_only(rows)),
        "severity": query.severity,
        "everything": query.everything,
        "territory": territory,
        "unread": unread,
    }
    return Answer("alerts.html", shown, table(visit, rows))


async def one(visit: Visit, query: AlertQuery, alert_id: str) -> Answer:
    """One alert with its story. Raises Missing where there is none in the reader's scope."""
    alert = await acting.find(visit, alert_id)
    events, told, done, now = await asyncio.gather(
        visit.ask("story", alerts=[alert_id]), visit.ask("told", alerts=[alert_id]), visit.ask("requests"), present(visit, [alert])
    )
    asked = requests.requests_of(visit, alert, done)
    await requests.look(visit, asked)
    shown = {
        "alert": summary(visit, alert, told, now),
        "row": alert,
        "story": story(visit, events, told),
        "acts": acts(visit, alert),
        "done": query.done,
        "requests": [requests.line(visit, alert, one) for one in asked],
        "drafts": requests.drafts(visit, alert, asked),
        "answers_to": visit.office_name(visit.account.office) if visit.account.office else "",
        "waiting": inquiries.waiting(done, alert_id),
        "why": rules.in_words(visit, rule) if (rule := visit.board.rules.rules.get(alert["rule"])) else None,
    }
    return Answer("alert.html", shown, story_table(visit, events))


async def act(visit: Visit, alert_id: str, form: ActForm) -> None:
    """Write an act with its line of the audit. Raises Forbidden, Missing, MomentError or JournalError."""
    if not visit.access.may_act:
        raise Forbidden
    await acting.find(visit, alert_id)
    await acting.write(visit, alert_id, form.action, form.note, why=form.note, until=_until(visit, form))


def _until(visit: Visit, form: ActForm) -> int | None:
    """When a shelf ends, or the last instant of the day a task is due; None for other acts. Raises MomentError for a day that is over."""
    if form.action == "shelve":
        return visit.now + int(form.hours * HOUR_MS)
    if form.action != "task":
        return None
    day_end = figures.ms(known_at(form.due, visit.now)) + DAY_MS - 1
    if day_end < visit.now:
        raise MomentError("hạn của nhiệm vụ phải từ hôm nay trở đi / a task is due today or later")
    return day_end


def open_only(rows: Iterable[Row]) -> list[Row]:
    """Alerts whose condition holds."""
    return [row for row in rows if row["condition"] in OPEN]


def watched(rows: Iterable[Row], rules: RuleBook, formulas: FormulaBook) -> dict[str, tuple[str, Row]]:
    """Alert id → the formula its rule watches, of open alerts. What workers count beside the definitions (assigned tasks) is no formula of
    the book: its alert tells each change itself."""
    found: dict[str, tuple[str, Row]] = {}
    for row in rows:
        rule = rules.rules.get(row["rule"])
        if rule is not None and rule.scope.formula in formulas.formulas and row["condition"] in OPEN:
            found[row["alert_id"]] = rule.scope.formula, row
    return found


async def present(visit: Visit, rows: Iterable[Row]) -> dict[str, str]:
    """Alert id → the figure as it stands now, where the rule watches a formula: an alert tells only changes of its level."""
    looked_at = watched(rows, visit.board.rules, visit.board.formulas)
    if not looked_at:
        return {}
    results = await visit.ask("newest_results", formulas=sorted({formula for formula, _ in looked_at.values()}))
    newest = {(r["formula"], r["territory"], r["subject_id"]): r for r in results}
    found = {alert: (formula, newest.get((formula, row["territory"], row["subject_id"]))) for alert, (formula, row) in looked_at.items()}
    return {alert: _present(visit, formula, result) for alert, (formula, result) in found.items() if result is not None}


def _present(visit: Visit, formula: str, row: Row) -> str:
    at, newest = visit.lookup, figures.ms(row["event_time"])
    against = gap_to_path(rule_of(at.rules, at.formulas, formula), row["value"], newest, int(row["budget_year"]))
    gap = f" ({figures.signed(against[1], 'percentage_point', at.vocabulary, at.language)})" if against else ""
    return f"{at.value(row['value'], at.formulas[formula].measure_unit)}{gap}, {figures.day(newest, at.language)}"


def summary(visit: Visit, row: Row, told: Iterable[Row], now: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a line of the list shows."""
    at, language = visit.lookup, visit.language
    recorded, opened = figures.ms(row["recorded_at"]), figures.ms(row["opened_at"])
    offices = sorted(
        {
            visit.office_name(t["recipient"], row["territory"])
            for t in told
            if t["alert_id"] == row["alert_id"] and t["state"] == "handed_over"
        }
    )
    return {
        "id": row["alert_id"],
        "title": row["title_vi"] if language == "vi" or not row["title_en"] else row["title_en"],
        "text": row["text_vi"],
        "judgement": of_severity(int(row["severity"])),
        "severity": int(row["severity"]),
        "open": row["condition"] in OPEN,
        "condition": word(CONDITIONS, row["condition"], language),
        "attention": word(ATTENTIONS, row["attention"], language),
        "waiting": row["attention"] in ("unacknowledged", "returned"),
        "agency": visit.agency_name(row["agency"]),
        "territory": visit.territory_name(row["territory"]),
        "value": at.value(row["value"], row["measure_unit"]),
        "limit": at.value(row["limit"], row["measure_unit"]),
        "gap": at.value(row["gap"], "percentage_point" if row["measure_unit"] == "percent" else row["measure_unit"]),
        "opened": figures.instant(opened, language),
        "age": figures.age(visit.now - opened, language),
        "event": figures.instant(figures.ms(row["event_time"]), language),
        "new": bool(visit.seen) and recorded > visit.seen,
        "told": offices,
        "rule": row["rule"],
        "present": (now or {}).get(row["alert_id"], ""),
    }


def story(visit: Visit, events: Iterable[Row], told: Iterable[Row]) -> list[dict[str, Any]]:
    """The line of the story: each event with its words and whom it told."""
    by_event: dict[str, list[Row]] = defaultdict(list)
    for row in told:
        by_event[row["event_id"]].append(row)
    return [
        {
            "transition": word(TRANSITIONS, event["transition"], visit.language),
            "judgement": of_severity(int(event["severity"])),
            "at": figures.instant(figures.ms(event["recorded_at"]), visit.language),
            "title": event["title_vi"] if visit.language == "vi" or not event["title_en"] else event["title_en"],
            "text": event["text_vi"],
            "actor": event["actor"],
            "note": event["note"],
            "source": f"{event['source_topic']} [{event['source_partition']}] {event['source_offset']}",
            "told": _told(visit, by_event[event["event_id"]]),
        }
        for event in events
    ]


def _told(visit: Visit, rows: Iterable[Row]) -> list[str]:
    """One entry an office: what came of its messages, by channel."""
    by_office: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_office[visit.office_name(row["recipient"])].append(f"{row['channel']}: {word(STATES, row['state'], visit.language)}")
    return [f"{office} ({', '.join(channels)})" for office, channels in by_office.items()]


def acts(visit: Visit, row: Mapping[str, Any]) -> list[str]:
    """What makes sense for the alert as it stands; the alerts process has the last word."""
    if not visit.access.may_act:
        return []
    found = ["acknowledge"] if row["attention"] in ("unacknowledged", "returned") else []
    found.append("explain")
    if row["attention"] == "acknowledged" and row["condition"] in OPEN:
        found.append("return")
    found.append("task")
    if row["condition"] in OPEN:
        found.append("unshelve" if row["attention"] == "shelved" else "shelve")
    else:
        found.append("close")
    return [*found, "comment"]


def table(visit: Visit, rows: Iterable[Row]) -> Table:
    """The list for export."""
    names = ["severity", "alert", "territory", "value", "limit", "gap", "measure_unit", "condition", "attention", "owner"]
    columns = [("alert_id", "id"), *((name, visit.lookup.text(name)) for name in (*names, "opened_at", "event_time"))]
    shown = [
        [
            r["alert_id"],
            int(r["severity"]),
            r["title_vi"],
            visit.territory_name(r["territory"]),
            r["value"],
            r["limit"],
            r["gap"],
            r["measure_unit"],
            word(CONDITIONS, r["condition"], visit.language),
            word(ATTENTIONS, r["attention"], visit.language),
            visit.agency_name(r["agency"]),
            r["opened_at"],
            r["event_time"],
        ]
        for r in rows
    ]
    return Table("canh-bao", columns, shown)


def story_table(visit: Visit, events: Iterable[Row]) -> Table:
    """The story for export."""
    names = ("event_time", "story", "severity", "alert", "note", "topic", "partition", "offset")
    columns = [("at", visit.lookup.text("arrived")), *((name, visit.lookup.text(name)) for name in names)]
    rows = [
        [
            e["recorded_at"],
            e["event_time"],
            word(TRANSITIONS, e["transition"], visit.language),
            int(e["severity"]),
            e["title_vi"],
            f"{e['actor']} {e['note']}".strip(),
            e["source_topic"],
            e["source_partition"],
            e["source_offset"],
        ]
        for e in events
    ]
    return Table("dien-bien", columns, rows)
