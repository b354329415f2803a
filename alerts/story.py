"""The story of alerts: conditions and acts go in, events, current state and requests come out. Pure: no clock, no broker.

Exactly-once of the story, in this order (docs/alerts.md, «Order»; tests/alerts/test_story.py):
1. a row older than what the alert knows, by (generation, through), is dropped: delivered again, doubled, or out of order;
2. an event id that is already written is not written again, nor requested again;
3. a change that truly recurs (same cause, input later than any told of) gets an id of its own by the offset of that input.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from alerts.action import Action
from alerts.alert import Alert, state_of
from alerts.audience import Audience
from alerts.condition import Condition, ConditionError
from alerts.ids import condition_cause, event_id, notification_key, recurrence_cause
from alerts.lifecycle import CHANGES, STORY, State, change, step
from alerts.messages import Messages, Text
from alerts.notification import Notification
from indicators.rule import RuleBook

DAY_MS = 86_400_000
MAX_AGE_WITHOUT_RULE_MS = 3 * DAY_MS


@dataclass(slots=True)
class Effects:
    """What one input does. `event`: a new step of the story; `current`: the alert as it now stands, `before`: as it stood."""

    outcome: str
    event: Alert | None = None
    current: Alert | None = None
    requests: list[Notification] = field(default_factory=list)
    before: Alert | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One change on its way into the story."""

    event: str
    transition: str
    cause: str
    state: State
    text: Text
    now: int
    opened_at: int


