"""Messages of one partition that may leave, as one look at the ledger found them.

A look goes over every message that waits: which may leave, in which order. With ten thousand waiting it takes a fifth of a second, and a
channel that takes one message at a time would ask for one after every message. So a look holds for a while that grows with what waits;
whoever takes from it asks each message again whether it still may leave. And where nothing may leave (a night in which ten thousand wait
for the morning), there is no further look before the first of them may, something else has moved, or something new has come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from alerts.notification import Notification

ROWS_A_MS = 10
"""A look over so many waiting messages holds a millisecond: it takes about a seventh of that time. Up to nine, every look is new."""
NEVER = 1 << 62
"""Epoch ms: nothing waits."""


class Queue:
    """Found messages by channel, those of the direct lane first, then the severe, then the older."""

    def __init__(self) -> None:
        self._found: dict[str, deque[Notification]] = {}
        self._looked_at, self._holds_ms, self._wakes_at = 0, 0, 0
        self._has_moved = self._has_news = True

    def __bool__(self) -> bool:
        """Is there a message left of the look?"""
        return any(self._found.values())

    def next_look(self, under_way: bool) -> int:
        """When to look anew, epoch ms. `under_way`: a message is, and may let another go when it comes back."""
        held = self._looked_at + self._holds_ms
        if self or under_way:
            return held
        if self._has_moved:
            return self._looked_at
        return min(held, self._wakes_at) if self._has_news else self._wakes_at

    def is_old(self, now: int, under_way: bool) -> bool:
        """Is it time to look anew? `now` in epoch ms; also after a clock that was put back."""
        return now < self._looked_at or now >= self.next_look(under_way)

    def look(self, found: Iterable[Notification], waiting: int, now: int, wakes_at: int) -> None:
        """Take over what a look found, over `waiting` messages; of the others none may leave, and the time of none is over, before
        `wakes_at` (epoch ms)."""
        self._found = {}
        for row in sorted(found, key=_order):
            self._found.setdefault(row.channel, deque()).append(row)
        self._looked_at, self._holds_ms, self._wakes_at = now, waiting // ROWS_A_MS, wakes_at
        self._has_moved = self._has_news = False

    def has_come(self, row: Notification, settled: bool) -> None:
        """A row was committed since the look. What was tried or settled lets another go, and a direct message waits for nothing."""
        if row.attempt or settled:
            self._has_moved = True
            return
        self._has_news = True
        if row.lane == "direct":
            self._holds_ms = 0

    def channels(self) -> Iterator[deque[Notification]]:
        """The messages of each channel, for the taking."""
        return iter(self._found.values())


def _order(row: Notification) -> tuple[bool, int, int, str]:
    return row.lane != "direct", -row.severity, row.requested_at, row.notification_key
