"""Which lanes a worker opens before anything comes in: those in which something may have become due while no worker was there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP

from indicators.rule import RuleError
from stream_processors import main
from stream_processors import worker as workers
from stream_processors.worker import Worker
from tests.stream_processors.offline import OfflineContext
from transport.settings import Settings
from transport.startup import Startup


def test_lanes_with_rules_that_wait_are_opened_where_there_is_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = OfflineContext()
    context.settings = context.settings.model_copy(update={"data_dir": tmp_path})
    asked: list[tuple[str, int]] = []

    def ends(_: Any, places: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        asked.extend(places)
        return {place: 7 * (place[1] == 0) for place in places}

    async def run() -> list[tuple[str, TP]]:
        worker, opened = Worker(context, ("emergency", "finance_budget", "agriculture")), list[tuple[str, TP]]()
        assigned = {TP(f"{stage}.{group}", p) for stage in ("obs", "operands") for group in ("emergency", "finance_budget", "agriculture")
                    for p in (0, 1)}  # fmt: skip
        monkeypatch.setattr(workers, "end_offsets", ends)
        monkeypatch.setattr(worker, "_lane", lambda stage, tp: opened.append((stage, tp)))
        monkeypatch.setattr(type(worker.app), "consumer", SimpleNamespace(assignment=lambda: assigned))
        await worker._open_waiting({tp for tp in assigned if worker._may_wait(tp)})
        return opened

    opened = asyncio.run(run())
    assert {(stage, tp.topic, tp.partition) for stage, tp in opened} == {
        (stage, f"{stage}.{group}", 0) for stage in ("obs", "operands") for group in ("emergency", "finance_budget")
    }  # fmt: skip
    assert ("agg.emergency", 1) in asked, "asked for, and nothing there"
    assert not any("agriculture" in topic for topic, _ in asked), "no rule waits there"


def test_a_worker_that_closes_opens_no_lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fetched before the stop still comes out of the stream: a lane for it would fence the commit of the one just closed."""
    context = OfflineContext()
    context.settings = context.settings.model_copy(update={"data_dir": tmp_path})
    taken: list[list[Any]] = []
    first, second = SimpleNamespace(timestamp=0), SimpleNamespace(timestamp=0)

    async def put(records: list[Any]) -> None:
        taken.append(records)

    async def run() -> None:
        worker = Worker(context, ("emergency",))
        monkeypatch.setattr(worker, "_lane", lambda stage, tp: SimpleNamespace(put=put))
        await worker._hand_on("obs", TP("obs.emergency", 0), [first])
        await worker.close()
        await worker._hand_on("obs", TP("obs.emergency", 0), [second])

    asyncio.run(run())
    assert taken == [[first]]


def test_a_worker_with_a_broken_rule_says_which_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def broken(*_: Any) -> None:
        raise RuleError("tv-muc-nuoc.yaml: levels.0.severity: Input should be 1, 2, 3, 4 or 5")

    monkeypatch.setattr(main, "Context", broken)
    monkeypatch.setattr(main.log, "error", lambda event, error: said.append(f"{event}: {error}"))
    settings = Settings.load(data_dir=tmp_path)
    assert asyncio.run(main._run(settings, cast(Any, None), Startup(), cast(Any, None))) == 2
    assert said == ["cannot start: tv-muc-nuoc.yaml: levels.0.severity: Input should be 1, 2, 3, 4 or 5"]
