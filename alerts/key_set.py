"""A set of sixteen-byte keys that only grows: ten million in 160 MB, where a Python set takes more than a gigabyte. Pure.

New keys gather in a small Python set; when there are enough of them they are sorted into an array beside those before, and arrays of like
size are merged, so that every key is moved a few times at most and a question looks into a few sorted arrays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WIDTH = 16
GATHERED = 65_536
"""Keys in the small set before they are sorted: about eight megabytes at most."""


class _Run(NamedTuple):
    """Keys in the order of their upper halves: contiguous and of the machine's own order, as a binary search wants them."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]


class KeySet:
    """Keys are `bytes` of length 16; anything else is a ValueError."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._new: set[bytes] = set()
        self._runs: list[_Run] = []
        for key in keys:
            self.add(key)

    def __len__(self) -> int:
        self._sort()
        return sum(len(run.high) for run in self._runs)

    def __contains__(self, key: bytes) -> bool:
        if key in self._new:
            return True
        high, low = int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big")
        return any(_holds(run, high, low) for run in self._runs)

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
        halves = np.frombuffer(b"".join(sorted(self._new)), dtype=">u8").astype(np.uint64).reshape(-1, 2)
        self._new = set()
        made = _Run(np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1]))
        for run in self._runs:
            made = _without(made, run)
        while len(made.high) and self._runs and len(self._runs[-1].high) <= 2 * len(made.high):
            made = _merged(self._runs.pop(), made)
        if len(made.high):
            self._runs.append(made)


def _without(run: _Run, known: _Run) -> _Run:
    """Those of a run that the other does not have. Only where an upper half is met again is the whole key compared."""
    at = np.minimum(np.searchsorted(known.high, run.high), len(known.high) - 1)
    met = np.flatnonzero(known.high[at] == run.high)
    gone = [int(n) for n in met if _holds(known, int(run.high[n]), int(run.low[n]))]
    return _Run(np.delete(run.high, gone), np.delete(run.low, gone)) if gone else run


def _merged(left: _Run, right: _Run) -> _Run:
    """Both in one; no key is in both. A stable sort of two rising stretches is a merge."""
    high, low = np.concatenate([left.high, right.high]), np.concatenate([left.low, right.low])
    order = np.argsort(high, kind="stable")
    return _Run(high[order], low[order])


def _holds(run: _Run, high: int, low: int) -> bool:
    """Keys are digests: of one upper half there is hardly ever more than one."""
    at = int(np.searchsorted(run.high, np.uint64(high)))
    while at < len(run.high) and int(run.high[at]) == high:
        if int(run.low[at]) == low:
            return True
        at += 1
    return False
