"""Rate limits: a bucket of tokens per key (address, account), refilled by time. Bounded in number: the fullest buckets are forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

MOST_KEYS: Final = 10_000


class Limit:
    """`burst` at once, then `per_second`. `clock`: seconds, monotonic."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._clock = burst, per_second, clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> float:
        """0 where the key may go on; otherwise the seconds until it may."""
        now = self._clock()
        tokens, at = self._buckets.pop(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > MOST_KEYS:
            self._forget(now)
        return 0.0 if allowed else (1 - tokens) / self._rate

    def _forget(self, now: float) -> None:
        """Drop the half that would be fullest by now: forgetting a full bucket changes nothing."""
        order = sorted(self._buckets, key=lambda k: min(self._burst, self._buckets[k][0] + (now - self._buckets[k][1]) * self._rate))
        for name in order[MOST_KEYS // 2 :]:
            del self._buckets[name]
