"""Logs: what the parts wrote, one file a part; kept small, shown by `nhip logs`.

A part appends to its file by itself. A file over its size is copied to `<name>.log.1` and cut to nothing: since parts write in append mode
they go on at its start. Lines written between the copy and the cut (microseconds) are lost from the log, never from the data.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

LIMIT = 20_000_000
KEPT = 2
BLOCK = 65_536


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file without their ends, oldest first; fewer where it has fewer, none where it does not exist."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        position = file.seek(0, 2)
        data = b""
        while position > 0 and data.count(b"\n") <= lines:
            step = min(BLOCK, position)
            position = file.seek(position - step)
            data = file.read(step) + data
    return data.decode(errors="replace").splitlines()[-lines:]


def rotate(path: Path, limit: int = LIMIT, kept: int = KEPT) -> bool:
    """Move the contents of a file over `limit` bytes to `.1` (older ones to `.2` …, at most `kept`). True where it did."""
    if not path.exists() or path.stat().st_size <= limit:
        return False
    for number in range(kept, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True


class Follower:
    """New lines of a file since the last look; begins at its end and starts over where it was cut."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def lines(self) -> Iterator[str]:
        """Whole lines that arrived since the last call."""
        if not self._path.exists():
            return
        size = self._path.stat().st_size
        if size < self._position:
            self._position, self._rest = 0, b""
        with self._path.open("rb") as file:
            file.seek(self._position)
            data = self._rest + file.read()
            self._position = file.tell()
        *whole, self._rest = data.split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
