"""Work between two commits of a lane: in order, told when it is committed, told when it changed nothing or the partition went."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from transport.lane_parts import LaneClosed, NotDone
from transport.lanes import Lane
from transport.transactions import Rows


class Record(NamedTuple):
    offset: int


class Writer:
    """Remembers what was committed, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[int, list[str]]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def commit(self, source: tuple[str, int], next_offset: int, rows: Sequence[Rows]) -> None:
        await self.open.wait()
        self.said.append((next_offset, [some.topic for some in rows]))


class Fold:
    """Says what was folded."""

    def restore(self) -> int:
        return 5

    def fold(self, records: Sequence[Any], first: int, next_offset: int) -> list[Rows]:
        return [Rows(f"fold {first}-{next_offset}", 0)]

    def refuse(self, record: Any, first: int, next_offset: int) -> list[Rows]:
        return []

    def due_at(self) -> float | None:
        return None

    def settle(self, position: int) -> list[Rows]:
        return []


async def _in_order() -> Writer:
    writer = Writer()
    lane = Lane(("t", 0), Fold(), writer, asyncio.Semaphore(1), dense=True)
    assert await lane.opened() == 5
    await lane.put([Record(5), Record(6)])

    async def work(position: int) -> list[list[Rows]]:
        return [[Rows(f"first at {position}", 0)], [Rows("second", 0)]]

    async def nothing(position: int) -> list[list[Rows]]:
        raise NotDone from ValueError("not now")

    await lane.interpose(work)
    with pytest.raises(ValueError, match="not now"):
        await lane.interpose(nothing)
    await lane.put([Record(7)])
    while len(writer.said) < 4:
        await asyncio.sleep(0)
    await lane.close()
    return writer


@pytest.mark.timeout(20)
def test_work_stands_between_commits_and_the_lane_goes_on() -> None:
    said = asyncio.run(asyncio.wait_for(_in_order(), 10)).said
    places = [topics[0] for _, topics in said]
    first = next(i for i, name in enumerate(places) if name.startswith("first at"))
    assert places[first + 1] == "second", "nothing is folded between the parts of one work"
    assert places[first] == f"first at {said[first][0]}"
    assert sorted(places) == sorted(["fold 5-7", "fold 7-8", places[first], "second"])


async def _closed() -> None:
    writer = Writer()
    lane = Lane(("t", 0), Fold(), writer, asyncio.Semaphore(1), dense=True)
    await lane.opened()
    began = asyncio.Event()

    async def endless(position: int) -> list[list[Rows]]:
        began.set()
        await asyncio.sleep(60)
        return []

    asked = asyncio.create_task(lane.interpose(endless))
    await began.wait()
    await lane.close()
    with pytest.raises(LaneClosed):
        await asked
    assert writer.said == []


@pytest.mark.timeout(20)
def test_a_lane_that_is_given_up_tells_who_waits() -> None:
    asyncio.run(asyncio.wait_for(_closed(), 10))


class Waiting(Fold):
    """Wants a turn later, so its lane waits for inputs with a deadline; says whether it folded."""

    folded = False

    def due_at(self) -> float | None:
        return time.monotonic() + 60

    def fold(self, records: Sequence[Any], first: int, next_offset: int) -> list[Rows]:
        self.folded = True
        return super().fold(records, first, next_offset)


async def _given_up_as_inputs_come() -> tuple[Waiting, Writer]:
    fold, writer = Waiting(), Writer()
    lane = Lane(("t", 0), fold, writer, asyncio.Semaphore(1), dense=True)
    await lane.opened()
    await asyncio.sleep(0.01)
    await lane.put([Record(5)])  # in the same step of the loop: the wait is over and is cancelled
    await lane.close()
    await asyncio.sleep(0.01)
    return fold, writer


@pytest.mark.timeout(20)
def test_a_lane_given_up_as_inputs_come_folds_nothing_more() -> None:
    fold, writer = asyncio.run(asyncio.wait_for(_given_up_as_inputs_come(), 10))
    assert not fold.folded
    assert writer.said == []
