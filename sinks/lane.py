"""One assigned partition as the consuming thread sees it: what is buffered, what is under way, what must come again first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import is_not, ne
from typing import Final

import numpy as np
from confluent_kafka import Message

from sinks.plan import Plan
from sinks.stretch import Stretch
from sinks.tables import Route
from sinks.writer import Batch

MAX_ROWS: Final = 131_072
MAX_BYTES: Final = 48 << 20
FLOOD_ROWS: Final = 8192
"""A partition that buffers so many messages before its batch would close is behind: it closes fewer and larger batches, since a merge of
two small blocks costs ClickHouse more than their insert."""
FLOOD_SECONDS: Final = 1.0
"""How long such a batch may grow, unless the partition's end is reached before: then there is nothing to wait for."""


@dataclass(slots=True)
class Lane:
    """State of one partition.

    `parts`: what is buffered, in the order of offsets; `count` and `bytes`: its messages and the bytes of their values.
    `repeat`: the plan the former owner left, to be built again before anything else. `since`: monotonic seconds at which the oldest
    buffered message came. `under_way`: the one batch that is planned and not yet done. `settle`: offset to commit with empty metadata once
    the lane is idle; -1: nothing to settle.
    """

    topic: str
    partition: int
    route: Route
    generation: str
    repeat: Plan | None = None
    parts: list[Stretch] = field(default_factory=list)
    count: int = 0
    bytes: int = 0
    since: float = 0.0
    under_way: Batch | None = None
    settle: int = -1
    idle_since: float = 0.0
    _end_seen: bool = False
    _at_end: bool = False
    _in_arrears: bool = False
    """The oldest buffered message lay in the topic before this lane read its end for the first time: it has waited elsewhere already."""

    def add(self, messages: list[Message], now: float) -> None:
        """Buffer messages in the order of their offsets."""
        if not self.count:
            self.since, self._in_arrears = now, not self._end_seen
        some = Stretch.of(messages, letters=self.route.reading == "dead_letter")
        self.parts.append(some)
        self.count, self.bytes = self.count + len(some), self.bytes + int(some.sizes.sum())
        self._at_end = False

    def end_reached(self) -> None:
        """The partition's end was read: a repeated range of which nothing more is left is complete."""
        self._end_seen = self._at_end = True

    def ready(self, now: float, linger: float) -> bool:
        """May a batch be closed now? `linger`: seconds its oldest message may wait; 0: close what there is.

        What lay in the topic before the lane was opened does not wait again: once its end is read, it goes. After a restart every
        partition is active at once, and all of them would linger for seconds.
        """
        if self.under_way is not None:
            return False
        if self.repeat is not None:
            return self._repeat_complete(self.repeat)
        if not self.count:
            return False
        if self.count >= MAX_ROWS or self.bytes >= MAX_BYTES:
            return True
        if self._in_arrears and self._at_end:
            return True
        waited = now - self.since
        behind = self.count >= FLOOD_ROWS and not self._at_end
        return waited >= (max(linger, FLOOD_SECONDS) if behind and linger else linger)

    def close(self) -> Batch | None:
        """Take a batch from the buffer; None where a repeated range holds no message any more (compacted away): it is then settled."""
        if self.repeat is not None:
            plan, self.repeat = self.repeat, None
            count = sum(int(np.searchsorted(part.offsets, plan.last, "right")) for part in self.parts)
            if not count:
                self.settle = plan.last + 1
                return None
            taken = self._take(count)
        else:
            taken = self._take(self._fitting())
            plan = Plan(taken.first, taken.last)
        self.under_way = Batch(self.topic, self.partition, self.route, plan, taken, plan.token(self.generation, self.topic, self.partition))
        self.settle = -1
        return self.under_way

    def put_back(self, batch: Batch, repeated: bool) -> None:
        """The plan was not committed: nothing of the batch was begun. A range that was to be repeated stays one."""
        self._hold([batch.messages, *self.parts])
        self.under_way = None
        if repeated:
            self.repeat = batch.plan

    def done(self, now: float) -> None:
        """The batch under way is in ClickHouse."""
        if self.under_way is not None:
            self.settle = self.under_way.plan.last + 1
            self.under_way = None
            self.idle_since = now

    @property
    def rests(self) -> bool:
        """Is there an end to commit with empty metadata? Of a batch that is in ClickHouse, and none is under way."""
        return self.settle >= 0 and self.under_way is None

    def idle(self, now: float, seconds: float) -> bool:
        """Is there such an end, and nothing came for a while?"""
        return self.rests and not self.count and now - self.idle_since >= seconds

    def _repeat_complete(self, plan: Plan) -> bool:
        return self._end_seen or bool(self.parts and self.parts[-1].last >= plan.last)

    def _fitting(self) -> int:
        count = min(self.count, MAX_ROWS)
        if self.bytes <= MAX_BYTES:
            return count
        sizes = np.concatenate([part.sizes for part in self.parts])[:count]
        return max(1, int(np.searchsorted(np.cumsum(sizes), MAX_BYTES, "right")))

    def _take(self, count: int) -> Stretch:
        """The first `count` messages out of the buffer, one at least."""
        taken: list[Stretch] = []
        rest, left = list(self.parts), count
        while left:
            part = rest.pop(0)
            if len(part) > left:
                part, behind = part.parted(left)
                rest.insert(0, behind)
            taken.append(part)
            left -= len(part)
        self._hold(rest)
        return Stretch.joined(taken)

    def _hold(self, parts: list[Stretch]) -> None:
        self.parts = parts
        self.count, self.bytes = sum(map(len, parts)), sum(int(part.sizes.sum()) for part in parts)


def cuts(messages: Sequence[Message]) -> list[int]:
    """Where a run of one partition ends, rising: before and after every error too, so that a run is messages or one error. By columns: this
    is asked of every message that comes."""
    found: set[int] = set()
    columns: tuple[list[object], ...] = list(map(Message.topic, messages)), list(map(Message.partition, messages))
    for places in columns:
        if places and places.count(places[0]) < len(places):
            found.update((np.flatnonzero(np.fromiter(map(ne, places, places[1:]), np.bool_, len(places) - 1)) + 1).tolist())
    # By identity: a KafkaError that is compared with None fails, and not at once.
    errors = np.flatnonzero(np.fromiter(map(is_not, map(Message.error, messages), repeat(None)), np.bool_, len(messages)))
    found.update(errors.tolist(), (errors + 1).tolist())
    return sorted(found)
