"""The story, fed row by row: what is told, to whom, once; and nothing on reading again."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.action import Action
from alerts.alert import Alert, restored
from alerts.alert_book import Kept, rest_of, told_apart
from alerts.audience import Audience
from alerts.condition import Condition, ConditionError
from alerts.escalation import Rungs
from alerts.ids import condition_cause, event_id
from alerts.messages import Messages
from alerts.offices import load_offices, unknown_offices
from alerts.story import Effects, Story
from alerts.telling import Telling
from alerts.timers import Timers
from indicators.calendar import WorkingCalendar
from indicators.rule import RuleBook
from tests.alerts.samples import HOUR, ICU, NOON, RIVER, SLOW, after
from tests.alerts.test_messages import Names
from transport.settings import HOME

RULES = RuleBook.load(HOME)
OFFICES = load_offices(HOME)


def story() -> Story:
    names = Names()
    timers = Timers(Rungs(names, WorkingCalendar()))
    return Story(RULES, Messages(names), Telling(RULES, Audience(OFFICES, names)), timers)


def act(action: str, n: int = 1, **changes: object) -> Action:
    base = Action(
        action_id=f"act-{action}-{n}", alert_id=RIVER.alert_id, action=action, actor="Trần Thị Bình", office="duty_government_office@VN",
        note="đã báo xã ven sông", until=0, acted_at=NOON + HOUR, via="command",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


WORSE = after(RIVER, transition="worse", severity=4, severity_before=3, level="bd3", limit=Decimal("11.5"), value=Decimal("11.6"))
BETTER = after(WORSE, transition="better", severity=3, severity_before=4, level="bd2")
CLEARED = after(BETTER, transition="cleared", severity=0, severity_before=3, level="")
WHOLE = [RIVER, WORSE, BETTER, CLEARED]


def run(rows: list[Condition], tale: Story | None = None) -> list[Effects]:
    tale = tale or story()
    return [tale.on_condition(row, NOON + 500) for row in rows]


def reread(tale: Story) -> Story:
    """A new process: state from what the old one wrote, through the records."""
    other = story()
    rows = (
        Kept(key, rest.bytes() if (rest := rest_of(a)) else b"", a.memory.bytes(), partial(restored, a.record(), a.memory.bytes()))
        for key, a in tale.alerts.items()
    )
    awake, resting = told_apart(rows, NOON + 10 * 365 * 86_400_000)
    other.restore(awake, [], resting)
    return other


def test_one_message_per_change_recipient_and_channel() -> None:
    effects = run(WHOLE)
    assert [e.outcome for e in effects] == ["opened", "worse", "better", "cleared"]
    told = [{(n.recipient, n.channel) for n in e.requests} for e in effects]
    assert told[0] == {(o, c) for o in ("duty_civil_defence_province@01", "chair_province@01") for c in ("console", "email", "webhook")}
    assert told[1] == told[2] == told[3] == told[0]  # who heard of the worst hears of the end
    keys = [n.notification_key for e in effects for n in e.requests]
    assert len(keys) == len(set(keys)) == 24
    assert effects[0].requests[0].text.startswith("Kính gửi: Trực ban Ban Chỉ huy phòng thủ dân sự Thành phố Hà Nội\n")
    addresses = {n.address for n in effects[0].requests if n.channel == "email"}
    assert addresses == {"truc-ban-pctt-01@example.vn", "chu-tich-ubnd-01@example.vn"}


def test_ids_are_those_of_the_contract() -> None:
    (opened,) = run([RIVER])
    assert opened.event is not None
    cause = condition_cause(RIVER.series, RIVER.period_start, RIVER.revision, RIVER.severity)
    assert cause == f"{RIVER.series}|{RIVER.period_start}|0|3"
    assert (opened.event.cause, opened.event.event_id) == (cause, event_id(RIVER.alert_id, "opened", cause))
    assert opened.event.event_id == "ddd3ab89-5161-5056-a6a4-a10deca66bdc"  # another value would tell every old change again


def test_the_event_carries_the_evidence() -> None:
    (opened,) = run([SLOW])
    assert opened.event is not None
    record = opened.event.record()
    names = (
        "value limit gap numerator denominator period_start period_end comparison source_topic source_partition source_offset "
        "source_record_id since rule_version agency status revision"
    )
    for name in names.split():
        assert record[name] == getattr(SLOW, name)
    assert (record["condition"], record["attention"], record["opened_at"]) == ("active", "unacknowledged", NOON + 500)


def test_reading_again_from_the_beginning_tells_nothing() -> None:
    tale = story()
    run(WHOLE, tale)
    again = run(WHOLE, tale) + run(WHOLE, reread(tale))
    assert {e.outcome for e in again} == {"stale"}
    assert not any(e.requests or e.event or e.current for e in again)


def test_two_rows_of_one_alert_with_one_mark_and_again() -> None:
    worse = replace(WORSE, through=RIVER.through)
    tale = story()
    assert [e.outcome for e in run([RIVER, worse], tale)] == ["opened", "worse"]
    assert [e.outcome for e in run([RIVER, worse], tale)] == ["stale", "stale"]


def test_a_change_that_truly_recurs_within_a_period_is_told_again() -> None:
    """Worse, better, worse in one period, no revision: the same cause three rows later is a new fact."""
    first = replace(WORSE, period_start=RIVER.period_start)
    back = after(first, transition="better", severity=3, period_start=RIVER.period_start)
    second = after(back, transition="worse", severity=4, period_start=RIVER.period_start)
    effects = run([RIVER, first, back, second])
    assert [e.outcome for e in effects] == ["opened", "worse", "better", "worse"]
    ids = [e.event.event_id for e in effects if e.event]
    assert len(set(ids)) == 4
    tale = story()
    once = [e.event.event_id for e in run([RIVER, first, back, second], tale) if e.event]
    assert once == ids  # the same ids wherever it is computed
    assert {e.outcome for e in run([RIVER, first, back, second], reread(tale))} == {"stale"}


def test_a_recomputation_of_the_same_facts_is_not_told() -> None:
    """A replayed generation says the same: evidence and mark move on, the story does not."""
    tale = story()
    run([RIVER, WORSE, BETTER], tale)
    effects = run([replace(row, generation=1) for row in (WORSE, BETTER)], tale)
    assert [e.outcome for e in effects] == ["unchanged", "unchanged"]
    assert not any(e.requests or e.event for e in effects)
    assert tale.alerts[RIVER.alert_id].evidence.mark == (1, BETTER.through)
    assert {e.outcome for e in run([RIVER, WORSE, BETTER], reread(tale))} == {"stale"}


def test_rows_that_came_late_are_dropped() -> None:
    tale = story()
    assert [e.outcome for e in run([RIVER, CLEARED, WORSE, BETTER], tale)] == ["opened", "cleared", "stale", "stale"]


def test_first_met_as_worse_is_opened_and_first_met_as_cleared_is_told_to_nobody() -> None:
    assert [e.outcome for e in run([WORSE])] == ["opened"]
    (over,) = run([CLEARED])
    assert (over.outcome, over.requests) == ("cleared", [])
    assert over.event is not None


@pytest.mark.parametrize("mode", ["replay", "backfill"])
def test_replay_and_backfill_are_recorded_not_sent(mode: str) -> None:
    (opened,) = run([replace(RIVER, mode=mode)])
    assert {(n.state, n.reason) for n in opened.requests} == {("recorded", mode)}


def test_a_correction_takes_the_reason_away_cancelled_is_not_cleared() -> None:
    right = after(RIVER, transition="corrected", revision=1, severity=0, severity_before=3, value=Decimal("9.2"), level="")
    effects = run([RIVER, right])
    assert [e.outcome for e in effects] == ["opened", "cancelled"]
    assert all(n.title.startswith("Đính chính") for n in effects[1].requests)
    assert effects[1].requests


def test_no_office_at_the_place_goes_to_the_operator_with_the_reason() -> None:
    (opened,) = run([replace(RIVER, territory="99")])
    assert {(n.recipient, n.reason) for n in opened.requests} == {("operations_centre@VN", "no_recipient")}


def test_an_unknown_rule_goes_to_the_operator() -> None:
    (opened,) = run([replace(RIVER, rule="KHONG-CO")])
    assert opened.event is not None
    assert opened.event.note == "unknown_rule"
    assert {(n.recipient, n.reason, n.lane) for n in opened.requests} == {("operations_centre@VN", "unknown_rule", "direct")}


def test_who_is_told_grows_with_severity() -> None:
    low = replace(SLOW, severity=2)
    names = {n.recipient for n in run([low])[0].requests}
    assert names == {"finance_department@31"}
    high = after(low, transition="worse", severity=4, severity_before=2)
    effects = run([low, high, after(high, transition="cleared", severity=0, severity_before=4)])
    assert {n.recipient for n in effects[1].requests} == {"finance_department@31", "chair_province@31"}
    assert {n.channel for n in effects[1].requests} == {"console", "email", "webhook"}
    assert {n.recipient for n in effects[2].requests} == {"finance_department@31", "chair_province@31"}


def test_acts_are_recorded_and_a_second_delivery_is_not() -> None:
    tale = story()
    run([RIVER], tale)
    outcomes = [tale.on_action(act(a), NOON + HOUR) for a in ("acknowledge", "explain", "comment")]
    assert [e.outcome for e in outcomes] == ["acknowledged", "explained", "commented"]
    first = outcomes[0].event
    assert first is not None
    assert (first.state.attention, first.note) == ("acknowledged", "đã báo xã ven sông")
    assert first.actor == "Trần Thị Bình (duty_government_office@VN)"
    assert first.sequence == 2
    again = tale.on_action(act("acknowledge"), NOON + HOUR)
    assert (again.outcome, again.event) == ("known", None)
    assert not any(e.requests for e in outcomes)


def test_worse_needs_attention_again() -> None:
    tale = story()
    run([RIVER], tale)
    tale.on_action(act("acknowledge"), NOON + HOUR)
    run([WORSE], tale)
    assert tale.alerts[RIVER.alert_id].state.attention == "unacknowledged"


def test_a_shelf_silences_what_happens_on_it_but_never_the_end() -> None:
    tale = story()
    run([RIVER, WORSE], tale)
    tale.on_action(act("shelve"), NOON + HOUR)
    better, cleared = run([BETTER, CLEARED], tale)
    assert {(n.state, n.reason) for n in better.requests} == {("recorded", "shelved")}
    assert {n.state for n in cleared.requests} == {"intended"}


def test_a_shelf_ends_at_its_time_also_after_a_restart() -> None:
    tale = story()
    run([RIVER, WORSE], tale)
    tale.on_action(act("shelve", until=NOON + HOUR), NOON)
    tale = reread(tale)
    (better,) = run([replace(BETTER, caused_at=NOON + HOUR)], tale)
    assert {n.state for n in better.requests} == {"intended"}
    assert tale.alerts[RIVER.alert_id].state.attention == "unacknowledged"


def test_closing_what_still_burns_is_refused_and_the_refusal_recorded() -> None:
    tale = story()
    run([RIVER], tale)
    refused = tale.on_action(act("close"), NOON)
    assert refused.outcome == "refused"
    assert refused.event is not None
    assert refused.event.note.startswith("còn vượt ngưỡng")
    run([WORSE, BETTER, CLEARED], tale)
    assert tale.on_action(act("close", 2), NOON).outcome == "closed"


def test_an_act_on_an_unknown_alert_is_named() -> None:
    with pytest.raises(ConditionError, match="no such alert"):
        story().on_action(act("acknowledge"), NOON)


def test_shipped_rules_name_only_offices_that_exist() -> None:
    assert unknown_offices(RULES, OFFICES) == []


@settings(max_examples=60, deadline=None)
@given(
    severities=st.lists(st.integers(0, 4), min_size=1, max_size=8), order=st.randoms(use_true_random=False),
    copies=st.integers(1, 3), restarts=st.lists(st.integers(0, 20), max_size=3),
)  # fmt: skip
def test_however_delivered_each_change_is_told_at_most_once(
    severities: list[int], order: random.Random, copies: int, restarts: list[int]
) -> None:
    rows: list[Condition] = []
    now = 0
    for n, severity in enumerate(severities):
        if severity == now:
            continue
        what = "cleared" if not severity else "opened" if not now else "worse" if severity > now else "better"
        rows.append(after(ICU, transition=what, severity=severity, severity_before=now, through=100 + n, period_start=NOON + n))
        now = severity
    delivered = [row for row in rows for _ in range(copies)]
    ordered = run(rows)
    order.shuffle(delivered)
    tale = story()
    told: Counter[str] = Counter()
    last: Alert | None = None
    for n, row in enumerate(delivered + rows):
        if n in restarts:
            tale = reread(tale)
        effects = tale.on_condition(row, NOON)
        told.update(x.notification_key for x in effects.requests)
        last = tale.alerts.get(row.alert_id)
    assert all(count == 1 for count in told.values())
    final = ordered[-1].current if ordered else None
    if final is not None:
        assert last is not None
        assert last.state.condition == final.state.condition
        assert replace(last.evidence, transition="") == replace(final.evidence, transition="")
