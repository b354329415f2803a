"""Quiet bands: between which numbers a series' readings change no rule's state, for all its rules together.

Most readings of most series are far from every limit. The band of a series is worked out once and again only when a state of it changed, so
that a reading inside costs two comparisons in an array, under one rule or under fifty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from indicators.observation import SCALE

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]
_LEAST, _MOST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Band:
    """Unscaled readings `low` … `high`, both within; `standing`: an alert stands, whose newest reading is to be remembered."""

    low: int = _LEAST
    high: int = _MOST
    standing: bool = False

    def within(self, floor: Decimal | None, ceiling: Decimal | None, sign: int, *, standing: bool) -> Self:
        """What is also quiet for a rule: floor ≤ reading · sign < ceiling (None: unbounded)."""
        low = None if floor is None else _at_least(floor)
        high = None if ceiling is None else _at_least(ceiling) - 1
        if sign < 0:
            low, high = None if high is None else -high, None if low is None else -low
        return type(self)(
            self.low if low is None else max(self.low, min(low, _MOST)), self.high if high is None else min(self.high, max(high, _LEAST)),
            self.standing or standing,
        )  # fmt: skip


NOTHING_QUIET: Final = Band(_MOST, _LEAST)


def _at_least(limit: Decimal) -> int:
    """The least unscaled number that reaches a limit."""
    return int(limit.scaleb(SCALE).to_integral_value(ROUND_CEILING))


class QuietBands:
    """Bands by series number. `version`: with every other answer all bands are worked out anew."""

    def __init__(self, version: Callable[[], int]) -> None:
        self._version, self._made_at = version, -1
        self._known = np.zeros(1024, bool)
        self._low, self._high = np.zeros(1024, np.int64), np.zeros(1024, np.int64)
        self.standing = np.zeros(1024, bool)

    def renew(self, sids: Int64s, band: Callable[[int], Band]) -> None:
        """Work out the bands of these series that are not known."""
        if self._version() != self._made_at:
            self._made_at = self._version()
            self._known[:] = False
        if sids.size:
            self._reserve(int(sids.max()) + 1)
        for sid in sids[~self._known[sids]].tolist():
            found = band(sid)
            self._low[sid], self._high[sid], self.standing[sid] = found.low, found.high, found.standing
            self._known[sid] = True

    def outside(self, sids: Int64s, numbers: Int64s) -> Bools:
        """Which readings (unscaled) of these series lie outside their bands, which are known."""
        found: Bools = (numbers < self._low[sids]) | (numbers > self._high[sids])
        return found

    def forget(self, sid: int) -> None:
        """A state of the series has changed."""
        if sid < len(self._known):
            self._known[sid] = False

    def forget_all(self) -> None:
        """States were replaced."""
        self._known[:] = False

    def _reserve(self, count: int) -> None:
        while count > len(self._known):
            self._known, self.standing = (np.concatenate([one, np.zeros(len(one), bool)]) for one in (self._known, self.standing))
            self._low, self._high = (np.concatenate([one, np.zeros(len(one), np.int64)]) for one in (self._low, self._high))
