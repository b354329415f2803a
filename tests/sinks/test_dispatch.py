"""What one request to the coordinator holds: the plans of batches, and beside them the ends of what is in ClickHouse already."""

from __future__ import annotations

import time
from typing import Any, cast

from confluent_kafka import TopicPartition

from sinks.consumer import Sink
from sinks.lane import Lane
from sinks.tables import Route
from sinks.writer import Batch, Written
from tests.sinks.messages import message

ROUTE = Route("observations", "avro", "observation", key="series")


class Coordinator:
    """Takes every commit but those of `refused` partitions."""

    def __init__(self) -> None:
        self.requests: list[list[tuple[int, int, str]]] = []
        self.refused: set[int] = set()

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition]:
        assert not asynchronous
        self.requests.append([(one.partition, one.offset, one.metadata or "") for one in offsets])
        return [one for one in offsets if one.partition not in self.refused]


class Silent:
    """An observer that wants to know nothing."""

    def written(self, batch: Batch, written: Written) -> None:
        """Nothing."""

    def turned(self, lanes: int, buffered: int, paused: bool) -> None:
        """Nothing."""


def sink(coordinator: Coordinator, *lanes: Lane) -> Sink:
    made = Sink(cast(Any, coordinator), cast(Any, None), {}, {}, lambda: cast(Any, None), Silent())
    made._lanes = {(lane.topic, lane.partition): lane for lane in lanes}
    made._pool.shutdown()
    made._pool = cast(Any, Handed())
    return made


class Handed:
    """In place of the writers' threads."""

    def submit(self, *_: Any) -> None:
        """Never done."""


def lane(partition: int, *, settle: int = -1, offsets: tuple[int, ...] = ()) -> Lane:
    one = Lane("obs.trade", partition, ROUTE, "1.abc", settle=settle)
    for offset in offsets:
        one.add([message(offset, partition=partition)], 0.0)
    return one


def test_the_ends_of_what_is_stored_go_with_the_plans_of_others() -> None:
    coordinator, stored, planned, idle = Coordinator(), lane(1, settle=6), lane(2, settle=4, offsets=(4, 5)), lane(3)
    one = sink(coordinator, stored, planned, idle)
    one._dispatch(time.monotonic(), full=True)
    assert coordinator.requests == [[(2, 4, '{"end":5}'), (1, 6, "")]]
    assert (stored.settle, planned.under_way is not None) == (-1, True)


def test_an_end_that_was_not_taken_is_committed_again() -> None:
    coordinator, stored, planned = Coordinator(), lane(1, settle=6), lane(2, offsets=(4, 5))
    coordinator.refused = {1, 2}
    one = sink(coordinator, stored, planned)
    one._dispatch(time.monotonic(), full=True)
    assert (stored.settle, planned.under_way, planned.count) == (6, None, 2)
    coordinator.refused = set()
    one._settle([stored])
    assert (coordinator.requests[-1], stored.settle) == ([(1, 6, "")], -1)
    one._settle([stored])
    assert len(coordinator.requests) == 2, "nothing to commit, nothing asked"
