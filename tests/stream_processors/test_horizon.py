"""The horizon moves when inputs are folded and operands are read, and not before; on a real broker too."""

from __future__ import annotations

from collections.abc import Mapping, Set

import pytest
from confluent_kafka import TopicPartition

from stream_processors.horizon import STALLED_SECONDS, Horizon
from transport import topic_admin
from transport.kafka_clients import CountingProducer, consumer, producer, transactional_producer
from transport.settings import Settings
from transport.tail import Tail

Place = tuple[str, int]
LANE = ("operands.finance_budget", 1)


class Lane:
    """A lane of stage 2 in which something waits."""

    def __init__(self) -> None:
        self.place, self.feeds, self.folded_to, self.waits = LANE, {"obs.finance_budget"}, 7, True
        self.horizon = 0.0


class Inputs:
    """A broker as the test says. `left`: what is unfolded at each look; the last stays."""

    def __init__(self, left: list[dict[Place, int]], unread: bool = False) -> None:
        self.left, self.unread, self.log = left, unread, list[str]()

    def ends(self, topics: Set[str]) -> dict[Place, int]:
        self.log.append(f"ends of {','.join(sorted(topics))}")
        return {("obs.finance_budget", 0): 10}

    def unfolded(self, ends: Mapping[Place, int]) -> dict[Place, int]:
        self.log.append("unfolded")
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def exhausted(self, positions: Mapping[Place, int]) -> set[Place]:
        self.log.append(f"exhausted at {positions[LANE]}")
        return set() if self.unread else set(positions)

    def close(self) -> None:
        self.log.append("closed")


class Clock:
    """Two seconds pass at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 2.0
        return self.now


def test_ends_are_noted_first_and_the_horizon_is_that_moment() -> None:
    inputs, lane = Inputs([{("obs.finance_budget", 0): 3}, {}]), Lane()
    horizon = Horizon(inputs, Clock())
    horizon.join(lane)
    assert lane.horizon == float("-inf")
    horizon.look([lane])
    assert inputs.log == ["ends of obs.finance_budget", "unfolded", "unfolded", "exhausted at 7"]
    assert lane.horizon == 2.0


def test_operands_that_the_lane_has_not_read_hold_it_back() -> None:
    lane = Lane()
    Horizon(Inputs([{}], unread=True), Clock()).look([lane])
    assert lane.horizon == 0.0


def test_inputs_that_nobody_folds_hold_nothing_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_processors.horizon.ROUND_SECONDS", 0.0)
    inputs, lane, clock = Inputs([{("obs.finance_budget", 0): n} for n in (9, 6, 3)]), Lane(), Clock()
    Horizon(inputs, clock).look([lane])
    assert lane.horizon == 2.0
    assert clock.now > STALLED_SECONDS
    assert inputs.log.count("unfolded") > 3, "as long as something moves, it waits"


@pytest.mark.stack
def test_the_tail_knows_what_is_unfolded_and_that_a_marker_is_nothing_to_read(settings: Settings) -> None:
    obs, operands = f"{settings.topic_prefix}obs.finance_budget", f"{settings.topic_prefix}operands.finance_budget"
    topic_admin.apply(settings, names=("obs.finance_budget", "operands.finance_budget"))
    out = CountingProducer(producer(settings))
    for n in range(5):
        out.publish(obs, b"k", b"%d" % n, partition=1)
    out.flush()
    stage = transactional_producer(settings, "stage1")
    stage.begin_transaction()
    stage.produce(operands, b"one", partition=0)
    stage.commit_transaction(20)
    tail = Tail(settings, "worker")
    try:
        ends = tail.ends({obs})
        assert ends == {(obs, 0): 0, (obs, 1): 5}
        assert tail.unfolded(ends) == {(obs, 1): 5}
        member = consumer(settings, "worker")
        member.commit(offsets=[TopicPartition(obs, 1, 3)], asynchronous=False)
        assert tail.unfolded(ends) == {(obs, 1): 2}
        member.commit(offsets=[TopicPartition(obs, 1, 5)], asynchronous=False)
        member.close()
        assert tail.unfolded(ends) == {}
        assert tail.exhausted({(operands, 0): 0, (operands, 1): 0}) == {(operands, 1)}
        assert tail.exhausted({(operands, 0): 1}) == {(operands, 0)}, "at 1 lies the marker alone"
    finally:
        tail.close()
