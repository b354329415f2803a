"""From a step of the story to messages: who is told, over which channels, in how many words, and what is only recorded. Pure but for the
count of a storm.

Rising steps (opened, worse, released) go to the audience of the rule, falling ones to those who were told before: who knew of a beginning
hears of the end, and nobody hears of an end whose beginning he never met. More rising steps of one rule than its storm limit allows for one
recipient within its window become one summary; the rest is recorded with the reason `storm`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from alerts.alert import Alert
from alerts.audience import Audience, Recipient
from alerts.ids import event_id, notification_key
from alerts.inquiry import PLACE, Inquiry
from alerts.messages import Text, storm_text
from alerts.notification import Notification
from indicators.instant import DAY_MS
from indicators.rule import RuleBook
from indicators.rules.policy import DEFAULT_STORM, Storm

MAX_AGE_WITHOUT_RULE_MS = 3 * DAY_MS
RISING = ("opened", "worse", "released")
CAUSED_NOW = ("escalated", "reminder", "released", "handed_back", "urged", "issued", "answered", "decided", "sent_back", "withdrawn")
"""Steps that figures did not cause: their messages are as old as the step, not as the figures."""


@dataclass(frozen=True, slots=True)
class Told:
    """Messages of one step, and the ids of those who are told by it (recorded ones are not told)."""

    requests: list[Notification]
    recipients: tuple[str, ...]


class Telling:
    """Makes the messages of steps. Remembers, per rule and recipient, the instants of rising messages within the storm's window."""

    def __init__(self, rules: RuleBook, audience: Audience) -> None:
        self._rules, self._audience = rules, audience
        self._rises: dict[tuple[str, str], deque[int]] = {}
        self._summaries: set[str] = set()

    @property
    def storm_ms(self) -> int:
        """The longest window of a storm: a rise is counted no longer."""
        return max(_window_ms(storm) for storm in (DEFAULT_STORM, *(rule.storm for rule in self._rules.rules.values())))

    def restore(self, rises: Iterable[tuple[int, str, Sequence[str]]]) -> None:
        """Count anew from the newest rise of each alert that rose within `storm_ms`: (epoch ms, rule, ids of who was told)."""
        self._rises.clear()
        for at, rule, told in sorted(rises, key=lambda rise: rise[0]):
            for recipient in told:
                self._rises.setdefault((rule, recipient), deque()).append(at)

    def of_change(self, alert: Alert, text: Text) -> Told:
        """Messages of a change of the figures, or of a release."""
        c, rule, memory = alert.evidence, self._rules.rules.get(alert.evidence.rule), alert.memory
        if not memory.peak:
            return Told([], ())  # over before we heard of it: nobody was told of a beginning, nobody is told of the end
        state, reason = self._how(alert)
        if alert.transition in RISING or memory.told is None:
            recipients = self._audience.recipients(rule, c, memory.peak, alert.recorded_at)
        else:
            recipients = self._audience.of_ids(memory.told, alert.recorded_at)
        if not recipients:
            recipients = self._audience.recipients(rule, c, memory.peak, alert.recorded_at)
            state, reason = "recorded", reason if state == "recorded" else "not_told"
        if state == "recorded" or alert.transition not in RISING:
            return Told(self._messages(alert, text, recipients, state, reason), ())
        return self._rising(alert, text, recipients, reason)

    def of_agencies(self, alert: Alert, text: Text, agencies: Sequence[str], reason: str) -> Told:
        """Messages of an escalation to the heads of agencies."""
        recipients = self._audience.of_agencies(agencies, alert.recorded_at)
        return Told(self._messages(alert, text, recipients, "intended", reason), tuple(r.id for r in recipients))

    def of_told(self, alert: Alert, text: Text, reason: str) -> Told:
        """Messages of a reminder, to the audience of the rule that was told: not to those it was raised to over their heads."""
        rule, c = self._rules.rules.get(alert.evidence.rule), alert.evidence
        named = self._audience.recipients(rule, c, alert.memory.peak, alert.recorded_at)
        recipients = [to for to in named if alert.memory.told is None or to.id in alert.memory.told]
        return Told(self._messages(alert, text, recipients, "intended", reason), ())

    def of_act(self, alert: Alert, text: Text) -> Told:
        """An alert that was handed back goes to the operator's office, who must find whom it concerns."""
        return Told(self._messages(alert, text, [self._audience.operator], "intended", "handed_back"), ())

    def of_inquiry(self, alert: Alert, text: Text, inquiry: Inquiry) -> Told:
        """Messages of a step of a request: to the head of the agency asked, but for its own answer; answers, outcomes and a deadline that
        went by also to everybody told of the alert and to the office that issued it. Nobody becomes an addressee of the alert by it."""
        at = alert.recorded_at
        found = {} if alert.transition == "answered" else {to.id: to for to in self._audience.of_agencies([inquiry.to_agency], at)}
        if alert.transition in ("answered", "decided", "urged"):
            issued = self._issuing(alert, inquiry)
            found |= {to.id: to for to in (*self._audience.of_ids(alert.memory.told or (), at), *([issued] if issued else []))}
        return Told(self._messages(alert, text, list(found.values()), "intended", alert.transition), ())

    def _issuing(self, alert: Alert, inquiry: Inquiry) -> Recipient | None:
        """The office that issued a request: an answer it reads whole, whoever sits there, for it asked. Where none was named the operator's
        office is told of an answer and of a deadline that went by, so that neither is met by nobody."""
        if PLACE in inquiry.issued_by:
            return replace(self._audience.of_id(inquiry.issued_by, alert.recorded_at), brief=False)
        return replace(self._audience.operator, reason="no_recipient") if alert.transition in ("answered", "urged") else None

    def forget(self, alert: Alert) -> None:
        """Take back the newest rise of an alert whose step could not be written."""
        for recipient in alert.memory.told or ():
            rises = self._rises.get((alert.evidence.rule, recipient))
            if rises and rises[-1] == alert.recorded_at:
                rises.pop()

    def _how(self, alert: Alert) -> tuple[str, str]:
        """(state, reason): sent, or recorded and why."""
        if alert.evidence.mode in ("replay", "backfill"):
            return "recorded", alert.evidence.mode
        if _muted(alert):
            return "recorded", alert.state.attention
        return "intended", alert.transition

    def _rising(self, alert: Alert, text: Text, recipients: Sequence[Recipient], reason: str) -> Told:
        rule = self._rules.rules.get(alert.evidence.rule)
        storm = rule.storm if rule else DEFAULT_STORM
        sent = [to for to in recipients if not self._in_storm(alert, to, storm)]
        drowned = [to for to in recipients if to not in sent]
        requests = self._messages(alert, text, sent, "intended", reason) + self._messages(alert, text, drowned, "recorded", "storm")
        for to in drowned:
            requests += self._summary(alert, to, storm)
        return Told(requests, tuple(r.id for r in sent))

    def _in_storm(self, alert: Alert, to: Recipient, storm: Storm) -> bool:
        """Counts this rise, unless it drowns: then only what was sent before keeps the storm up."""
        rises = self._rises.setdefault((alert.evidence.rule, to.id), deque())
        begins = alert.recorded_at - _window_ms(storm)
        while rises and rises[0] <= begins:
            rises.popleft()
        if len(rises) >= storm.limit:
            return True
        rises.append(alert.recorded_at)
        return False

    def _summary(self, alert: Alert, to: Recipient, storm: Storm) -> list[Notification]:
        """One for each window and recipient. After a restart it may be asked for again, under the same key: the ledger knows it."""
        c, rule = alert.evidence, self._rules.rules.get(alert.evidence.rule)
        window = alert.recorded_at // _window_ms(storm)
        storm_id = event_id(f"storm|{c.rule}", to.id, str(window))
        if storm_id in self._summaries:
            return []
        self._summaries.add(storm_id)
        return self._messages(replace(alert, event_id=storm_id), storm_text(rule, c.rule, storm, c.mode), [to], "intended", "storm_summary")

    def _messages(self, alert: Alert, text: Text, recipients: Sequence[Recipient], state: str, reason: str) -> list[Notification]:
        rule, c = self._rules.rules.get(alert.evidence.rule), alert.evidence
        max_age = int(rule.notify_max_age.total_seconds() * 1000) if rule else MAX_AGE_WITHOUT_RULE_MS
        since = c.caused_at if alert.transition not in CAUSED_NOW else alert.recorded_at
        severity = c.severity or alert.memory.peak
        return [
            Notification(
                notification_key=notification_key(alert.event_id, to.id, channel), event_id=alert.event_id, alert_id=alert.alert_id,
                rule=c.rule, state=state, reason=to.reason if to.reason and state == "intended" else reason,
                lane=rule.lane if rule else "direct", channel=channel, recipient=to.id, address=to.address(channel), severity=severity,
                transition=alert.transition, title=text.title_vi, text=_letter(to, text), mode=c.mode, requested_at=alert.recorded_at,
                changed_at=alert.recorded_at, not_after=since + max_age,
            )
            for to in recipients
            for channel in self._audience.channels(rule, alert.memory.peak)
            if to.address(channel)
        ]  # fmt: skip


def _letter(to: Recipient, text: Text) -> str:
    """The text as this reader gets it: a leader the first line, which holds what, where, against what and by how much."""
    body = text.text_vi.split("\n", 1)[0] if to.brief else text.text_vi
    return f"Kính gửi: {to.title_vi}\n{body}"


def _muted(alert: Alert) -> bool:
    """Is this change only recorded? A shelf silences what happens on it, never the end: who was told of a beginning hears of the end."""
    ended = alert.transition in ("cleared", "cancelled")
    return not ended and alert.state.attention in ("suppressed", "shelved")


def _window_ms(storm: Storm) -> int:
    return int(storm.window.total_seconds() * 1000)
