"""Fixtures of the sink's tests: a migrated database, and a sink that runs in a thread of the test."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sinks.main import run
from sinks.metrics import SinkMetrics
from sinks.tables import Route
from transport.metrics import Metrics
from transport.settings import Settings
from transport.startup import Startup


class Running:
    """A sink in a thread. `fault`: what ended it, if anything did."""

    def __init__(self, settings: Settings, only: dict[str, Route]) -> None:
        self.metrics = Metrics("sink", settings, 0)
        self._stop = threading.Event()
        self.fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(settings, only), daemon=True)
        self._thread.start()

    def _run(self, settings: Settings, only: dict[str, Route]) -> None:
        try:
            run(settings, self._stop, SinkMetrics(self.metrics, Startup()), only)
        except Exception as error:  # boundary of the thread: the test looks at it
            self.fault = error

    def alive(self) -> bool:
        """Does it still run?"""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End it as SIGTERM would."""
        self._stop.set()
        self._thread.join(timeout=20)
        assert not self._thread.is_alive(), f"the sink did not stop within 20 s; it is here:\n{self._where()}"

    def _where(self) -> str:
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame))


@contextmanager
def sink(settings: Settings, only: dict[str, Route]) -> Iterator[Running]:
    """A running sink; stopped at the end. A fault that nobody expected fails the test."""
    running = Running(settings, only)
    try:
        yield running
    finally:
        running.stop()


def until(test: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for a condition; fails the test where it does not come. Looks become rarer with time: each costs the server a question."""
    ends, pause = time.monotonic() + seconds, 0.05
    while not test():
        assert time.monotonic() < ends, f"not reached within {seconds} s"
        time.sleep(pause)
        pause = min(0.25, 1.2 * pause)
