"""Alerts at rest: which they are, that a start does not read them, and that they are read when something comes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerts.alert import Alert
from alerts.alert_book import AlertBook, Kept, Rest, Resting, rest_in, rest_of, told_apart
from alerts.inquiry import Inquiry
from alerts.lifecycle import State
from alerts.restore import RestoreError
from tests.alerts.samples import HOUR, NOON
from tests.alerts.test_story import WHOLE, act, run, story


def ended() -> Alert:
    current = run(WHOLE)[-1].current
    assert current is not None
    return current


def attended(attention: str) -> Alert:
    alert = ended()
    return replace(alert, state=State(alert.state.condition, attention))


def never() -> Alert:
    raise AssertionError("was read")


def counted(alert: Alert, reads: list[str]) -> Callable[[], Alert]:
    def read() -> Alert:
        reads.append(alert.alert_id)
        return alert

    return read


def test_what_has_ended_rests_and_says_so_in_its_row() -> None:
    alert = ended()
    rest = rest_of(alert)
    assert rest == Rest(alert.event_id, alert.evidence.rule, alert.evidence.series, alert.opened_at, alert.memory.attention_since)
    assert rest_in(rest.bytes()) == rest


def asked(urged_at: int = 0) -> Alert:
    alert = ended()
    one = Inquiry(
        id="q", alert_id=alert.alert_id, kind="data_query", to_agency="H26", text_vi="", drafted_at=NOON, state="issued", issued_at=NOON,
        due_at=NOON + HOUR, urged_at=urged_at,
    )  # fmt: skip
    return replace(alert, memory=replace(alert.memory, inquiries=(one,)))


@pytest.mark.parametrize("alert", [run(WHOLE[:1])[-1].current, attended("shelved"), attended("suppressed"), asked()])
def test_what_holds_or_waits_does_not_rest(alert: Alert) -> None:
    assert rest_of(alert) is None


def test_an_answer_that_was_urged_waits_for_people_alone() -> None:
    assert rest_of(asked(urged_at=NOON + 2 * HOUR)) is not None


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b'["e","r","s",1]', b'["e","r","s","1",2]', b'["e","r","s",1,2,3]', b"7", b"\xff"])
def test_a_rest_that_cannot_be_read_is_none(said: bytes) -> None:
    assert rest_in(said) is None


def test_a_start_reads_what_is_awake_alone_and_knows_who_was_told_lately() -> None:
    alert, reads = ended(), list[str]()
    rest = rest_of(alert)
    assert rest is not None
    rows = [
        Kept("old", rest.bytes(), alert.memory.bytes(), never),
        Kept("new", rest._replace(risen_at=NOON + HOUR).bytes(), alert.memory.bytes(), never),
        Kept("awake", b"", b"", counted(alert, reads)),
    ]
    awake, resting = told_apart(rows, NOON + HOUR)
    assert awake == [alert]
    assert reads == [alert.alert_id]
    assert {alert_id: bool(one.told) for alert_id, one in resting.items()} == {"old": False, "new": True}
    rises = list(AlertBook(awake, resting).rises())
    assert rises == [(rest.risen_at, rest.rule, alert.memory.told), (NOON + HOUR, rest.rule, alert.memory.told)]


def test_one_whose_memory_is_broken_is_read_for_that_says_where() -> None:
    alert = ended()
    rest = rest_of(alert)
    assert rest is not None

    def read() -> Alert:
        raise RestoreError("alerts.current [1] 7: memory")

    with pytest.raises(RestoreError, match=r"alerts\.current \[1\] 7"):
        told_apart([Kept("a", rest.bytes(), b"{", read)], rest.risen_at)


def test_looking_one_up_reads_it_once() -> None:
    alert, reads = ended(), list[str]()
    rest = rest_of(alert)
    assert rest is not None
    book = AlertBook([], {alert.alert_id: Resting(rest, (), counted(alert, reads)), "other": Resting(rest, (), never)})
    assert alert.alert_id in book
    assert (len(book), list(book.standing()), [*book.event_ids()]) == (2, [], [alert.event_id] * 2)
    assert not reads
    assert book[alert.alert_id] == book[alert.alert_id] == alert
    assert reads == [alert.alert_id]
    assert book.get("nobody") is None
    del book["other"]
    assert list(book) == [alert.alert_id]


def test_an_act_and_its_undoing_on_one_at_rest() -> None:
    alert, reads = ended(), list[str]()
    rest = rest_of(alert)
    assert rest is not None
    tale = story()
    tale.restore([], [], {alert.alert_id: Resting(rest, (), counted(alert, reads))})
    done = tale.on_action(act("acknowledge"), NOON + 2 * HOUR)
    assert done.before == alert
    tale.undo(done)
    assert tale.alerts[alert.alert_id] == alert
    assert reads == [alert.alert_id]
