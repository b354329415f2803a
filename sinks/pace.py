"""How often batches close: fresh while few partitions are active, never more inserts a second than ClickHouse can merge."""

from __future__ import annotations

from typing import Final

INSERTS_PER_SECOND: Final = 20
SHORTEST_LINGER: Final = 0.3


def linger(active: int) -> float:
    """Seconds a message may wait for its batch with `active` partitions: all of them together stay within INSERTS_PER_SECOND."""
    return max(SHORTEST_LINGER, active / INSERTS_PER_SECOND)


class Pace:
    """A bucket of inserts, filled at INSERTS_PER_SECOND, holding at most one second's worth. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._left, self._at = float(INSERTS_PER_SECOND), now

    def take(self, now: float) -> bool:
        """Is there an insert left? Takes it."""
        self._left = min(float(INSERTS_PER_SECOND), self._left + (now - self._at) * INSERTS_PER_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
