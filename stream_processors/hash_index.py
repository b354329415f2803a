"""An open-addressing hash table from 64-bit keys to row numbers, whole arrays at a time.

Python dicts cost about 0.1 µs a key and 100 bytes an entry; this costs about 0.03 µs and 32 bytes, and a chunk has tens of thousands
of keys.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
UInt64s = NDArray[np.uint64]

_EMPTY = np.int64(-1)
_MIX = np.uint64(0x9E3779B97F4A7C15)


class HashIndex:
    """Maps uint64 keys to int64 rows. Keys are never removed one by one: rebuild with the survivors."""

    def __init__(self, capacity: int = 1024) -> None:
        self._allocate(max(16, 1 << (2 * capacity - 1).bit_length()))
        self.count = 0

    def _allocate(self, size: int) -> None:
        self._shift = np.uint64(64 - (size.bit_length() - 1))
        self._mask = size - 1
        self._keys = np.zeros(size, np.uint64)
        self._rows = np.full(size, _EMPTY, np.int64)

    def get(self, keys: UInt64s) -> Int64s:
        """Row of each key, -1 where it is unknown."""
        at = ((keys * _MIX) >> self._shift).astype(np.int64)
        found = self._rows[at]
        open_ = np.flatnonzero((found != _EMPTY) & (self._keys[at] != keys))
        while open_.size:
            at[open_] = (at[open_] + 1) & self._mask
            rows = self._rows[at[open_]]
            found[open_] = rows
            open_ = open_[(rows != _EMPTY) & (self._keys[at[open_]] != keys[open_])]
        return found

    def put(self, keys: UInt64s, rows: Int64s) -> None:
        """Enter keys that are not in the table yet and are all different."""
        if (self.count + len(keys)) * 2 > len(self._rows):
            self._grow(self.count + len(keys))
        at = ((keys * _MIX) >> self._shift).astype(np.int64)
        left = np.arange(len(keys))
        while left.size:
            here = at[left]
            free = self._rows[here] == _EMPTY
            claim = left[free]
            self._rows[at[claim]] = rows[claim]
            self._keys[at[claim]] = keys[claim]
            won = np.zeros(len(left), bool)
            won[free] = self._rows[at[claim]] == rows[claim]  # of several claims on one place the last written won
            left = left[~won]
            at[left] = (at[left] + 1) & self._mask
        self.count += len(keys)

    def _grow(self, wanted: int) -> None:
        used = self._rows != _EMPTY
        keys, rows = self._keys[used], self._rows[used]
        self._allocate(1 << (4 * wanted - 1).bit_length())
        self.count = 0
        self.put(keys, rows)
