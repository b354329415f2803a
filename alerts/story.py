"""The story of alerts: conditions, acts and timers go in; events, current state and requests come out. Pure: no clock, no broker.

Exactly-once of the story, in this order (docs/alerts.md, «Order»; tests/alerts/test_story.py):
1. a row older than what the alert knows, by (generation, through), is dropped: delivered again, doubled, or out of order;
2. an event id that is already written is not written again, nor requested again;
3. a change that truly recurs (same cause, input later than any told of) gets an id of its own by the offset of that input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from uuid import UUID

from alerts.acting import acted
from alerts.action import Action
from alerts.alert import Alert, Memory, state_of
from alerts.alert_book import AlertBook, Resting, line_of
from alerts.condition import Condition, ConditionError
from alerts.flap import flapping, remembered
from alerts.ids import condition_cause, event_id, recurrence_cause
from alerts.inquiries import Inquiries, kept
from alerts.lifecycle import CHANGES, OWN_STORY, STORY, State, change, step
from alerts.messages import Messages, Text
from alerts.notification import Notification
from alerts.telling import Telling, Told
from alerts.timers import Timer, Timers
from indicators.rule import Rule, RuleBook


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
    """One change on its way into the story. `now`: epoch ms, the wall clock."""

    event: str
    transition: str
    cause: str
    state: State
    text: Text
    now: int
    opened_at: int


class Story:
    """State of all alerts of this process and what is already written. Rebuilt from the topics after any failure, never rolled back."""

    def __init__(self, rules: RuleBook, messages: Messages, telling: Telling, timers: Timers) -> None:
        self._rules, self._messages, self._telling, self._timers = rules, messages, telling, timers
        self._inquiries = Inquiries(messages.names, timers.calendar)
        self.alerts = AlertBook()
        self._latest: dict[tuple[str, str], str] = {}
        self._known: set[bytes] = set()
        self._agenda: list[tuple[int, str]] = []

    @property
    def storm_ms(self) -> int:
        """How long a rise is counted towards a storm, by whichever rule."""
        return self._telling.storm_ms

    def restore(self, alerts: Iterable[Alert], known_event_ids: Iterable[str], resting: Mapping[str, Resting] | None = None) -> None:
        """Take over what is committed: alerts of `alerts.current`, ids of `alerts.events`. `resting`: those at rest, by id; their
        rises of the last `storm_ms` say who was told."""
        awake = list(alerts)
        self.alerts = AlertBook(awake, resting)
        self._known = {UUID(known).bytes for known in known_event_ids}
        self._known |= {UUID(known).bytes for known in self.alerts.event_ids()}
        self._latest = {line: alert_id for _, line, alert_id in sorted(self.alerts.lines())}
        self._telling.restore(self.alerts.rises())
        self._agenda.clear()
        for alert in awake:
            self._schedule(alert)

    def is_beat(self, c: Condition) -> bool:
        """Is it no figure, but the platform's heartbeat on its way?"""
        return any(rule.id == c.rule for rule in self._rules.watchdogs)

    def on_condition(self, c: Condition, now: int) -> Effects:
        """Fold one condition row. `now`: epoch ms, stamped as recorded_at."""
        rule = self._rules.rules.get(c.rule)
        if rule is not None and rule.status == "exercise" and c.mode == "live":
            c = replace(c, mode="exercise")
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
        after = step(state, what)
        if after.refusal:
            raise ConditionError("transition", after.refusal)
        now = max(now, alert.recorded_at + 1) if alert else now  # the order of an alert's messages
        opened_at = alert.opened_at if alert and what != "opened" else now
        text = self._messages.render(rule, what, c, alert.evidence if alert else None, opened_at)
        return self._changed(alert, c, Turn(found[1], what, found[0], after.state, text, now, opened_at), rule)

    def on_action(self, act: Action, now: int) -> Effects:
        """Record one act. Raises ConditionError where there is no such alert."""
        alert = self.alerts.get(act.alert_id)
        if alert is None:
            raise ConditionError("alert_id", "no such alert; see `nhip alerts list`")
        event = event_id(act.alert_id, STORY[act.action], act.action_id)
        if self._is_known(event):
            return Effects("known")
        rule = self._rules.rules.get(alert.evidence.rule)
        done = acted(alert, act, rule, self._inquiries)
        new = replace(
            alert, event_id=event, sequence=alert.sequence + 1, transition=done.transition, cause=act.action_id, state=done.state,
            recorded_at=max(now, alert.recorded_at + 1), actor=f"{act.actor} ({act.office})" if act.office else act.actor, note=done.note,
            memory=done.memory,
        )  # fmt: skip
        told = Told([], ())
        if done.transition == "handed_back":
            told = self._telling.of_act(new, self._messages.led(rule, "handed_back", new.memory.attention_since, alert.evidence, act.note))
        elif done.inquiry is not None:
            letter = self._inquiries.letter(done.transition, done.inquiry, new, act.note if act.action != "answer" else "")
            told = self._telling.of_inquiry(new, letter, done.inquiry)
        self._keep(new)
        return Effects(done.transition, event=new, current=new, requests=told.requests, before=alert)

    def due(self, now: int) -> list[tuple[str, Timer]]:
        """(alert id, timer) of everything due, the earliest first. What is not let off stays due."""
        alerts: dict[str, Alert] = {}
        while self._agenda and self._agenda[0][0] <= now:
            alert = self.alerts.get(heappop(self._agenda)[1])
            if alert is not None:
                alerts[alert.alert_id] = alert
        for alert in alerts.values():
            self._schedule(alert)
        found = [(alert.alert_id, timer) for alert in alerts.values() for timer in self._timers_of(alert) if timer.due <= now]
        return sorted(found, key=lambda pair: (pair[1].due, pair[0]))

    def next_due(self) -> int | None:
        """An instant (epoch ms) before which nothing is due; None: nothing waits."""
        return self._agenda[0][0] if self._agenda else None

    def on_timer(self, alert_id: str, timer: Timer, now: int) -> Effects:
        """Let a timer go off, unless it has gone off or what it waited for has happened meanwhile."""
        alert = self.alerts.get(alert_id)
        if alert is None or timer not in self._timers_of(alert):
            return Effects("known")
        transition = "unshelved" if timer.kind == "unshelve" else OWN_STORY[timer.kind]
        after = step(alert.state, timer.kind)
        if after.refusal:
            return Effects("known")
        memory = replace(alert.memory, fired=self._fired(alert, timer, now), happened_at=timer.due, shelved_until=0)
        if timer.kind in ("unshelve", "release"):
            memory = replace(memory, attention_since=now, fired=())
        overdue = timer.overdue
        if overdue is not None:
            overdue = replace(overdue, urged_at=timer.due)
            memory = replace(memory, shelved_until=alert.memory.shelved_until, inquiries=kept(alert, overdue))
        new = replace(
            alert, event_id=event_id(alert_id, transition, timer.id), sequence=alert.sequence + 1, transition=transition, cause=timer.id,
            state=after.state, recorded_at=max(now, alert.recorded_at + 1), actor="",
            note=self._inquiries.note("urged", overdue, "") if overdue else timer.reason, memory=memory,
        )  # fmt: skip
        told = self._told_by_timer(new, timer)
        new = replace(new, memory=_with_told(new.memory, told))
        self._keep(new)
        return Effects(transition, event=new, current=new, requests=told.requests, before=alert)

    def undo(self, effects: Effects) -> None:
        """Take back the newest effects of an alert: they could not be written."""
        if effects.current is None:
            return
        self._telling.forget(effects.current)
        if effects.before is None:
            del self.alerts[effects.current.alert_id]
        else:
            self.alerts[effects.current.alert_id] = effects.before
            self._schedule(effects.before)
        if effects.event is not None:
            self._known.discard(UUID(effects.event.event_id).bytes)

    def _schedule(self, alert: Alert) -> None:
        """Look at this alert again when its next timer is due. Entries overtaken by events are found empty and forgotten."""
        timers = self._timers_of(alert)
        if timers:
            heappush(self._agenda, (timers[0].due, alert.alert_id))

    def _timers_of(self, alert: Alert) -> list[Timer]:
        return self._timers.of(alert, self._rules.rules.get(alert.evidence.rule))

    def _fired(self, alert: Alert, timer: Timer, now: int) -> tuple[str, ...]:
        """With this one; a reminder stands for all that are due by now: nobody is reminded twice in a breath."""
        same = [t.id for t in self._timers_of(alert) if t.kind == timer.kind == "remind" and t.due <= now and t != timer]
        return (*alert.memory.fired, timer.id, *same)

    def _told_by_timer(self, alert: Alert, timer: Timer) -> Told:
        c, since, rule = alert.evidence, alert.memory.attention_since, self._rules.rules.get(alert.evidence.rule)
        if timer.kind == "escalate":
            text = self._messages.led(rule, timer.reason, since, c)
            return self._telling.of_agencies(alert, text, timer.agencies, timer.reason)
        if timer.kind == "remind" and timer.reason:
            lead, _, days = timer.reason.partition(":")
            return self._telling.of_told(alert, self._messages.led(rule, lead, since, c, days), "reminder")
        if timer.kind == "remind":
            return self._telling.of_told(alert, self._messages.led(rule, "reminder", since, c), "reminder")
        if timer.overdue is not None:
            return self._telling.of_inquiry(alert, self._inquiries.letter("urged", timer.overdue, alert, ""), timer.overdue)
        if timer.kind == "release":
            return self._telling.of_change(alert, self._messages.led(rule, "released", since, c))
        return Told([], ())

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
        if alert is None or c.through <= alert.memory.told_through:
            return None
        cause = recurrence_cause(cause, c.through)
        event = event_id(c.alert_id, what, cause)
        return None if self._is_known(event) else (cause, event)

    def _changed(self, alert: Alert | None, c: Condition, turn: Turn, rule: Rule | None) -> Effects:
        """The alert after a change of the figures, and who is told."""
        memory = self._remembered(alert, c, turn, rule)
        state = turn.state
        if turn.transition == "opened" and self._flaps(c, memory, rule):
            state = step(state, "suppress").state
        new = Alert(
            alert_id=c.alert_id, event_id=turn.event, sequence=alert.sequence + 1 if alert else 1, transition=turn.transition,
            cause=turn.cause, state=state, title_vi=turn.text.title_vi, text_vi=turn.text.text_vi, title_en=turn.text.title_en,
            recorded_at=turn.now, opened_at=turn.opened_at, actor="", note=turn.text.fallback, evidence=c, memory=memory,
        )  # fmt: skip
        told = self._telling.of_change(new, turn.text)
        new = replace(new, memory=_with_told(new.memory, told))
        self._keep(new)
        return Effects(turn.transition, event=new, current=new, requests=told.requests, before=alert)

    def _remembered(self, alert: Alert | None, c: Condition, turn: Turn, rule: Rule | None) -> Memory:
        opened, rises = turn.transition == "opened", turn.transition in ("opened", "worse")
        old = alert.memory if alert is not None else Memory(told=())
        flap = rule.flap if rule else None
        memory = replace(
            old, peak=c.severity if alert is None or opened else max(old.peak, c.severity),
            shelved_until=old.shelved_until if turn.state.attention == "shelved" else 0,
            told_through=max(c.through, old.told_through), happened_at=c.event_time,
        )  # fmt: skip
        if rises:
            memory = replace(memory, attention_since=turn.now, explained=False, fired=(), told=() if opened else old.told)
        if opened or turn.transition in ("cleared", "cancelled"):
            memory = replace(memory, changes=remembered(self._changes(c), c.event_time, flap))
        return memory

    def _changes(self, c: Condition) -> tuple[int, ...]:
        former = self.alerts.get(self._latest.get(line_of(c), ""))
        return former.memory.changes if former else ()

    def _flaps(self, c: Condition, memory: Memory, rule: Rule | None) -> bool:
        former = self.alerts.get(self._latest.get(line_of(c), ""))
        before = former is not None and former.state.attention == "suppressed"
        return flapping(memory.changes, before, rule.flap if rule else None)

    def _keep(self, alert: Alert) -> None:
        self.alerts[alert.alert_id] = alert
        self._latest[line_of(alert.evidence)] = alert.alert_id
        self._known.add(UUID(alert.event_id).bytes)
        self._schedule(alert)

    def _told_of(self, c: Condition) -> bool:
        """Did this very input already change the alert? Asked where two rows of one alert carry the same mark."""
        cause = condition_cause(c.series, c.period_start, c.revision, c.severity)
        causes = (cause, recurrence_cause(cause, c.through))
        return any(self._is_known(event_id(c.alert_id, what, each)) for what in CHANGES for each in causes)

    def _is_known(self, event: str) -> bool:
        return UUID(event).bytes in self._known


def _with_told(memory: Memory, told: Told) -> Memory:
    return replace(memory, told=tuple(dict.fromkeys((*(memory.told or ()), *told.recipients)))) if told.recipients else memory
