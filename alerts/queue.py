"""Messages of one partition that may leave, as one look at the ledger found them.

A look goes over every message that waits: which may leave, in which order. With ten thousand waiting it takes a fifth of a second, and a
channel that takes one message at a time would ask for one after every message. So a look holds for a while that grows with what waits;
whoever takes from it asks each message again whether it still may leave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from alerts.notification import Notification

ROWS_A_MS = 10
"""A look over so many waiting messages holds a millisecond: it takes about a seventh of that time. Up to nine, every look is new."""


class Queue:
    """Found messages by channel, those of the direct lane first, then the severe, then the older."""

    def __init__(self) -> None:
        self._found: dict[str, deque[Notification]] = {}
        self._looked_at, self._holds_ms = 0, 0

    def __bool__(self) -> bool:
        """Is there a message left of the look?"""
        return any(self._found.values())

    def is_old(self, now: int) -> bool:
        """Has the look held for its while? `now` in epoch ms; also after a clock that was put back."""
        return not 0 <= now - self._looked_at < self._holds_ms

    def look(self, found: Iterable[Notification], waiting: int, now: int) -> None:
        """Take over what a look found, over `waiting` messages."""
        self._found = {}
        for row in sorted(found, key=_order):
            self._found.setdefault(row.channel, deque()).append(row)
        self._looked_at, self._holds_ms = now, waiting // ROWS_A_MS

    def forget(self) -> None:
        """What was found does not hold any more: a message came that must not wait for the next look."""
        self._holds_ms = 0

    def channels(self) -> Iterator[deque[Notification]]:
        """The messages of each channel, for the taking."""
        return iter(self._found.values())


def _order(row: Notification) -> tuple[bool, int, int, str]:
    return row.lane != "direct", -row.severity, row.requested_at, row.notification_key
