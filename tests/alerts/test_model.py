"""The alert channel without Kafka: conditions, acts and timers in every order, death between any two writes, three kinds of provider.

Properties P1–P4, P6 and P7 of the channel, over the real story, timers, ledger and lane; memory stands in for the broker, whose
transactions are all or nothing. P5 (hysteresis) and P8 (paths that only rise) are about rules: tests/alerts/test_rule_kinds.py.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.action import Action
from alerts.alert import Alert, restored
from alerts.alert_book import Kept, rest_of, told_apart
from alerts.audience import Audience
from alerts.channels.contract import Repeat
from alerts.condition import Condition
from alerts.escalation import Rungs
from alerts.ledger import is_settled
from alerts.messages import Messages
from alerts.notification import Notification
from alerts.story import Effects, Story
from alerts.telling import Telling
from alerts.timers import Timers
from indicators.calendar import WorkingCalendar
from indicators.rule import RuleBook
from indicators.rules.policy import Acknowledgement, Escalation, EscalationStep
from tests.alerts.samples import ICU, NOON, after, alert_id
from tests.alerts.test_lane import OK, Crash, Provider, World
from tests.alerts.test_messages import Names
from tests.alerts.test_story import OFFICES, RULES

MINUTE = 60_000
STEPS = (
    EscalationStep(to="up", after=timedelta(minutes=30)), EscalationStep(to="office", after=timedelta(hours=1)),
    EscalationStep(to="government", after=timedelta(hours=2), unless=("acknowledged", "explained")),
)  # fmt: skip
RULE = RULES.rules["YT-ICU-CONG-SUAT"].model_copy(update={
    "escalation": Escalation(steps=STEPS, leave_organisation=True),
    "acknowledgement": Acknowledgement(required_from=3, remind_every=timedelta(minutes=20), reminders=2),
    "channels": {3: ("email",), 4: ("email",)},
})  # fmt: skip
BOOK = RuleBook([RULE])
NAMES = Names()
CALENDAR = WorkingCalendar()

Input = tuple[int, Condition | Action | None]
"""(minutes after noon, what comes in; None: time passes)."""


def new_story() -> Story:
    return Story(BOOK, Messages(NAMES), Telling(BOOK, Audience(OFFICES, NAMES)), Timers(Rungs(NAMES, CALENDAR)))


@dataclass
class Memory:
    """What a broker keeps of the story, written all or nothing; `crashes`: one draw at each point where the process can die."""

    crashes: list[bool] = field(default_factory=list)
    events: list[Alert] = field(default_factory=list)
    current: dict[str, Alert] = field(default_factory=dict)
    requests: list[Notification] = field(default_factory=list)
    offset: int = 0

    def point(self) -> None:
        if self.crashes and self.crashes.pop(0):
            raise Crash

    def commit(self, effects: Effects, offset: int) -> None:
        self.point()
        if effects.current is not None:
            self.current[effects.current.alert_id] = effects.current
        if effects.event is not None:
            self.events.append(effects.event)
        self.requests += effects.requests
        self.offset = offset
        self.point()

    def life(self, inputs: list[Input]) -> None:
        """One life of the process, from restoring to the end or death."""
        tale = new_story()
        rows = (
            Kept(key, rest.bytes() if (rest := rest_of(a)) else b"", a.memory.bytes(), partial(restored, a.record(), a.memory.bytes()))
            for key, a in self.current.items()
        )
        began = NOON + (inputs[self.offset - 1][0] if self.offset else 0) * MINUTE
        awake, resting = told_apart(rows, began - tale.storm_ms)
        tale.restore(awake, [event.event_id for event in self.events], resting)
        for n in range(self.offset, len(inputs)):
            minutes, what = inputs[n]
            now = NOON + minutes * MINUTE
            for alert, timer in tale.due(now):
                self.commit(tale.on_timer(alert, timer, now), n)
            if isinstance(what, Condition):
                self.commit(tale.on_condition(what, now), n + 1)
            elif isinstance(what, Action):
                self.commit(tale.on_action(what, now), n + 1)
        self.offset = len(inputs)

    def run(self, inputs: list[Input]) -> Memory:
        """Lives until one ends."""
        while True:
            try:
                self.life(inputs)
                return self
            except Crash:
                continue


def facts(memory: Memory) -> tuple[list[str], list[str]]:
    return sorted(e.event_id for e in memory.events), sorted(r.notification_key for r in memory.requests)


@st.composite
def stories(draw: st.DrawFn) -> list[Input]:
    """Up to three alerts of several changes, acts on them, and time that passes."""
    queues: list[list[Condition]] = []
    for n in range(draw(st.integers(1, 3))):
        first = replace(ICU, alert_id=alert_id(f"model-{n}"), series=f"{ICU.series}-{n}", severity=0, through=0)
        rows, before = [], first
        for severity in draw(st.lists(st.sampled_from([0, 3, 4]), min_size=1, max_size=4)):
            if severity == before.severity:
                continue
            said = "cleared" if not severity else "opened" if not before.severity else "worse" if severity > before.severity else "better"
            before = after(before, transition=said, severity=severity, severity_before=before.severity)
            rows.append(before)
            if not severity:
                break
        queues.append(rows)
    inputs: list[Input] = []
    minutes, opened = 0, set[str]()
    while any(queues):
        minutes += draw(st.sampled_from([0, 1, 25, 45, 90]))
        act = draw(st.sampled_from(["", "", "", "acknowledge", "explain", "return", "shelve", "unshelve", "close"]))
        if act and opened:
            target = draw(st.sampled_from(sorted(opened)))
            until = NOON + (minutes + 40) * MINUTE if act == "shelve" else 0
            inputs.append((minutes, Action(
                action_id=f"act-{len(inputs)}", alert_id=target, action=act, actor="trực ban", office="", note="đã rõ", until=until,
                acted_at=NOON + minutes * MINUTE, via="link")))  # fmt: skip
        queue = draw(st.sampled_from([q for q in queues if q]))
        row = queue.pop(0)
        opened.add(row.alert_id)
        inputs.append((minutes, replace(row, caused_at=NOON + minutes * MINUTE)))
    return [*inputs, (minutes + 300, None)]


@settings(max_examples=40, deadline=None)
@given(stories(), st.lists(st.booleans(), max_size=40), st.sampled_from(["safe", "askable", "blind"]), st.lists(st.booleans(), max_size=40))
def test_however_it_dies_the_same_is_told(inputs: list[Input], crashes: list[bool], repeat: Repeat, deaths: list[bool]) -> None:
    """P2, P3: the same ids with and without crashes; nothing more on reading again; what is intended arrives, repeats as promised."""
    calm, wild = Memory().run(inputs), Memory(list(crashes)).run(inputs)
    assert facts(wild) == facts(calm)
    assert max(Counter(facts(wild)[1]).values(), default=0) <= 1
    wild.offset = 0
    assert facts(wild.run(inputs)) == facts(calm)
    world = World(Provider(repeat, [OK] * 3), list(deaths))
    wanted = [r for r in wild.requests if r.channel == "email"]
    for request in wanted:
        world.now = max(world.now, request.requested_at)
    world.outlive(wanted)
    shown = Counter(key for key, _ in world.provider.shown)
    assert all(is_settled(row) for row in world.rows.values())
    for row in world.rows.values():
        missed = row.state in ("handed_over", "receipted") and not shown[row.notification_key]
        assert not missed
        assert row.state in ("handed_over", "recorded") or repeat == "blind"
    assert sum(n - 1 for n in shown.values()) <= (world.kills if repeat == "blind" else 0)


@settings(max_examples=40, deadline=None)
@given(stories())
def test_each_alert_begins_and_ends_once_and_who_heard_of_it_hears_of_its_end(inputs: list[Input]) -> None:
    """P4, P6: opened ≤ 1, ended ≤ 1; everybody sent a beginning, a rise or an escalation is sent the end."""
    memory = Memory().run(inputs)
    for alert in memory.current.values():
        steps = [e.transition for e in memory.events if e.alert_id == alert.alert_id]
        assert steps.count("opened") <= 1
        assert steps.count("cleared") + steps.count("cancelled") <= 1
        mine = [r for r in memory.requests if r.alert_id == alert.alert_id and r.state == "intended"]
        began = {r.recipient for r in mine if r.transition in ("opened", "worse", "escalated", "released")}
        ended = {r.recipient for r in mine if r.transition in ("cleared", "cancelled")}
        if "cleared" in steps:
            assert began == ended


@settings(max_examples=40, deadline=None)
@given(stories())
def test_escalation_goes_up_and_stops_when_somebody_answers(inputs: list[Input]) -> None:
    """P7: from one need of attention to the next, levels only rise, no level twice, none while acknowledged."""
    memory = Memory().run(inputs)
    order = {"PPC-31": 1, "OPC-31": 2, "OOG": 4}
    for alert in memory.current.values():
        level, acknowledged = 0, False
        for event in (e for e in memory.events if e.alert_id == alert.alert_id):
            if event.transition in ("opened", "worse", "unshelved"):
                level, acknowledged = 0, False
            if event.transition in ("acknowledged", "explained") and event.state.attention == "acknowledged":
                acknowledged = True
            if event.transition == "handed_back":
                acknowledged = False
            if event.transition == "escalated":
                assert not acknowledged
                reached = order[event.cause.split("|")[2]]
                assert reached > level
                level = reached


@settings(max_examples=20, deadline=None)
@given(stories(), st.randoms(use_true_random=False))
def test_alerts_do_not_depend_on_how_their_rows_are_interleaved(inputs: list[Input], order: random.Random) -> None:
    """P1: any order of arrival that keeps each alert's own gives the same conditions; so does any order at all for the last word."""
    rows = [what for _, what in inputs if isinstance(what, Condition)]
    shuffled = list(rows)
    order.shuffle(shuffled)
    keyed: dict[str, list[Condition]] = {}
    for row in rows:
        keyed.setdefault(row.alert_id, []).append(row)
    queues = {key: list(some) for key, some in keyed.items()}
    interleaved = [queues[row.alert_id].pop(0) for row in shuffled]

    def standing(some: list[Condition]) -> dict[str, tuple[str, int]]:
        memory = Memory().run([(n, replace(row, caused_at=NOON)) for n, row in enumerate(some)])
        return {key: (a.state.condition, a.evidence.severity) for key, a in memory.current.items()}

    assert standing(interleaved) == standing(rows)
    assert standing(shuffled) == standing(rows)


