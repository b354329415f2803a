"""Reading ahead: the same batches in the same order, one of them early, and no thread is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from transport.state_reader import ahead


def numbered(count: int, made: list[int], fails_at: int = -1) -> Iterator[list[int]]:
    for number in range(count):
        if number == fails_at:
            raise LookupError(f"batch {number}")
        made.append(number)
        yield [number]


def reading() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_every_batch_comes_once_in_order_and_the_next_is_made_meanwhile() -> None:
    made: list[int] = []
    second = threading.Event()

    def told() -> Iterator[list[int]]:
        for batch in numbered(5, made):
            if batch == [1]:
                second.set()
            yield batch

    batches = ahead(told())
    assert next(batches) == [0]
    assert second.wait(5)  # while this one is worked on
    assert [*batches] == [[1], [2], [3], [4]]
    assert made == [0, 1, 2, 3, 4]
    assert reading() == []


def test_what_goes_wrong_in_it_is_raised_in_its_place() -> None:
    batches = ahead(numbered(5, [], fails_at=2))
    assert [next(batches), next(batches)] == [[0], [1]]
    with pytest.raises(LookupError, match="batch 2"):
        next(batches)
    assert reading() == []


def test_left_early_it_ends_its_thread() -> None:
    made: list[int] = []
    for batch in ahead(numbered(5, made)):
        assert batch == [0]
        break
    assert reading() == []
    assert len(made) <= 3
