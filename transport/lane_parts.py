"""What a lane is made of beside itself: fold, writer, when the offset is due, and work that stands between two commits."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

from transport.transactions import Rows

OFFSET_SECONDS: Final = 1.0
"""How old the group's offset may get while lanes wait for each other."""

Interposed = Callable[[int], Awaitable[list[list[Rows]]]]
"""Work between two commits: next input offset → rows of one transaction after the other, each with the position row."""


class NotDone(RuntimeError):
    """Raised by interposed work that changed nothing; its cause is what whoever asked for it is told. The lane goes on."""


class LaneClosed(RuntimeError):
    """The partition went to another worker before what was interposed was committed."""


class OffsetDue:
    """When the group's offset goes along with a lane's commits: with every one of a lane that waits for nobody, else every OFFSET_SECONDS,
    and alone when a lane that owes it comes to rest.

    The position row says what is folded; the offset is only where a reader begins and what others measure lag by. Of the five answers that
    a commit waits for, two are the offset's.
    """

    def __init__(self) -> None:
        self._told, self._owed = 0.0, False

    def begin(self, *, owed: bool) -> None:
        """The lane opens."""
        self._told, self._owed = time.monotonic(), owed

    @property
    def due_at(self) -> float | None:
        """Monotonic seconds at which it must be told; None: nothing is owed."""
        return self._told + OFFSET_SECONDS if self._owed else None

    @property
    def is_due(self) -> bool:
        """Must it be told now, though there is nothing else to commit?"""
        return self._owed and time.monotonic() >= self._told + OFFSET_SECONDS

    def goes_along(self, *, at_once: bool) -> bool:
        """Does it go with the commit that begins now? Asked once a commit. `at_once`: nobody waits."""
        told = at_once or time.monotonic() >= self._told + OFFSET_SECONDS
        if told:
            self._told = time.monotonic()
        self._owed = not told
        return told


class Fold(Protocol):
    """The pure middle of a lane, one per input partition."""

    def restore(self) -> int:
        """Read the state rows and return the next input offset; blocking, called in a thread after the fence."""

    def fold(self, records: Sequence[Any], first: int, next_offset: int) -> list[Rows]:
        """Fold consumer records (offset order) covering [first, next_offset) into the rows to commit, the position row among them."""

    def refuse(self, record: Any, first: int, next_offset: int) -> list[Rows]:
        """Rows that send one record to the dead letters as `poison_crash`, unread, with the position row."""

    def due_at(self) -> float | None:
        """Monotonic seconds at which `settle` has something to do without new input; None: nothing waits."""

    def settle(self, position: int) -> list[Rows]:
        """Rows that became due without new input; empty when nothing changed."""


class Writer(Protocol):
    """The lane's way out: `transport.transactions.Transaction`, or the negative control of the fault tests."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def commit(self, source: tuple[str, int], next_offset: int, rows: Sequence[Rows], *, with_offset: bool = True) -> None: ...
