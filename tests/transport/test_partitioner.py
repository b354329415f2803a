"""murmur2 against the published vectors of Apache Kafka's clients (UtilsTest.testMurmur2)."""

from __future__ import annotations

import pytest

from transport.partitioner import PartitionCache, murmur2, partition_of

VECTORS = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536,
           b"a-little-bit-longer-string": -1486304829, b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
           b"abc": 479470107}  # fmt: skip


@pytest.mark.parametrize(("key", "signed"), VECTORS.items())
def test_known_hashes(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_the_cache_places_as_the_function_and_stays_bounded() -> None:
    cache = PartitionCache(12, limit=10)
    keys = [f"series {n}".encode() for n in range(50)] * 2
    for _ in range(2):
        assert cache.of(keys).tolist() == [partition_of(key, 12) for key in keys]
    assert len(cache._known) == 10
    assert cache.of([]).tolist() == []
