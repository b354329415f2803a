"""Arrays of signed 128-bit integers as two 64-bit limbs: exact sums, extremes and comparisons of decimals, whole arrays at a time.

numpy has no 128-bit integers, and polars, which has, wraps sums silently. A value is `hi · 2^64 + lo` with signed `hi` and unsigned `lo`.
Values at the door are below 10^26 (10^20 with six places), so sums of up to 10^12 of them stay exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
UInt64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]

_LOW32 = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_TWO64 = 1 << 64


class Wide:
    """An array of 128-bit integers. `hi` and `lo` are the arrays themselves, not copies."""

    __slots__ = ("hi", "lo")

    def __init__(self, hi: Int64s, lo: UInt64s) -> None:
        self.hi, self.lo = hi, lo

    @classmethod
    def zeros(cls, n: int) -> Wide:
        """`n` zeros."""
        return cls(np.zeros(n, np.int64), np.zeros(n, np.uint64))

    @classmethod
    def from_int64(cls, values: Int64s) -> Wide:
        """Sign-extended 64-bit integers."""
        return cls(values >> 63, values.astype(np.uint64))

    @classmethod
    def from_ints(cls, values: Iterable[int]) -> Wide:
        """Python integers; raises OverflowError beyond 128 bits."""
        values = list(values)
        return cls(np.array([v >> 64 for v in values], np.int64), np.array([v & (_TWO64 - 1) for v in values], np.uint64))

    @classmethod
    def from_polars(cls, values: pl.Series) -> Wide:
        """A Decimal series (its unscaled integers), or an integer series; nulls become 0."""
        physical = values.to_physical()
        if physical.null_count():  # a query, which costs as much as all else here where values are few
            physical = physical.fill_null(0)
        narrow = physical.cast(pl.Int64, strict=False)
        if narrow.null_count() == 0:
            return cls.from_int64(narrow.to_numpy())
        wide = physical.cast(pl.Int128)
        limb = pl.Series([_TWO64], dtype=pl.Int128)
        high = wide // limb
        return cls(high.cast(pl.Int64).to_numpy(), (wide - high * limb).cast(pl.UInt64).to_numpy())

    def __len__(self) -> int:
        return len(self.hi)

    def take(self, rows: NDArray[Any]) -> Wide:
        """Values at these indices, or where a mask is true; a copy."""
        return Wide(self.hi[rows], self.lo[rows])

    def put(self, rows: NDArray[Any], values: Wide) -> None:
        """Overwrite values at these indices."""
        self.hi[rows] = values.hi
        self.lo[rows] = values.lo

    def __add__(self, other: Wide) -> Wide:
        low = self.lo + other.lo
        return Wide(self.hi + other.hi + (low < self.lo), low)

    def __neg__(self) -> Wide:
        low = ~self.lo + np.uint64(1)
        return Wide(~self.hi + (low == 0), low)

    def __sub__(self, other: Wide) -> Wide:
        return Wide(self.hi - other.hi - (self.lo < other.lo), self.lo - other.lo)

    def __lt__(self, other: Wide) -> Bools:
        less: Bools = (self.hi < other.hi) | ((self.hi == other.hi) & (self.lo < other.lo))
        return less

    def equals(self, other: Wide) -> Bools:
        """Which values are equal."""
        same: Bools = (self.hi == other.hi) & (self.lo == other.lo)
        return same

    def fits_int64(self) -> Bools:
        """Which values fit a signed 64-bit integer."""
        narrow: Bools = self.hi == self.lo.astype(np.int64) >> 63
        return narrow

    def minimum(self, other: Wide) -> Wide:
        """The lesser of each pair."""
        return Wide.where(self < other, self, other)

    def maximum(self, other: Wide) -> Wide:
        """The greater of each pair."""
        return Wide.where(self < other, other, self)

    @staticmethod
    def where(mask: Bools, yes: Wide, no: Wide) -> Wide:
        """Values of `yes` where the mask is true, else of `no`."""
        return Wide(np.where(mask, yes.hi, no.hi), np.where(mask, yes.lo, no.lo))

    @staticmethod
    def join(parts: list[Wide]) -> Wide:
        """One array after the other."""
        return Wide(np.concatenate([p.hi for p in parts]), np.concatenate([p.lo for p in parts]))

    def sum_by_starts(self, starts: Int64s) -> Wide:
        """Exact sum of each segment; a segment runs from its start to the next one's. At most 2^31 values a segment."""
        low = np.add.reduceat(self.lo & _LOW32, starts)
        middle = np.add.reduceat(self.lo >> _32, starts) + (low >> _32)
        high = np.add.reduceat(self.hi, starts) + (middle >> _32).astype(np.int64)
        return Wide(high, (middle << _32) | (low & _LOW32))

    def min_by_starts(self, starts: Int64s) -> Wide:
        """Least value of each segment."""
        return self._extreme(starts, np.minimum)

    def max_by_starts(self, starts: Int64s) -> Wide:
        """Greatest value of each segment."""
        return self._extreme(starts, np.maximum)

    def _extreme(self, starts: Int64s, pick: Any) -> Wide:
        if bool(self.fits_int64().all()):
            return Wide.from_int64(pick.reduceat(self.lo.astype(np.int64), starts))
        high = pick.reduceat(self.hi, starts)
        lengths = np.diff(np.append(starts, len(self.hi)))
        worst = np.uint64(0xFFFFFFFFFFFFFFFF) if pick is np.minimum else np.uint64(0)
        candidates = np.where(self.hi == np.repeat(high, lengths), self.lo, worst)
        return Wide(high, pick.reduceat(candidates, starts))

    def to_ints(self) -> list[int]:
        """Python integers."""
        return [h * _TWO64 + low for h, low in zip(self.hi.tolist(), self.lo.tolist(), strict=True)]

    def to_polars(self, precision: int = 38, scale: int = 6) -> pl.Series:
        """A Decimal series with these unscaled integers. Raises OverflowError where one has more digits than `precision`."""
        limb = pl.Series([_TWO64], dtype=pl.Int128)
        whole = pl.Series(self.hi).cast(pl.Int128) * limb + pl.Series(self.lo).cast(pl.Int128)
        limit = Wide.from_ints([10**precision])
        if bool((limit < self).any() or limit.equals(self).any() or (self < -limit).any() or (-limit).equals(self).any()):
            raise OverflowError(f"a value has more than {precision} digits")
        # Decimal(38, 0) takes an integer as it is; times one unit of the last place it is exact with `scale` places.
        unit = pl.Series([Decimal(1).scaleb(-scale)], dtype=pl.Decimal(precision, scale))
        return (whole.cast(pl.Decimal(precision, 0)) * unit).cast(pl.Decimal(precision, scale))
