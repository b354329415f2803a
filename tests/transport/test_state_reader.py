"""Reading a partition to its end: told by the end's own event, never taken for one that is not there yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from transport import state_reader
from transport.state_reader import RestoreError, _read

TOPIC = "agg.trade"


class Reader:
    """A consumer that gives `turns`, one at each look: numbers are messages at that offset, texts errors, None nothing."""

    def __init__(self, *turns: list[Any]) -> None:
        self._turns, self._rest = list(turns), list[Any]()
        self.looks = 0

    def poll(self, seconds: float) -> Any:
        assert seconds <= state_reader._TURN_SECONDS
        self.looks += 1
        turn = self._turns.pop(0) if self._turns else []
        self._rest = [_event(one) for one in turn[1:]]
        return _event(turn[0]) if turn else None

    def consume(self, count: int, seconds: float) -> list[Any]:
        assert seconds == 0
        return self._rest

    def position(self, places: list[Any]) -> list[Any]:
        return [SimpleNamespace(offset=-1001)]


def _event(one: int | tuple[int, int]) -> Any:
    """A message at an offset, or (code, offset)."""
    if isinstance(one, int):
        return SimpleNamespace(error=lambda: None, offset=lambda: one)
    return SimpleNamespace(error=lambda: KafkaError(one[0], retriable=one[0] == KafkaError.LEADER_NOT_AVAILABLE), offset=lambda: one[1])


def end(offset: int) -> tuple[int, int]:
    return KafkaError._PARTITION_EOF, offset


def read(reader: Reader, until: int) -> list[list[int]]:
    found = _read(cast(Any, reader), TOPIC, 0, 0, until)
    return [[int(message.offset() or 0) for message in batch] for batch in found]


def test_a_marker_at_the_end_is_not_waited_for() -> None:
    reader = Reader([0, 1, 3, end(5)])
    assert read(reader, 5) == [[0, 1, 3]]
    assert reader.looks == 1


def test_a_partition_of_markers_alone_holds_nothing() -> None:
    assert read(Reader([end(4)]), 4) == []


def test_an_end_before_the_one_that_was_seen_is_none() -> None:
    """A transaction of another writer was open: what follows it is still to come."""
    reader = Reader([0, end(2)], [], [2, 3, end(6)])
    assert read(reader, 6) == [[0], [2, 3]]


def test_what_lies_behind_the_end_that_was_seen_is_left_out() -> None:
    assert read(Reader([0, 1], [2, 3, 4, end(5)]), 3) == [[0, 1], [2]]


def test_errors_that_do_not_pass_are_raised_and_others_left_out() -> None:
    assert read(Reader([0, (KafkaError.LEADER_NOT_AVAILABLE, 0)], [1]), 2) == [[0], [1]]
    with pytest.raises(KafkaException):
        read(Reader([(KafkaError.TOPIC_AUTHORIZATION_FAILED, 0)]), 2)


def test_silence_is_an_error_that_names_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_reader, "STALL_SECONDS", -1.0)
    with pytest.raises(RestoreError, match=r"agg\.trade-0"):
        read(Reader(), 2)
