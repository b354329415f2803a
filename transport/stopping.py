"""The end of a process: asked for by a signal or by a fault of its own, and never waited for without a deadline.

A library in C may wait with the interpreter's lock held (librdkafka 2.16 was seen to, in `incremental_unassign` inside `Consumer.close`,
where a member left while its group was still forming): then no thread of Python can end the process, nor answer a health check. So the
deadline is kept by the interpreter's own watchdog thread, which needs no lock. What was not finished comes again: every loop is exact
under a kill.
"""

from __future__ import annotations

import faulthandler
import signal
import threading
from typing import Final, Self

STOP_SECONDS: Final = 18.0
"""Below the supervisor's 20 s: the process ends by itself, and its stacks are in its log."""


class Stop(threading.Event):
    """Once set, the process has `seconds` to end; then it ends with exit code 1 and the stacks of its threads on standard error.

    One a process, made in its main thread; loops and tests that only wait for a stop take any `threading.Event`.
    """

    def __init__(self, seconds: float = STOP_SECONDS) -> None:
        super().__init__()
        self._seconds = seconds

    @classmethod
    def on_signals(cls, seconds: float = STOP_SECONDS) -> Self:
        """One that SIGTERM and SIGINT set."""
        stop = cls(seconds)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        return stop

    def set(self) -> None:
        """Ask for the end. The deadline runs from the first time."""
        if not self.is_set():
            faulthandler.dump_traceback_later(self._seconds, exit=True)
        super().set()