def opened_at(minutes: int, **changes: Any) -> Input:
    return minutes, replace(after(ICU, severity=4, caused_at=NOON + minutes * MINUTE), **changes)


def test_a_whole_escalation() -> None:
    """Reminded, told to the committee, to its Office, reviewed, told to the Government's Office; then the end is told to all of them."""
    end = after(after(ICU), transition="cleared", severity=0, severity_before=4, caused_at=NOON + 4000 * MINUTE)
    memory = Memory().run([opened_at(0), (25, None), (35, None), (4000, None), (4001, end)])
    told = [(e.transition, (e.memory.happened_at - NOON) // MINUTE, e.note) for e in memory.events if e.transition != "opened"]
    assert told == [
        ("reminder", 20, ""), ("escalated", 30, "escalated"), ("reminder", 40, ""), ("escalated", 60, "escalated"),
        ("escalated", 120 + 24 * 60, "escalated"), ("cleared", 60 * 2, ""),
    ]  # fmt: skip
    last = {r.recipient for r in memory.requests if r.transition == "cleared"}
    assert last == {
        "director_hospital@hospital:viet-tiep", "duty_health_province@31", "chair_province@31", "office_province@31", "head@OOG",
    }  # fmt: skip


@pytest.mark.parametrize(("act", "at", "left"), [("acknowledge", 10, []), ("acknowledge", 45, ["reminder", "escalated"])])
def test_an_answer_stops_it(act: str, at: int, left: list[str]) -> None:
    answer = Action(action_id="a", alert_id=ICU.alert_id, action=act, actor="x", office="", note="", until=0, acted_at=NOON, via="link")
    memory = Memory().run([opened_at(0), (at, answer), (4000, None)])
    assert [e.transition for e in memory.events if e.transition not in ("opened", "acknowledged")] == left


def test_late_reminders_are_not_made_up_for() -> None:
    """The process was away for an hour: one reminder, not two; the rungs are all told, each once."""
    memory = Memory()
    memory.life([opened_at(0)])
    memory.life([opened_at(0), (70, None)])
    assert [e.transition for e in memory.events] == ["opened", "reminder", "escalated", "escalated"]
