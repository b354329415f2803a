"""Lanes: when a batch closes, what it holds, and how a planned range comes again."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from sinks import lane as lanes
from sinks.lane import Lane, cuts
from sinks.pace import INSERTS_PER_SECOND, SHORTEST_LINGER, Pace, linger
from sinks.plan import Plan
from sinks.tables import Route
from tests.sinks.messages import message

END = KafkaError(KafkaError._PARTITION_EOF)
ROUTE = Route("observations", "avro", "observation", key="series")


def lane(repeat: Plan | None = None) -> Lane:
    return Lane("obs.trade", 3, ROUTE, "1.abc", repeat)


def filled(one: Lane, *offsets: int, now: float = 10.0) -> Lane:
    for offset in offsets:
        one.add([message(offset)], now)
    return one


def test_a_run_ends_with_its_partition_its_topic_and_at_every_error() -> None:
    places = [("a", 1), ("a", 1), ("b", 1), ("b", 2), ("b", 2), ("b", 2), ("a", 2)]
    errors = [False, False, False, False, True, False, False]
    read = [message(n, topic=t, partition=p, error=END if e else None) for n, ((t, p), e) in enumerate(zip(places, errors, strict=True))]
    assert cuts(read) == [2, 3, 4, 5, 6]
    assert cuts([message(n) for n in range(5)]) == []
    assert cuts([message(0, error=END)]) == [0, 1]
    assert cuts([]) == []


def test_a_batch_closes_after_its_linger_and_holds_first_and_last() -> None:
    one = filled(lane(), 4, 5, 9)
    assert not one.ready(10.2, 0.3)
    assert one.ready(10.3, 0.3)
    batch = one.close()
    assert batch is not None
    assert (batch.plan, len(batch.messages), batch.token) == (Plan(4, 9), 3, "1.abc-obs.trade-3-4-9")
    assert not one.ready(99.0, 0.3), "one batch under way a lane"


def test_a_full_batch_closes_at_once_and_takes_no_more_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MAX_ROWS", 2)
    one = filled(lane(), 1, 2, 3)
    assert one.ready(10.0, 9.0)
    batch = one.close()
    assert batch is not None
    assert (batch.plan, one.count) == (Plan(1, 2), 1)


def test_a_partition_that_is_behind_closes_larger_batches_until_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "FLOOD_ROWS", 3)
    one = lane()
    one.end_reached()
    filled(one, 1, 2)
    assert one.ready(10.3, 0.3), "few messages: fresh"
    filled(one, 3)
    assert not one.ready(10.9, 0.3)
    assert one.ready(10.0, 0.0), "the buffer is full: nothing waits"
    assert one.ready(11.0, 0.3)
    assert one.ready(12.0, 2.0)
    assert not one.ready(11.9, 2.0), "many partitions: their linger is the longer"
    one.end_reached()
    assert one.ready(10.3, 0.3), "nothing more to wait for"
    filled(one, 4, now=10.3)
    assert not one.ready(10.3, 0.3), "behind again"


def test_what_lay_there_before_the_lane_was_opened_does_not_linger_again() -> None:
    one = filled(lane(), 4, 5)
    assert not one.ready(10.0, 3.0), "more of it may come"
    one.end_reached()
    assert one.ready(10.0, 3.0)
    one.close()
    one.done(10.1)
    filled(one, 6, now=11.0)
    assert not one.ready(11.1, 3.0), "from now on messages are new when they come"
    one.end_reached()
    assert not one.ready(11.1, 3.0)
    assert one.ready(14.0, 3.0)


def test_what_follows_a_left_plan_does_not_linger_again_either() -> None:
    one = filled(lane(Plan(4, 5)), 4, 5, 6)
    one.end_reached()
    batch = one.close() if one.ready(10.0, 3.0) else None
    assert batch is not None
    assert batch.plan == Plan(4, 5)
    one.done(10.1)
    assert one.ready(10.1, 3.0)
    following = one.close()
    assert following is not None
    assert following.plan == Plan(6, 6)


def test_bytes_bound_a_batch_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MAX_BYTES", 25)
    one = lane()
    for offset in range(5):
        one.add([message(offset, b"0123456789")], 10.0)
    batch = one.close()
    assert batch is not None
    assert (len(batch.messages), one.bytes) == (2, 30)


def test_a_left_plan_comes_again_alone_even_with_gaps() -> None:
    one = filled(lane(Plan(4, 8)), 5, 7)
    assert not one.ready(99.0, 0.3), "its end is not read yet"
    filled(one, 11)
    batch = one.close() if one.ready(99.0, 0.3) else None
    assert batch is not None
    assert (batch.plan, batch.messages.offsets.tolist()) == (Plan(4, 8), [5, 7])


def test_a_left_plan_is_complete_at_the_end_of_the_partition() -> None:
    one = filled(lane(Plan(4, 8)), 5)
    one.end_reached()
    assert one.ready(10.0, 0.3)


def test_a_left_plan_of_which_nothing_is_left_is_settled() -> None:
    one = lane(Plan(4, 8))
    one.end_reached()
    assert one.close() is None
    assert (one.settle, one.repeat) == (9, None)


@pytest.mark.parametrize("repeated", [False, True])
def test_what_could_not_be_planned_goes_back_in_order(repeated: bool) -> None:
    one = filled(lane(Plan(4, 5) if repeated else None), 4, 5, 6 if repeated else 5)
    batch = one.close()
    assert batch is not None
    filled(one, 7)
    one.put_back(batch, repeated)
    assert [offset for part in one.parts for offset in part.offsets.tolist()][:2] == [4, 5]
    assert one.count == len(batch.messages) + 1 + repeated
    assert one.repeat == (Plan(4, 5) if repeated else None)
    assert one.under_way is None


def test_an_idle_lane_settles_its_end_once() -> None:
    one = filled(lane(), 4)
    one.close()
    one.done(20.0)
    assert not one.idle(20.5, 1.0)
    assert one.idle(21.0, 1.0)
    assert one.settle == 5
    filled(one, 6)
    assert not one.idle(30.0, 1.0), "something waits: its plan will say where"


def test_many_active_partitions_stay_within_the_inserts_a_second() -> None:
    assert linger(1) == SHORTEST_LINGER
    for active in (20, 100, 262):
        assert active / linger(active) <= INSERTS_PER_SECOND


def test_the_pace_lets_a_second_through_and_no_more() -> None:
    pace = Pace(0.0)
    assert sum(pace.take(0.0) for _ in range(100)) == INSERTS_PER_SECOND
    assert sum(pace.take(0.5) for _ in range(100)) == INSERTS_PER_SECOND // 2
