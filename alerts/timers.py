"""What is due on an alert by itself: escalation, reminders, the urging of an overdue answer, the end of a shelf or a flapping. Pure.

A timer is state, not a sleeping thread: it follows from the alert as it stands (`attention_since`, its attention, what has gone off
before), so it is there again after any restart, goes off late rather than never, and its id (kind, instant, addressee) makes it go off
once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from alerts.alert import Alert
from alerts.escalation import Rung, Rungs
from alerts.inquiry import Inquiry
from alerts.reminders import BEFORE, reminders
from indicators.assigned_task import OWN_DAY, OwnDay
from indicators.calendar import WorkingCalendar
from indicators.due import instant_of
from indicators.period import Period
from indicators.rule import Rule
from indicators.rules.due_rule import DueCalendar

DUE_SOON = "due_soon"
"""Reason of a reminder before a due day, with the working days that are left: `due_soon:1`."""
NO_CALENDARS: Mapping[str, DueCalendar] = {}
MILLISECOND = timedelta(milliseconds=1)
Kind = Literal["escalate", "remind", "urge", "unshelve", "release"]


@dataclass(frozen=True, slots=True, order=True)
class Timer:
    """Due at an instant (epoch ms). `agencies`: who is told by an escalation or urged; `reason`: as what; `overdue`: the request
    whose answer is."""

    due: int
    kind: Kind
    agencies: tuple[str, ...] = ()
    reason: str = ""
    overdue: Inquiry | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """The cause of the event it makes; the same wherever it is computed."""
        return "|".join((self.kind, str(self.due), *self.agencies))


class Timers:
    """Computes the timers of alerts."""

    def __init__(self, rungs: Rungs, dues: Mapping[str, DueCalendar] = NO_CALENDARS) -> None:
        self._rungs, self._dues = rungs, dues

    @property
    def calendar(self) -> WorkingCalendar:
        """The calendar of its deadlines."""
        return self._rungs.calendar

    def of(self, alert: Alert, rule: Rule | None) -> list[Timer]:
        """Timers that have not gone off, the earliest first; none for replayed alerts, of a rule that is no more only the deadlines of its
        requests: a document was sent."""
        if alert.evidence.mode in ("replay", "backfill"):
            return []
        fired = set(alert.memory.fired)
        found = [*_deadlines(alert), *(self._of_rule(alert, rule) if rule is not None else ())]
        return sorted(timer for timer in found if timer.id not in fired)

    def _of_rule(self, alert: Alert, rule: Rule) -> Iterator[Timer]:
        memory = alert.memory
        if alert.state.attention == "shelved":
            if memory.shelved_until:
                yield Timer(memory.shelved_until, "unshelve")
        elif alert.state.attention == "suppressed":
            if rule.flap is not None:
                yield Timer(memory.attention_since + rule.flap.window // MILLISECOND, "release")
        elif alert.open:
            yield from self._escalations(alert, rule)
            yield from _reminders(alert, rule)
            yield from self._due_reminders(alert, rule)

    def _due_reminders(self, alert: Alert, rule: Rule) -> Iterator[Timer]:
        """So many days before the due day of the report or task that the alert is about, at the hour at which offices begin."""
        if rule.due is None:
            return
        c = alert.evidence
        period = Period(c.period_type, c.period_start, c.period_end)
        found: list[tuple[int, int]] = []
        if rule.due.calendar == OWN_DAY:
            kept = [(days, which) for which, days in BEFORE if days in rule.due.remind]
            planned = {r.which: r.at for r in reminders(c.period_start, OwnDay().due(period, self.calendar), self.calendar)}
            found = [(planned[which], days) for days, which in kept if which in planned]
        elif rule.due.calendar in self._dues:
            day = self._dues[rule.due.calendar].due(period, self.calendar)
            found = [(instant_of(self.calendar.add_working_days(day, -days)), days) for days in rule.due.remind]
        yield from (Timer(at, "remind", (), f"{DUE_SOON}:{days}") for at, days in found if at > alert.memory.attention_since)

    def _escalations(self, alert: Alert, rule: Rule) -> Iterator[Timer]:
        if not rule.escalation.steps:
            return
        c, since = alert.evidence, alert.memory.attention_since
        for rung in self._rungs.of(rule.escalation, c.agency, c.severity, since):
            if not _stopped(rung, alert):
                yield Timer(rung.due, "escalate", rung.agencies, rung.reason)


def _deadlines(alert: Alert) -> Iterator[Timer]:
    """One for each request that waits for its answer and was not urged yet."""
    for inquiry in alert.memory.inquiries:
        if inquiry.state == "issued" and not inquiry.urged_at:
            yield Timer(inquiry.due_at + 1, "urge", (inquiry.to_agency,), inquiry.kind, inquiry)


def _stopped(rung: Rung, alert: Alert) -> bool:
    acknowledged = alert.state.attention == "acknowledged" and "acknowledged" in rung.unless
    return acknowledged or (alert.memory.explained and "explained" in rung.unless)


def _reminders(alert: Alert, rule: Rule) -> Iterator[Timer]:
    """One reminder at a time: those that went by while nobody could be told are not made up for."""
    policy = rule.acknowledgement
    if policy.remind_every is None or alert.evidence.severity < policy.required_from or alert.state.attention != "unacknowledged":
        return
    every = policy.remind_every // MILLISECOND
    for n in range(1, policy.reminders + 1):
        yield Timer(alert.memory.attention_since + n * every, "remind")
