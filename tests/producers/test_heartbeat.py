"""The heartbeat as a source: one beat an interval by the clock, none made up for, and one the door lets in."""

from __future__ import annotations

from datetime import timedelta

from indicators.heartbeat import beat
from indicators.rule import RuleBook
from producers.clock import FixedClock
from producers.contract import START, Fetched
from producers.heartbeat import EVERY, Heartbeat, interval
from tests.producers.support import DOOR
from transport.settings import HOME

NOON = 1_790_830_800_000


def test_one_beat_an_interval() -> None:
    clock = FixedClock(NOON)
    source = Heartbeat(clock, timedelta(minutes=1))
    first = source.fetch(START)
    assert [o.event_time for o in first.observations] == [NOON]
    assert source.fetch(first.position) == Fetched([], [], first.position)
    clock.now += 3 * 60_000 + 1  # the broker was away: the present is told, not the past
    assert [o.event_time for o in source.fetch(first.position).observations] == [clock.now]
    clock.now = NOON - 1  # the machine's clock was set back
    assert len(source.fetch(first.position).observations) == 1


def test_the_interval_is_the_watchdogs() -> None:
    assert interval(RuleBook.load(HOME)) == timedelta(minutes=1)
    assert interval(RuleBook([])) == EVERY


def test_the_door_knows_the_beat() -> None:
    assert DOOR.group(beat(NOON)) == "emergency"
