"""Clocks: what «now» is for the adapters, injected everywhere.

A demonstration replays days in seconds: its scenario writes its present instant beside the inbox and the producers follow it, so that a
reading of the scenario is neither in the future nor late. Without that file, now is the system's time.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

SCENARIO_FILE = ".scenario.json"


class Clock(Protocol):
    """Now in epoch ms UTC."""

    def now_ms(self) -> int: ...


class SystemClock:
    """The machine's time."""

    def now_ms(self) -> int:
        """Epoch ms UTC."""
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock that stands where it was set (tests, generators)."""

    def __init__(self, now_ms: int) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        """The instant it was set to."""
        return self.now


class ScenarioClock:
    """The scenario's instant where one is running in `inbox`, else the fallback's."""

    def __init__(self, inbox: Path, fallback: Clock) -> None:
        self._path = inbox / SCENARIO_FILE
        self._fallback = fallback
        self._seen = (-1, -1)
        self._now: int | None = None

    def now_ms(self) -> int:
        """Epoch ms UTC; the file is read again only when it changed."""
        try:
            status = self._path.stat()
        except OSError:
            return self._fallback.now_ms()
        # every write replaces the file, so the inode tells two writes of one clock tick apart
        if (seen := (status.st_mtime_ns, status.st_ino)) != self._seen:
            with suppress(OSError, ValueError, KeyError, TypeError):
                self._now = int(json.loads(self._path.read_bytes())["now"])
                self._seen = seen
        return self._fallback.now_ms() if self._now is None else self._now


def set_scenario_now(inbox: Path, now_ms: int) -> None:
    """Tell the producers the scenario's present instant (atomic)."""
    part = inbox / f"{SCENARIO_FILE}.part"
    part.write_text(json.dumps({"now": now_ms}), encoding="utf-8")
    os.replace(part, inbox / SCENARIO_FILE)


def clear_scenario(inbox: Path) -> None:
    """Back to the system's time."""
    (inbox / SCENARIO_FILE).unlink(missing_ok=True)
