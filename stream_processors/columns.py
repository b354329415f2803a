"""Growable columns: a table whose rows are numbered and never move, stored as one numpy array per column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide

Int64s = NDArray[np.int64]


class Columns:
    """`count` rows of named columns. A column of type "wide" holds 128-bit integers (two arrays); the others are numpy types."""

    def __init__(self, types: Mapping[str, str], capacity: int = 1024) -> None:
        self.count = 0
        self._capacity = capacity
        self._arrays: dict[str, NDArray[Any]] = {n: np.zeros(capacity, t) for n, t in types.items() if t != "wide"}
        self._wides: dict[str, Wide] = {n: Wide.zeros(capacity) for n, t in types.items() if t == "wide"}

    def array(self, name: str) -> NDArray[Any]:
        """The whole column, capacity long; rows from `count` on mean nothing. Look it up again after `append`."""
        return self._arrays[name]

    def wide(self, name: str) -> Wide:
        """A column of 128-bit integers, capacity long."""
        return self._wides[name]

    def append(self, n: int) -> Int64s:
        """Numbers of `n` new rows, all zero."""
        if self.count + n > self._capacity:
            self._grow(max(self._capacity * 2, self.count + n))
        rows = np.arange(self.count, self.count + n)
        self.count += n
        return rows

    def keep(self, rows: Int64s) -> None:
        """Keep only these rows, renumbered from 0 in the order given."""
        for name, array in self._arrays.items():
            kept = np.zeros(self._capacity, array.dtype)
            kept[: len(rows)] = array[rows]
            self._arrays[name] = kept
        for name, wide in self._wides.items():
            fresh = Wide.zeros(self._capacity)
            fresh.put(np.arange(len(rows)), wide.take(rows))
            self._wides[name] = fresh
        self.count = len(rows)

    def _grow(self, capacity: int) -> None:
        for name, array in self._arrays.items():
            grown = np.zeros(capacity, array.dtype)
            grown[: self.count] = array[: self.count]
            self._arrays[name] = grown
        for name, wide in self._wides.items():
            larger = Wide.zeros(capacity)
            larger.hi[: self.count], larger.lo[: self.count] = wide.hi[: self.count], wide.lo[: self.count]
            self._wides[name] = larger
        self._capacity = capacity
