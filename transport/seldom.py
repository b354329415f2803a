"""Lines of a log that say the same again and again: the first is written, then one now and then, with how many were left out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

SECONDS: Final = 10.0
MOST: Final = 200
"""Different lines remembered; then all are forgotten, and each is written once more."""


class Seldom:
    """For several threads. `clock`: monotonic seconds."""

    def __init__(self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._lock = threading.Lock()
        self._lines: dict[str, tuple[float, int]] = {}

    def due(self, line: str) -> int | None:
        """None: leave this line out. Otherwise how many like it were left out since the last one."""
        now = self._clock()
        with self._lock:
            since, left_out = self._lines.get(line, (now - self._seconds, 0))
            if now - since < self._seconds:
                self._lines[line] = since, left_out + 1
                return None
            if len(self._lines) >= MOST:
                self._lines.clear()
            self._lines[line] = now, 0
            return left_out


class Repeats(logging.Filter):
    """Of what these loggers and those below them say again and again, one line now and then. For a handler: a logger's filter does not see
    what the loggers below it say."""

    def __init__(self, *loggers: str, lines: Seldom | None = None) -> None:
        super().__init__()
        self._loggers, self._lines = loggers, lines or Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        """Does this record go out? With `left_out`, where some before it did not."""
        if record.name.partition(".")[0] not in self._loggers:
            return True
        left_out = self._lines.due(f"{record.name} {record.levelno} {record.getMessage()}")
        if left_out:
            record.left_out = left_out
        return left_out is not None
