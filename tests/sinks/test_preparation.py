"""The thread that prepares: what it does when, and that neither a fault nor a long look stops it or lets it take a processor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sinks import preparation
from sinks.preparation import Preparation
from transport.settings import Settings


class Looks:
    """Stands in for ClickHouse; each look takes `seconds`, the ones numbered in `fails` end in a fault."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0, fails: tuple[int, ...] = ()) -> None:
        self.seconds, self.fails = seconds, fails
        self.times: list[tuple[str, float]] = []
        self.connections = 0
        for name in ("turn", "prepare_reports"):
            monkeypatch.setattr(preparation, name, self._look(name))
        monkeypatch.setattr("sinks.clickhouse.connected", self._connected)
        monkeypatch.setattr(preparation, "FOLLOW_SECONDS", 0.05)
        monkeypatch.setattr(preparation, "FIRST_SECONDS", 0.6)

    def _look(self, name: str) -> Callable[[object], None]:
        def look(_client: object) -> None:
            self.times.append((name, time.monotonic()))
            time.sleep(self.seconds)
            if len(self.times) in self.fails:
                raise ConnectionError("gone")

        return look

    @contextmanager
    def _connected(self, _settings: Settings) -> Iterator[object]:
        self.connections += 1
        yield object()

    def during(self, seconds: float) -> list[str]:
        """The looks of a thread that lives so long."""
        stop = threading.Event()
        thread = Preparation(Settings(), stop)
        thread.start()
        time.sleep(seconds)
        stop.set()
        thread.join(5)
        assert not thread.is_alive()
        return [name for name, _ in self.times]


def test_reports_are_looked_at_again_and_again_and_all_when_a_start_has_caught_up(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(monkeypatch)
    names = looks.during(1.5)
    assert names.count("turn") == 1
    assert names[0] == "prepare_reports"
    assert names.count("prepare_reports") >= 5
    assert looks.connections == 1


def test_a_fault_costs_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(monkeypatch, fails=(1, 3))
    assert len(looks.during(1.5)) >= 5
    assert looks.connections == 3


def test_a_long_look_is_followed_by_a_longer_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(monkeypatch, seconds=0.1)
    looks.during(3.0)
    assert 2 <= len(looks.times) <= 5
    assert all(b - a >= 0.1 + preparation.REST * 0.1 for (_, a), (_, b) in zip(looks.times, looks.times[1:], strict=False))
