"""A set of sixteen-byte keys that only grows: ten million in 160 MB, where a Python set takes more than a gigabyte. Pure.

New keys gather in a small Python set; when there are enough of them they are sorted into an array beside those before, and arrays of like
size are merged, so that every key is moved a few times at most and a question looks into a few sorted arrays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alerts.key_runs import Run

WIDTH = 16
GATHERED = 65_536
"""Keys in the small set before they are sorted: about eight megabytes at most."""


class KeySet:
    """Keys are `bytes` of length 16; anything else is a ValueError."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._new: set[bytes] = set()
        self._runs: list[Run] = []
        for key in keys:
            self.add(key)

    def __len__(self) -> int:
        if not self._runs:
            return len(self._new)
        self._sort()
        return sum(run.size for run in self._runs)

    def __contains__(self, key: bytes) -> bool:
        if key in self._new:
            return True
        high, low = int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big")
        return any(run.holds(high, low) for run in self._runs)

    def add(self, key: bytes) -> None:
        """Put one in; again: nothing changes."""
        if len(key) != WIDTH:
            raise ValueError(f"a key of {WIDTH} bytes is required; found {len(key)}")
        self._new.add(key)
        if len(self._new) >= GATHERED:
            self._sort()

    def _sort(self) -> None:
        """The gathered keys into a run; merged with the one before while that is not more than twice as long."""
        if not self._new:
            return
        from alerts.key_runs import merged, sorted_run, without

        made = sorted_run(self._new)
        self._new = set()
        for run in self._runs:
            made = without(made, run)
        while made.size and self._runs and self._runs[-1].size <= 2 * made.size:
            made = merged(self._runs.pop(), made)
        if made.size:
            self._runs.append(made)
