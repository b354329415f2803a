"""How long a start takes, step by step: one line «ready» in the log of each process, once it does its work again.

Seconds count from the process's birth, imports among them, on two clocks: the wall's and the processor's (of all its threads). Where the
wall is far ahead of the processor, the process waited: for a server, or for its turn on a busy machine.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Final

import structlog

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.05
"""How often a process looks whether it has come so far, while it starts."""
_STAT: Final = Path("/proc/self/stat")
_BORN: Final = 19
"""Index of `starttime` (ticks since boot) among the fields that follow the name (proc(5): field 22)."""


class Startup:
    """The steps of one start, in the order in which they end. Not for several threads at once."""

    def __init__(self) -> None:
        self._age = _age()
        self._made = time.monotonic()
        self._steps: dict[str, tuple[float, float]] = {}
        self._last = (0.0, 0.0)
        self.over = False

    def done(self, step: str) -> None:
        """A step has ended; only the first time counts."""
        if self.over or step in self._steps:
            return
        now = self._now()
        self._steps[step] = now[0] - self._last[0], now[1] - self._last[1]
        self._last = now

    def ready(self, step: str, **facts: Any) -> None:
        """The last step has ended: say so once. `facts`: what was restored."""
        if self.over:
            return
        self.done(step)
        self.over = True
        wall, processor = self._last
        steps = {name: f"{seconds:.2f}/{spent:.2f}" for name, (seconds, spent) in self._steps.items()}
        log.info("ready", seconds=round(wall, 2), processor_seconds=round(processor, 2), steps=steps, **facts)

    def _now(self) -> tuple[float, float]:
        return self._age + time.monotonic() - self._made, time.process_time()


def _age() -> float:
    """Seconds since this process began; where the system does not tell, the processor time that it has used."""
    try:
        after_name = _STAT.read_text().rpartition(")")[2].split()
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - int(after_name[_BORN]) / os.sysconf("SC_CLK_TCK"))
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()