class Story:
    """State of all alerts of this process and what is already written. Rebuilt from the topics after any failure, never rolled back."""

    def __init__(self, rules: RuleBook, messages: Messages, audience: Audience) -> None:
        self._rules, self._messages, self._audience = rules, messages, audience
        self.alerts: dict[str, Alert] = {}
        self._known: set[bytes] = set()

    def restore(self, alerts: Iterable[Alert], known_event_ids: Iterable[str]) -> None:
        """Take over what is committed: alerts of `alerts.current`, ids of `alerts.events`."""
        self.alerts = {alert.alert_id: alert for alert in alerts}
        self._known = {UUID(known).bytes for known in known_event_ids}
        self._known |= {UUID(alert.event_id).bytes for alert in self.alerts.values()}

    def on_condition(self, c: Condition, now: int) -> Effects:
        """Fold one condition row. `now`: epoch ms, stamped as recorded_at."""
        alert = self.alerts.get(c.alert_id)
        if alert is not None and (c.mark < alert.evidence.mark or (c.mark == alert.evidence.mark and self._told_of(c))):
            return Effects("stale")
        state = state_of(alert, c.caused_at)
        what = change(state, c.transition, c.severity, alert.evidence.severity if alert else 0)
        ended = alert is not None and not alert.open
        if not what or (what == "cleared" and ended):
            return self._silently(alert, c)
        found = self._id_of(alert, c, what)
        if found is None:
            return self._silently(alert, c)
        cause, event = found
        after = step(state, what)
        if after.refusal:
            raise ConditionError("transition", after.refusal)
        opened_at = alert.opened_at if alert and what != "opened" else now
        text = self._messages.render(self._rules.rules.get(c.rule), what, c, alert.evidence if alert else None, opened_at)
        new = self._next(alert, c, Turn(event, what, cause, after.state, text, now, opened_at))
        return self._told(new, text, alert)

    def on_action(self, act: Action, now: int) -> Effects:
        """Record one act. Raises ConditionError where there is no such alert."""
        alert = self.alerts.get(act.alert_id)
        if alert is None:
            raise ConditionError("alert_id", "no such alert; see `nhip alerts list`")
        state = alert.state_at(act.acted_at)
        after = step(state, act.action)
        transition = "refused" if after.refusal else STORY[act.action]
        event = event_id(act.alert_id, STORY[act.action], act.action_id)
        if self._is_known(event):
            return Effects("known")
        shelved_until = act.until if transition == "shelved" else alert.shelved_until if after.state.attention == "shelved" else 0
        note = f"{after.refusal} – {act.note}".removesuffix(" – ") if after.refusal else act.note
        new = replace(
            alert, event_id=event, sequence=alert.sequence + 1, transition=transition, cause=act.action_id, state=after.state,
            recorded_at=now,
            actor=f"{act.actor} ({act.office})" if act.office else act.actor, note=note, shelved_until=shelved_until,
        )  # fmt: skip
        self._keep(new)
        return Effects(transition, event=new, current=new, before=alert)

    def undo(self, effects: Effects) -> None:
        """Take back the newest effects of an alert: they could not be written."""
        if effects.current is None:
            return
        if effects.before is None:
            del self.alerts[effects.current.alert_id]
        else:
            self.alerts[effects.current.alert_id] = effects.before
        if effects.event is not None:
            self._known.discard(UUID(effects.event.event_id).bytes)

    def _silently(self, alert: Alert | None, c: Condition) -> Effects:
        """Nothing to tell; newer evidence is kept all the same, so that the next comparison starts from it."""
        if alert is None or c.mark == alert.evidence.mark:
            return Effects("known")
        kept = replace(alert, evidence=replace(c, transition=alert.evidence.transition))
        self.alerts[kept.alert_id] = kept
        return Effects("unchanged", current=kept, before=alert)

    def _id_of(self, alert: Alert | None, c: Condition, what: str) -> tuple[str, str] | None:
        """(cause, event id) of a change, or None where it is already in the story."""
        cause = condition_cause(c.series, c.period_start, c.revision, c.severity)
        event = event_id(c.alert_id, what, cause)
        if not self._is_known(event):
            return cause, event
        # Known. Caused by input later than any that was told of: the figures did it again. By input already told of: a recomputation.
        if alert is None or c.through <= alert.told_through:
            return None
        cause = recurrence_cause(cause, c.through)
        event = event_id(c.alert_id, what, cause)
        return None if self._is_known(event) else (cause, event)

    def _next(self, alert: Alert | None, c: Condition, s: Turn) -> Alert:
        peak = c.severity if alert is None or s.transition == "opened" else max(alert.peak, c.severity)
        shelved_until = alert.shelved_until if alert and s.state.attention == "shelved" else 0
        new = Alert(
            alert_id=c.alert_id, event_id=s.event, sequence=alert.sequence + 1 if alert else 1, transition=s.transition, cause=s.cause,
            state=s.state, title_vi=s.text.title_vi, text_vi=s.text.text_vi, title_en=s.text.title_en, recorded_at=s.now,
            opened_at=s.opened_at, actor="", note=s.text.fallback, evidence=c, peak=peak, shelved_until=shelved_until,
            told_through=max(c.through, alert.told_through if alert else -1),
        )  # fmt: skip
        self._keep(new)
        return new

    def _told(self, alert: Alert, text: Text, before: Alert | None) -> Effects:
        requests = self._requests(alert, text) if alert.transition in CHANGES else []
        return Effects(alert.transition, event=alert, current=alert, requests=requests, before=before)

    def _requests(self, alert: Alert, text: Text) -> list[Notification]:
        c, rule = alert.evidence, self._rules.rules.get(alert.evidence.rule)
        if not alert.peak:
            return []  # over before we heard of it: nobody was told of a beginning, nobody is told of the end
        reason, state = alert.transition, "intended"
        if c.mode in ("replay", "backfill"):
            reason, state = c.mode, "recorded"
        elif _muted(alert):
            reason, state = alert.state.attention, "recorded"
        max_age = int(rule.notify_max_age.total_seconds() * 1000) if rule else MAX_AGE_WITHOUT_RULE_MS
        return [
            Notification(
                notification_key=notification_key(alert.event_id, to.id, channel), event_id=alert.event_id, alert_id=alert.alert_id,
                rule=c.rule,
                state=state, reason=to.reason if to.reason and state == "intended" else reason, lane=rule.lane if rule else "direct",
                channel=channel, recipient=to.id, address=to.address(channel), severity=alert.peak if not c.severity else c.severity,
                transition=alert.transition, title=text.title_vi, text=f"Kính gửi: {to.title_vi}\n{text.text_vi}", mode=c.mode,
                requested_at=alert.recorded_at, changed_at=alert.recorded_at, not_after=c.caused_at + max_age,
            )
            for to in self._audience.recipients(rule, c, alert.peak)
            for channel in self._audience.channels(rule, alert.peak)
        ]  # fmt: skip

    def _keep(self, alert: Alert) -> None:
        self.alerts[alert.alert_id] = alert
        self._known.add(UUID(alert.event_id).bytes)

    def _told_of(self, c: Condition) -> bool:
        """Did this very input already change the alert? Asked where two rows of one alert carry the same mark."""
        cause = condition_cause(c.series, c.period_start, c.revision, c.severity)
        causes = (cause, recurrence_cause(cause, c.through))
        return any(self._is_known(event_id(c.alert_id, what, each)) for what in CHANGES for each in causes)

    def _is_known(self, event: str) -> bool:
        return UUID(event).bytes in self._known


def _muted(alert: Alert) -> bool:
    """Is this change only recorded? A shelf silences what happens on it, never the end: who was told of a beginning hears of the end."""
    ended = alert.transition in ("cleared", "cancelled")
    return alert.state.attention == "suppressed" or (alert.state.attention == "shelved" and not ended)
