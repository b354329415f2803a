"""Which partition a key goes to: murmur2, as Java's default partitioner and librdkafka's `murmur2_random` place keys.

Every writer of ours places by this, so a series lies in the same partition number in `obs`, `panes` and `agg`, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """32-bit murmur2 of `data` with the seed of Apache Kafka's clients (`Utils.murmur2`), as an unsigned number."""
    length = len(data)
    h = _SEED ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if length > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """Partition of a key among `partitions` (≥ 1)."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class PartitionCache:
    """Partitions of many keys for one number of partitions. Keys seen before cost a dictionary look-up; keeps at most `limit` keys."""

    def __init__(self, partitions: int, limit: int = 1_000_000) -> None:
        self._partitions, self._limit = partitions, limit
        self._known: dict[bytes, int] = {}

    def of(self, keys: Sequence[bytes]) -> npt.NDArray[np.int32]:
        """Partition of each key."""
        known = self._known
        for key in set(keys).difference(known):
            if len(known) >= self._limit:
                known.pop(next(iter(known)))  # the oldest
            known[key] = partition_of(key, self._partitions)
        return np.fromiter((known[key] if key in known else partition_of(key, self._partitions) for key in keys), np.int32, len(keys))
