"""News: alerts as the console channel writes them to `<data_dir>/alerts.log`, each event told once, the moment it is there.

One event is written once for each person who is told; the first line of an event is the news, the others are further recipients.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

LOG = "alerts.log"
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Item:
    """One alert event as a person was told of it."""

    event_id: str
    alert_id: str
    rule: str
    transition: str
    severity: int
    recipient: str
    title: str
    text: str


class News:
    """A context: follows the log in a thread and calls `tell` with each new event. `first_at`: when the first came, by `clock`."""

    def __init__(self, data_dir: Path, tell: Callable[[Item], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._tell, self._clock = data_dir / LOG, tell, clock
        self._offset, self._events = 0, set[str]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="news", daemon=True)
        self.first_at: float | None = None
        self.lines = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(10.0)

    def look(self) -> None:
        """Tell what was written since the last look; a line that is not complete yet waits."""
        try:
            with self._path.open("rb") as log:
                log.seek(self._offset)
                new = log.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self.lines += 1
            item = _item(line)
            if item is not None and item.event_id not in self._events:
                self._events.add(item.event_id)
                if self.first_at is None:
                    self.first_at = self._clock()
                self._tell(item)

    def _follow(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()
        self.look()


def _item(line: bytes) -> Item | None:
    """The event of a line; None where a crash cut it short."""
    try:
        record = json.loads(line)
        return Item(*(record[name] for name in Item.__slots__))
    except (ValueError, KeyError):
        return None
