"""The record memory by whole batches equals the record memory one by one, colliding identities and repetitions in one batch included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from indicators.wide import Wide
from stream_processors.arrivals import Arrivals, Remembered
from stream_processors.record_memory import COLUMNS, RecordMemory


def arrivals(random: np.random.Generator, count: int, first: int) -> Arrivals:
    """Few identities, so that most come again: in one batch, of two series under one hash, with revisions up and down, deleted."""
    number = random.integers(0, 60, count)
    status = random.integers(0, 5, count)
    time, value = random.integers(0, 50, count), Wide.from_ints([int(v) << 60 for v in random.integers(-9, 9, count)])
    sid = number % 7 + 7 * ((number % 10 == 0) & (random.random(count) < 0.5))
    return Arrivals(sid, time, value, random.integers(0, 4, count), status, np.arange(first, first + count), np.full(count, 2026),
                    number.astype(np.uint64) * np.uint64(1 << 50), status != 4)  # fmt: skip


def contents(memory: RecordMemory) -> set[tuple[Any, ...]]:
    """Every record it holds."""
    n, c = len(memory), memory.columns
    return set(zip(*(c.wide(m).to_ints()[:n] if t == "wide" else c.array(m)[:n].tolist() for m, t in COLUMNS.items()), strict=True))


def live_after(known: set[Any], remembered: Remembered, some: Arrivals) -> tuple[int, int]:
    """Count and sum by what `remember` says was added and taken out."""
    values = some.value.to_ints()
    count, total = len(remembered.fresh), sum(values[i] for i in remembered.fresh.tolist())
    for c in remembered.corrections:
        count += int(some.alive[c.arrival]) - int(c.was_alive)
        total += values[c.arrival] * int(some.alive[c.arrival]) - c.old_value * int(c.was_alive)
    return count, total


@pytest.mark.parametrize("seed", range(4))
def test_batches_equal_one_by_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    whole, single = RecordMemory(), RecordMemory()
    at, sums = 0, np.zeros((2, 2), object)
    for size in (1, 40, 3, 200, 1, 90):
        some = arrivals(random, size, at)
        found = whole.remember(some)
        parts = [(one, single.remember(one)) for one in (some.take(np.array([i])) for i in range(size))]
        assert found.ignored == sum(p.ignored for _, p in parts)
        effective = sorted([*found.fresh.tolist(), *(c.arrival for c in found.corrections)])
        assert effective == [i for i, (_, p) in enumerate(parts) if len(p.fresh) or p.corrections]
        assert [c.arrival for c in found.corrections] == sorted(c.arrival for c in found.corrections)
        sums[0] += live_after(set(), found, some)
        sums[1] += np.sum([live_after(set(), p, one) for one, p in parts], axis=0, dtype=object)
        assert sums[0].tolist() == sums[1].tolist()
        assert contents(whole) == contents(single)
        at += size
