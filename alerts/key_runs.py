"""Sorted arrays of sixteen-byte keys, for `alerts.key_set`: apart from it, since numpy takes a tenth of a processor second to load and most
ledgers are too small to need it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Run(NamedTuple):
    """Keys in the order of their upper halves: contiguous and of the machine's own order, as a binary search wants them."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]

    @property
    def size(self) -> int:
        """How many keys."""
        return len(self.high)

    def holds(self, high: int, low: int) -> bool:
        """Is this key among them? Keys are digests: of one upper half there is hardly ever more than one."""
        at = int(np.searchsorted(self.high, np.uint64(high)))
        while at < len(self.high) and int(self.high[at]) == high:
            if int(self.low[at]) == low:
                return True
            at += 1
        return False


def sorted_run(keys: Iterable[bytes]) -> Run:
    """Distinct keys as a run."""
    halves = np.frombuffer(b"".join(sorted(keys)), dtype=">u8").astype(np.uint64).reshape(-1, 2)
    return Run(np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1]))


def without(run: Run, known: Run) -> Run:
    """Those of a run that the other does not have. Only where an upper half is met again is the whole key compared."""
    at = np.minimum(np.searchsorted(known.high, run.high), len(known.high) - 1)
    met = np.flatnonzero(known.high[at] == run.high)
    gone = [int(n) for n in met if known.holds(int(run.high[n]), int(run.low[n]))]
    return Run(np.delete(run.high, gone), np.delete(run.low, gone)) if gone else run


def merged(left: Run, right: Run) -> Run:
    """Both in one; no key is in both. A stable sort of two rising stretches is a merge."""
    high, low = np.concatenate([left.high, right.high]), np.concatenate([left.low, right.low])
    order = np.argsort(high, kind="stable")
    return Run(high[order], low[order])
