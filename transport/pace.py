"""How fast a replay may go: a number of records a second, and not at all while live work is behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

LOOK_SECONDS: Final = 0.5
WAIT_SECONDS: Final = 0.2


class Stopped(RuntimeError):
    """The job was paused or cancelled, or the process stops: the work ends here and goes on later from what it has made visible."""


class Pace:
    """One job's pace. `rate`: records a second, 0: as fast as it goes; `behind`: how many records live work is behind; above `bound` the
    job waits. `stop`: set from another thread to end the work. For one thread.
    """

    def __init__(
        self, rate: int, behind: Callable[[], int], bound: int, stop: threading.Event, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._behind, self._bound, self._stop, self._clock = rate, behind, bound, stop, clock
        self._began, self._taken, self._looked = clock(), 0, float("-inf")
        self.waited = 0.0
        """Seconds given to live work."""

    def take(self, count: int) -> None:
        """Say that `count` records were worked on; returns when the next may be. Raises Stopped."""
        self._yield()
        self._taken += count
        if self._rate:
            due = self._began + self._taken / self._rate
            while (left := due - self._clock()) > 0 and not self._stop.wait(min(left, LOOK_SECONDS)):
                pass
        if self._stop.is_set():
            raise Stopped

    def _yield(self) -> None:
        """Wait while live work is behind; what was waited does not count towards the rate."""
        if self._clock() - self._looked < LOOK_SECONDS:
            return
        since = self._clock()
        while self._behind() > self._bound and not self._stop.wait(WAIT_SECONDS):
            pass
        self._looked = self._clock()
        self.waited += self._looked - since
        self._began += self._looked - since
