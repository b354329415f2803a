"""A fetch that follows records which its lane never saw ends the process, also where markers make gaps of their own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from faust.types import TP

from tests.stream_processors.test_interpose import Fold, Writer
from transport.chunks import ChunkScheduler
from transport.lane_parts import Fetched
from transport.lanes import EXIT_LANE_FAILED, Lane

PLACE = TP("t", 0)


class Record(NamedTuple):
    offset: int
    timestamp: int = 0
    timestamp_type: int = 0


def some(*offsets: int) -> list[Any]:
    return [Record(offset) for offset in offsets]


def follows(scheduler: ChunkScheduler, *offsets: int) -> int:
    """What a fetch of these records follows."""
    ((_, chunk),) = scheduler.iterate({PLACE: some(*offsets)})
    assert isinstance(chunk.value, Fetched)
    return chunk.value.follows


def test_each_fetch_knows_what_it_follows() -> None:
    scheduler = ChunkScheduler()
    assert follows(scheduler, 3, 4) == 0, "the first of a life"
    assert follows(scheduler, 7, 9) == 5, "a marker lies between"
    assert follows(scheduler, 5, 6) == 0, "sent back by a rebalance"
    assert follows(scheduler, 7) == 7
    scheduler.iterate({PLACE: some(8, 9)})  # never taken out of the iterator
    assert follows(scheduler, 12) == 10


def ended(*fetches: Sequence[Any]) -> list[int]:
    """Statuses with which a lane at offset 5 of an input with markers ended the process."""
    statuses: list[int] = []

    async def run() -> None:
        writer = Writer()
        lane = Lane(("t", 0), Fold(), writer, asyncio.Semaphore(2), dense=False)
        await lane.opened()
        for fetch in fetches:
            await lane.put(list(fetch) if not isinstance(fetch, Fetched) else fetch)
        ends = time.monotonic() + 5
        while not statuses and sum(1 for _ in writer.said) < 1 and time.monotonic() < ends:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        if not statuses:
            await lane.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "_exit", statuses.append)
        asyncio.run(run())
    return statuses


def test_a_lane_folds_what_follows_it_and_what_comes_again() -> None:
    assert ended(Fetched(some(5, 6), 0), Fetched(some(8, 9), 7), Fetched(some(5, 6, 8), 0), Fetched(some(11), 9)) == []


def test_a_lane_ends_where_a_fetch_was_lost() -> None:
    assert ended(Fetched(some(8, 9), 7)) == [EXIT_LANE_FAILED]
