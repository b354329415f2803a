"""The group's offset goes with every commit of a lane that waits for nobody, seldom under pressure, and is always told in the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from tests.stream_processors.test_interpose import Fold, Record
from transport import lane_parts
from transport.lanes import Lane
from transport.transactions import Rows

FIRST, RECORDS = 5, 40
"""`Fold` begins at offset 5."""


class Writer:
    """Remembers where each commit ended and whether the group's offset went along."""

    def __init__(self) -> None:
        self.said: list[tuple[int, int, bool]] = []

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def commit(self, source: tuple[str, int], next_offset: int, rows: Sequence[Rows], *, with_offset: bool = True) -> None:
        await asyncio.sleep(0.001)
        self.said.append((next_offset, len(rows), with_offset))


async def _written(turns: int) -> list[tuple[int, int, bool]]:
    """Commits of a lane that gets a record at a time, with so many turns for all; `True`: the offset went along."""
    writer = Writer()
    lane = Lane(("t", 0), Fold(), writer, asyncio.Semaphore(turns), dense=True)
    await lane.opened()
    for offset in range(FIRST, FIRST + RECORDS):
        await lane.put([Record(offset)])
        while not writer.said or writer.said[-1][0] <= offset:
            await asyncio.sleep(0)
    ends = time.monotonic() + 10
    while not writer.said[-1][2] and time.monotonic() < ends:
        await asyncio.sleep(0.01)
    await lane.close()
    return writer.said


def test_with_every_commit_where_nobody_waits() -> None:
    said = asyncio.run(_written(turns=2))
    assert [end for end, rows, with_offset in said if with_offset and rows] == list(range(FIRST + 1, FIRST + RECORDS + 1))


def test_once_in_a_while_under_pressure_and_alone_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_parts, "OFFSET_SECONDS", 0.5)
    began = time.monotonic()
    said = asyncio.run(_written(turns=1))
    told, most = sum(with_offset for *_, with_offset in said), (time.monotonic() - began) / 0.5 + 1
    assert [end for end, rows, _ in said if rows] == list(range(FIRST + 1, FIRST + RECORDS + 1))
    assert 1 <= told <= most
    assert said[-1] == (FIRST + RECORDS, 0, True), "the lane at rest owes nothing"


def test_a_lane_tells_what_its_former_owner_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_parts, "OFFSET_SECONDS", 0.05)

    async def opened() -> list[tuple[int, int, bool]]:
        writer = Writer()
        lane = Lane(("t", 0), Fold(), writer, asyncio.Semaphore(1), dense=True)
        await lane.opened()
        ends = time.monotonic() + 10
        while not writer.said and time.monotonic() < ends:
            await asyncio.sleep(0.01)
        await lane.close()
        return writer.said

    assert asyncio.run(opened()) == [(FIRST, 0, True)]
