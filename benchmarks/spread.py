"""What is said about repeated measurements: least, median, most; and percentiles by nearest rank."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, median and most of `runs` repeated measurements."""

    min: float
    median: float
    max: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Over at least one value. Raises statistics.StatisticsError over none."""
        return cls(min(values, default=0.0), statistics.median(values), max(values, default=0.0), len(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that at least `share` percent of the values do not exceed. Raises ValueError over none."""
    if not values:
        raise ValueError("a percentile of no values")
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * share / 100) - 1)]
