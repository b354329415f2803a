"""State: what the supervisor knows of the stack, in `<data_dir>/stack.json`, written by it alone and read by every `nhip` command.

Times are epoch milliseconds UTC; `pid` and `born` are an `Identity`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ops.stack.part import Part, Step
from ops.stack.process import Identity

Phase = Literal["starting", "ready", "stopping", "stopped", "failed"]
Condition = Literal["waiting", "starting", "ready", "unhealthy", "restarting", "stopping", "stopped", "failed"]

STATE_FILE = "stack.json"


def now_ms() -> int:
    """The present in epoch ms UTC."""
    return time.time_ns() // 1_000_000


class Row(BaseModel):
    """One part or step. `said` is the reason of the last change or what a step reported."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    kind: Literal["part", "step"]
    condition: Condition = "waiting"
    since: int = 0
    address: str = ""
    pid: int = 0
    born: str = ""
    restarts: int = 0
    said: str = ""
    memory_mb: int = 0
    metrics_url: str = ""
    stop_timeout: float = 15.0

    def identity(self) -> Identity | None:
        """The process of this row; None where it has none."""
        return Identity(self.pid, self.born) if self.pid else None


class State(BaseModel):
    """The whole stack. `failure` is for people: which part, why, its last lines, what to do."""

    model_config = ConfigDict(frozen=True)

    phase: Phase
    since: int
    pid: int
    born: str
    failure: str = ""
    rows: tuple[Row, ...] = ()

    def supervisor(self) -> Identity:
        """The process that wrote this."""
        return Identity(self.pid, self.born)

    def row(self, name: str) -> Row | None:
        """The row of that name; None where there is none."""
        return next((row for row in self.rows if row.name == name), None)


def read(data_dir: Path) -> State | None:
    """The last state written in `data_dir`; None where there is none or it cannot be understood (written by another version)."""
    try:
        return State.model_validate_json((data_dir / STATE_FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write(data_dir: Path, state: State) -> None:
    """Replace the state file in one step: a reader sees the old or the new one."""
    data_dir.mkdir(parents=True, exist_ok=True)
    fresh = data_dir / f"{STATE_FILE}.new"
    fresh.write_text(state.model_dump_json(indent=1))
    os.replace(fresh, data_dir / STATE_FILE)


class Board:
    """The supervisor's state, changed by the threads of its parts; each change is written at once."""

    def __init__(self, data_dir: Path, entries: Iterable[Part | Step], me: Identity, clock: Callable[[], int] = now_ms) -> None:
        self._data_dir = data_dir
        self._clock = clock
        self._lock = threading.Lock()
        rows = tuple(_row(entry, clock()) for entry in entries)
        self._state = State(phase="starting", since=clock(), pid=me.pid, born=me.born, rows=rows)
        write(data_dir, self._state)

    @property
    def state(self) -> State:
        """The present state."""
        return self._state

    def phase(self, phase: Phase, failure: str = "") -> None:
        """The stack as a whole is now in `phase`."""
        with self._lock:
            change: dict[str, Any] = {"phase": phase, "since": self._clock(), "failure": failure or self._state.failure}
            self._put(self._state.model_copy(update=change))

    def row(self, name: str, **change: Any) -> None:
        """Change fields of one row; `since` moves where its condition changes."""
        with self._lock:
            rows = []
            for row in self._state.rows:
                if row.name == name:
                    moved = change.get("condition", row.condition) != row.condition
                    rows.append(row.model_copy(update={**change, "since": self._clock() if moved else row.since}))
                else:
                    rows.append(row)
            self._put(self._state.model_copy(update={"rows": tuple(rows)}))

    def _put(self, state: State) -> None:
        self._state = state
        write(self._data_dir, state)


def _row(entry: Part | Step, now: int) -> Row:
    if isinstance(entry, Step):
        return Row(name=entry.name, title=entry.title, kind="step", since=now)
    return Row(
        name=entry.name, title=entry.title, kind="part", since=now, address=entry.address, memory_mb=entry.memory_mb,
        metrics_url=entry.metrics_url, stop_timeout=entry.stop_timeout,
    )  # fmt: skip
