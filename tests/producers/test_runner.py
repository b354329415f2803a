"""The runner: position only after delivery, one failing source stops no other, what failed is repeated with the same identities."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from indicators.observation import Observation
from producers import runner
from producers.clock import FixedClock
from producers.contract import Fetched, Position, SourceUnavailable
from producers.documents import DocumentSource
from producers.files import Folder
from producers.positions import PositionStore
from producers.publisher import NotDelivered
from producers.reject import Reject
from producers.runner import Runner
from tests.producers.support import ADAPTERS, DOOR, NOW, drop, identities, sample


class Taking:
    """A publisher that keeps what it gets; fails while `away`."""

    def __init__(self) -> None:
        self.away = False
        self.observations: list[Observation] = []
        self.rejects: list[Reject] = []
        self.enough = threading.Event()

    def deliver(self, source: str, observations: Sequence[Observation], rejects: Sequence[Reject]) -> None:
        if self.away:
            raise NotDelivered("away")
        self.observations += observations
        self.rejects += rejects
        self.enough.set()


class Counting:
    """A watcher that counts."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.reasons: list[tuple[str, int]] = []
        self.failed_once = threading.Event()

    def delivered(self, source: str, count: int) -> None: ...

    def refused(self, source: str, reason: str, count: int) -> None:
        self.reasons.append((reason, count))

    def failed(self, source: str, error: str) -> None:
        self.failures.append(error)
        self.failed_once.set()


class Failing:
    """A source that raises."""

    name = "failing"

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error

    def fetch(self, since: Position) -> Fetched:
        raise self._error()

    def close(self) -> None: ...


def parts(folder: Path) -> tuple[DocumentSource, PositionStore]:
    positions = PositionStore(folder / "positions")
    return DocumentSource(ADAPTERS["customs"], Folder(folder / "in"), DOOR, positions.of("customs"), FixedClock(NOW)), positions


def test_the_position_stays_until_everything_is_delivered(tmp_path: Path) -> None:
    source, positions = parts(tmp_path)
    drop(tmp_path / "in", "d.edi", sample("declarations.edi"))
    taking = Taking()
    run = Runner([source], taking, FixedClock(NOW), positions, Counting())
    taking.away = True
    for _ in range(2):
        with pytest.raises(NotDelivered):
            run.turn(source)
    assert positions.of("customs").load() == {}
    assert positions.of("customs").recall("305512345670") is None
    taking.away = False
    run.turn(source)
    assert len(taking.observations) == 7
    assert run.turn(source).observations == []
    positions.close()


def test_a_crash_between_delivery_and_save_repeats_the_same_identities(tmp_path: Path) -> None:
    source, positions = parts(tmp_path)
    drop(tmp_path / "in", "d.edi", sample("declarations.edi"))
    lost, kept = source.fetch({}), source.fetch({})
    assert identities(lost.observations) == identities(kept.observations)
    assert lost.remembered == kept.remembered
    positions.close()


def test_a_restart_goes_on_where_the_last_delivery_ended(tmp_path: Path) -> None:
    source, positions = parts(tmp_path)
    drop(tmp_path / "in", "1.json", sample("declarations.json"))
    taking = Taking()
    Runner([source], taking, FixedClock(NOW), positions, Counting()).turn(source)
    positions.close()
    source, positions = parts(tmp_path)
    cancelled = b'{"declaration": "305512345680", "version": 3, "kind": "import", "registered_at": "2026-03-20T09:15:20+07:00",'
    drop(tmp_path / "in", "2.json", cancelled + b' "office": "03TG", "cancelled": true}')
    Runner([source], taking, FixedClock(NOW), positions, Counting()).turn(source)
    assert identities(taking.observations)[-1] == ("305512345680/1#1", 2, "")
    positions.close()


@pytest.mark.parametrize("error", [lambda: SourceUnavailable("away"), lambda: RuntimeError("a fault of the adapter")])
def test_a_failing_source_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception]) -> None:
    monkeypatch.setattr(runner, "FIRST_PAUSE_SECONDS", 0.01)
    source, positions = parts(tmp_path)
    drop(tmp_path / "in", "d.edi", sample("declarations.edi").replace(b"LOC+41+18BN", b"LOC+41+99BN"))
    taking, counting, stop = Taking(), Counting(), threading.Event()
    run = Runner([Failing(error), source], taking, FixedClock(NOW), positions, counting, poll_seconds=0.01)
    thread = threading.Thread(target=run.run, args=(stop,))
    thread.start()
    assert taking.enough.wait(10)
    assert counting.failed_once.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(taking.observations) == 5
    assert ("unknown_territory", 1) in counting.reasons
    positions.close()
