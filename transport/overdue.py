"""Overdue: a call into the Kafka client that should have come back and has not ends the process, so that its next life goes on.

librdkafka does not keep every time limit that it is given: positions sent to a transaction wait without end for a coordinator that went
away and came back (librdkafka issues 5456 and 5511, open with 2.16; seen here after restarts of a broker that is alone). Nothing in the
process can call such a thread back, and to make the producer anew would fence an owner that took over meanwhile. What the process held
is committed or will be fenced, so ending it loses nothing.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

EXIT_OVERDUE: Final = 75
LOOK_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


class Overdue:
    """The calls under way. A thread that looks after them starts with the first. `end`: what ends the process, for tests."""

    def __init__(self, end: Callable[[int], None] = os._exit) -> None:
        self._end = end
        self._calls: dict[int, tuple[float, str]] = {}
        self._numbers, self._lock = itertools.count(), threading.Lock()
        self._looks = False

    @contextmanager
    def within(self, seconds: float, what: str) -> Iterator[None]:
        """The block must end within `seconds`, or the process does; `what` is said then. From any thread."""
        number = next(self._numbers)
        self._calls[number] = (time.monotonic() + seconds, what)
        self._look_after()
        try:
            yield
        finally:
            del self._calls[number]

    def _look_after(self) -> None:
        with self._lock:
            if not self._looks:
                self._looks = True
                threading.Thread(target=self._look, name="overdue", daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            now = time.monotonic()
            for ends, what in list(self._calls.values()):
                if now > ends:
                    log.error("a call did not come back", call=what, over_seconds=round(now - ends, 1))
                    self._end(EXIT_OVERDUE)
                    return


calls: Final = Overdue()
"""Those of this process."""
