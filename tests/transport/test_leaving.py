"""A member leaves its group: closed where the client can, within its time where it cannot."""

from __future__ import annotations

import threading
import time

import pytest
from structlog.testing import capture_logs

from transport.kafka_clients import consumer
from transport.leaving import leave
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
