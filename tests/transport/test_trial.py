"""A message that ends the process each time it is folded becomes a dead letter; all others are folded once. And too many refusals stop."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from transport.lanes import Lane
from transport.refusal_limit import LEAST, WINDOW, RefusalLimit, TooManyRefused
from transport.transactions import Rows
from transport.trial import ALONE_TIMES, Trial

COUNT = 400
DIED = 9


class Record(NamedTuple):
    offset: int


class Store:
    """What the lives share: committed position and what was folded or refused, in a file, as transactions would leave it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {"next": 0, "folded": [], "refused": []}
        return found

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def commit(self, source: tuple[str, int], next_offset: int, rows: Sequence[Rows]) -> None:
        await asyncio.sleep(0.001)  # a fold that ends the process may come first
        state = self.read()
        for some in rows:
            state[some.topic] += [int(key) for key in some.keys]
        self.path.write_text(json.dumps(state | {"next": next_offset}))


class Fold:
    """Ends the process on the offsets in `deadly`."""

    def __init__(self, store: Store, deadly: set[int]) -> None:
        self._store, self._deadly = store, deadly

    def restore(self) -> int:
        return int(self._store.read()["next"])

    def fold(self, records: Sequence[Any], first: int, next_offset: int) -> list[Rows]:
        if self._deadly & {r.offset for r in records}:
            os._exit(DIED)
        return [Rows("folded", 0, [b"%d" % r.offset for r in records], [b""] * len(records))]

    def refuse(self, record: Any, first: int, next_offset: int) -> list[Rows]:
        return [Rows("refused", 0, [b"%d" % record.offset], [b""])]

    def due_at(self) -> float | None:
        return None

    def settle(self, position: int) -> list[Rows]:
        return []


async def life(folder: Path, offsets: Sequence[int], deadly: set[int]) -> None:
    """One life of a worker with one lane, given everything from the committed position on."""
    store = Store(folder / "store.json")
    fold = Fold(store, deadly)
    lane = Lane(("t", 0), fold, store, asyncio.Semaphore(2), dense=False, trial=Trial(folder / "trial"))
    at = await lane.opened()
    for start in range(0, len(offsets), 150):
        if part := [Record(o) for o in offsets[start : start + 150] if o >= at]:
            await lane.put(list(part))
    while store.read()["next"] <= offsets[-1]:
        await asyncio.sleep(0.001)
    await lane.close()


def lives(folder: Path, offsets: Sequence[int], deadly: set[int]) -> int:
    """Start a life after the other until one comes to the end; returns how many there were."""
    for number in range(1, 60):
        child = os.fork()
        if not child:
            os._exit(asyncio.run(asyncio.wait_for(life(folder, offsets, deadly), 20)) or 0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return number
        assert os.waitstatus_to_exitcode(status) == DIED
    raise AssertionError("no life came to the end")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("step", [1, 3], ids=["dense", "with gaps"])
def test_poison_is_found_and_everything_else_folded_once(tmp_path: Path, step: int) -> None:
    offsets = range(0, COUNT * step, step)
    deadly = {offsets[0], offsets[237]}
    count = lives(tmp_path, offsets, deadly)
    state = Store(tmp_path / "store.json").read()
    assert set(state["refused"]) == deadly
    assert state["folded"] == [o for o in offsets if o not in deadly]
    assert 2 * ALONE_TIMES < count < 40
    assert lives(tmp_path, offsets, deadly) == 1, "what is known to be poison ends nothing any more"


@pytest.mark.timeout(60)
def test_a_death_outside_the_fold_makes_nothing_suspect(tmp_path: Path) -> None:
    for _ in range(20):
        with closing(Trial(tmp_path)) as trial:
            trial.begin_at(7)
            trial.folding(7, 1)
            trial.folded()  # then the broker is away and the process ends in its commit
    with closing(Trial(tmp_path)) as again:
        again.begin_at(7)
        assert (again.poison, again.most(7, 500), again.careful(7)) == (set(), 500, False)


def test_a_torn_note_is_no_note(tmp_path: Path) -> None:
    (tmp_path / "folding").write_bytes(b"[7, 1")
    with closing(Trial(tmp_path)) as trial:
        trial.begin_at(7)
        assert trial.most(7, 500) == 500


def refusals(count: int, every: int = 1, reason: str = "out_of_range") -> list[tuple[int, str]]:
    return [(i, reason) for i in range(0, count, every)]


def test_a_share_or_a_run_of_refusals_stops_and_says_why() -> None:
    limit = RefusalLimit("obs.trade [3]", 0.5, 700)
    limit.note(LEAST - 1, refusals(699))
    limit.note(500, refusals(100))
    with pytest.raises(TooManyRefused, match=r"obs\.trade \[3\].*700.*out_of_range.*NHIP_REFUSED_RUN"):
        limit.note(700, refusals(700))
    limit = RefusalLimit("obs.trade [3]", 0.5, 0)
    limit.note(WINDOW, refusals(WINDOW, 2))
    with pytest.raises(TooManyRefused, match="NHIP_REFUSED_SHARE"):
        limit.note(10, refusals(10))


def test_a_run_goes_on_over_the_edge_of_a_chunk() -> None:
    limit = RefusalLimit("t", 1.0, 30)
    limit.note(20, refusals(20))
    with pytest.raises(TooManyRefused):
        limit.note(20, refusals(10))


def test_what_came_too_late_and_few_records_are_no_ground() -> None:
    limit = RefusalLimit("t", 0.5, 50)
    limit.note(3 * WINDOW, refusals(3 * WINDOW, reason="too_late"))
    RefusalLimit("t", 0.5, 0).note(LEAST - 1, refusals(LEAST - 1))
    RefusalLimit("t", 1.0, 0).note(3 * WINDOW, refusals(3 * WINDOW))
