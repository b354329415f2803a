"""What a lane is made of beside itself: the fold in its middle, the writer at its end, and work that stands between two commits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from transport.transactions import Rows

Interposed = Callable[[int], Awaitable[list[list[Rows]]]]
"""Work between two commits: next input offset → rows of one transaction after the other, each with the position row."""


class NotDone(RuntimeError):
    """Raised by interposed work that changed nothing; its cause is what whoever asked for it is told. The lane goes on."""


class LaneClosed(RuntimeError):
    """The partition went to another worker before what was interposed was committed."""


class Fetched(list[Any]):
    """Records of one fetch. `follows`: the offset after the last record that was fetched of the partition before; 0: not known.

    Offsets alone do not show that records are missing where transactions leave markers among them. A rebalance may drop a fetch that was
    not yet handed on; if a later one arrives all the same, it follows records that its lane has never seen.
    """

    __slots__ = ("follows",)

    def __init__(self, records: Iterable[Any], follows: int) -> None:
        super().__init__(records)
        self.follows = follows


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
    async def commit(self, source: tuple[str, int], next_offset: int, rows: Sequence[Rows]) -> None: ...
