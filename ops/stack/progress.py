"""Progress: downloads as people see them: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn

LINE_EVERY_S = 3.0
MEGABYTE = 1_000_000


class BarMeter:
    """A bar on a terminal."""

    def __init__(self, title: str, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._title = title
        self._bar = Progress(*columns, console=console, transient=True)
        self._task: TaskID | None = None

    def begin(self, files: int, size: int) -> None:
        """Show the bar."""
        self._task = self._bar.add_task(f"{self._title}: tải {files} tệp / downloading", total=size)
        self._bar.start()

    def advance(self, size: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.advance(self._task, size)

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()


class LineMeter:
    """A line every `LINE_EVERY_S` seconds and one at the end. `clock`: seconds, monotonic."""

    def __init__(self, title: str, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._say = say
        self._clock = clock
        self._lock = threading.Lock()
        self._size = self._done = 0
        self._next = 0.0

    def begin(self, files: int, size: int) -> None:
        """Say what will come."""
        self._size, self._next = size, self._clock() + LINE_EVERY_S
        self._say(f"{self._title}: tải {files} tệp, {size // MEGABYTE} MB / downloading {files} files")

    def advance(self, size: int) -> None:
        """Say how far it is, not too often."""
        with self._lock:
            self._done += size
            if self._clock() >= self._next:
                self._next = self._clock() + LINE_EVERY_S
                self._say(f"{self._title}: {self._done // MEGABYTE}/{self._size // MEGABYTE} MB")

    def end(self) -> None:
        """Say what came."""
        self._say(f"{self._title}: đã tải / downloaded {self._done // MEGABYTE} MB")
