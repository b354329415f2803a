"""Calls that wait for a group: answered where it answers, left in time where it does not and the process is to stop."""

from __future__ import annotations

import threading
import time

import pytest
from structlog.testing import capture_logs

from transport.group_calls import UNANSWERED_SECONDS, GroupCalls, Unanswered, leave
from transport.kafka_clients import consumer
from transport.settings import Settings


class Hangs:
    """As librdkafka in a rebalance that does not end."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def close(self) -> None:
        self.let_go.wait(30)


class Fails:
    def close(self) -> None:
        raise RuntimeError("closed before")


def test_a_group_that_does_not_let_go_is_left_in_time_and_named() -> None:
    member, began = Hangs(), time.monotonic()
    with capture_logs() as lines:
        assert not leave(member, "sink", 0.2)
    assert time.monotonic() - began < 10
    assert [(line["log_level"], line["group"]) for line in lines] == [("warning", "sink")]
    member.let_go.set()


def test_what_closing_raises_is_raised() -> None:
    with pytest.raises(RuntimeError, match="closed before"):
        leave(Fails(), "sink")


@pytest.mark.stack
def test_a_member_is_closed(settings: Settings) -> None:
    member = consumer(settings, "leaves", instance="leaves-0")
    member.subscribe([settings.topic_prefix + "nothing"])
    member.poll(0.1)
    assert leave(member, "leaves")
    with pytest.raises(RuntimeError):
        member.poll(0)


def test_a_call_is_waited_for_until_some_time_after_the_stop_and_the_next_comes_behind_it() -> None:
    calls, stop, let_go, order = GroupCalls("sink"), threading.Event(), threading.Event(), list[str]()

    def hangs() -> None:
        let_go.wait(30)
        order.append("commit")

    assert calls.ask(lambda: 7, stop) == 7
    with pytest.raises(TimeoutError, match="its own"):
        calls.ask(lambda: raises(TimeoutError("its own")), stop)
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Unanswered, match="group sink"):
        calls.ask(hangs, stop)
    assert time.monotonic() - began > UNANSWERED_SECONDS
    member = Hangs()
    member.let_go.set()
    assert not calls.leave(member, lambda: order.append("last"), 0.2)
    let_go.set()
    ends = time.monotonic() + 10
    while order != ["commit", "last"] and time.monotonic() < ends:
        time.sleep(0.02)
    assert order == ["commit", "last"]


def test_a_member_is_closed_where_the_last_call_failed() -> None:
    member = Closes()
    with pytest.raises(ValueError, match="refused"):
        GroupCalls("sink").leave(member, lambda: raises(ValueError("refused")))
    assert member.closed


def raises(error: Exception) -> None:
    raise error


class Closes:
    closed = False

    def close(self) -> None:
        self.closed = True
