"""Crash loops on one message: what a lane was folding when its process died, kept beside the process, for the next life to find.

Before each fold the lane notes (first offset, how many); after it the note is struck out. Whoever starts and finds a note died in that
fold. It comes back to that very place without overlapping folds and commits, takes an eighth of it, and so on down to one. A message that
ends the process ALONE_TIMES times when it is folded alone is poison: it goes to the dead letters as `poison_crash` and is never folded
again. Commits are outside: a broker that is away makes no message suspect.

The note is a file, not synced: it need outlive the process alone. What is poison is kept in a second file, since a restart reads inputs
again for the record memory; losing it costs the same search once more.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

SHRINK: Final = 8
ALONE_TIMES: Final = 3
UNSUSPECTED: Final = 1 << 15
"""A fold of so many that ends well ends the suspicion."""


class Trial:
    """One lane's notes, in `folder`. `poison`: offsets that are not folded."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._note, self._kept = folder / "folding", folder / "poison.json"
        self.poison: set[int] = set(_read(self._kept))
        found = _read(self._note)
        self._at, self._with, self._times = found if len(found) == 3 else (-1, 0, 0)
        self._limit = 0
        self._file = self._note.open("wb", buffering=0)
        self._write([self._at, self._with, self._times] if self._with else [])

    def begin_at(self, position: int) -> None:
        """The lane is restored to `position`. A fold behind it that ended badly has been overcome."""
        if self._at < position:
            self._at, self._with, self._times = -1, 0, 0
        elif self._with == 1 and self._times >= ALONE_TIMES:
            self.poison.add(self._at)
            self._kept.write_text(json.dumps(sorted(self.poison)), "utf-8")

    def careful(self, position: int) -> bool:
        """Must the former commit end before the next fold? Else a death in the fold would take it along."""
        return self._at >= position or self._limit > 0

    @property
    def suspects(self) -> bool:
        """Is there a place where a life ended?"""
        return self._at >= 0 or bool(self.poison) or self._limit > 0

    def most(self, first: int, most: int) -> int:
        """How many inputs to fold at once from the one at offset `first` on: up to the next suspicious place, few there, poison alone."""
        if first in self.poison:
            return 1
        if self._at == first and not self._limit:
            self._limit = max(1, self._with // SHRINK)
        room = (place - first for place in (self._at, *self.poison) if place > first)
        return min(most, self._limit or most, *room)

    def folding(self, first: int, count: int) -> None:
        """Note that this fold begins."""
        again = self._times if first == self._at else 0
        self._write([first, count, again + 1 if count == 1 else 0])

    def folded(self) -> None:
        """It ended well: the next may be twice as large, until nothing is left of the suspicion."""
        self._write([])
        self._limit = self._limit * 2 if 0 < self._limit < UNSUSPECTED else 0

    def close(self) -> None:
        """The lane is given up."""
        self._file.close()

    def _write(self, note: list[int]) -> None:
        self._file.seek(0)
        self._file.write(json.dumps(note).encode().ljust(64))


def _read(path: Path) -> list[int]:
    """The numbers in a file; none where there is no file or it was torn."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return []
    return [int(number) for number in found] if isinstance(found, list) else []
