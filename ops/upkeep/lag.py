"""How far each consumer group is behind: in offsets, in messages' age, and how long it will take to close.

A position comes from the group's commits, an end from the broker. Control records and aborted rows of transactions lie behind many
positions and are nothing to read: a partition in which nothing else is left counts as read to its end. Age: the present against the
Kafka time stamp of the oldest message not yet read; a count of offsets alone says nothing of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, Protocol

from alerts.delivery import GROUP as DELIVERY
from alerts.leadership import GROUP as STORY
from sinks.clients import GROUP as SINK
from sinks.tables import routes
from stream_processors.context import GROUP as WORKER
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.tail import Place, Tail
from transport.topics import GROUPS, table

STAGES: Final = ("obs", "operands")
"""Families of topics that the worker reads; a test compares them with stream_processors.worker, whose import would take a second."""
READERS: Final = 4
LOOK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Lag:
    """One partition of a group. `behind`: offsets between position and end, an upper bound of messages where transactions write the topic.

    `oldest`: time stamp of the oldest message not yet read (epoch ms), None: nothing is left to read. `closing`: offsets a second by which
    it grew smaller between two looks, negative: it grew; None: one look only.
    """

    group: str
    topic: str
    partition: int
    offset: int
    end: int
    oldest: int | None = None
    closing: float | None = None

    @property
    def behind(self) -> int:
        """Offsets not yet read; 0 where only markers are left."""
        return 0 if self.oldest is None else self.end - self.offset

    def seconds(self, now: int) -> float:
        """Age of the oldest message not yet read at `now` (epoch ms); 0: nothing is left."""
        return 0.0 if self.oldest is None else max(0.0, (now - self.oldest) / 1000)

    def close_seconds(self) -> float | None:
        """Seconds until it is closed at the present pace: 0 nothing is left, None not known, infinite where it does not get smaller."""
        if not self.behind:
            return 0.0
        if self.closing is None:
            return None
        return self.behind / self.closing if self.closing > 0 else float("inf")


class Positions(Protocol):
    """What is asked of a group (transport.tail.Tail)."""

    def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        """The offset after the last message of each partition."""

    def unfolded(self, ends: Mapping[Place, int]) -> dict[Place, int]:
        """Offsets not committed, of the partitions that have any."""

    def exhausted(self, positions: Mapping[Place, int], seconds: float = ...) -> set[Place]:
        """Those partitions in which nothing is left to read."""

    def close(self) -> None:
        """Close the connections."""


Oldest = Callable[[Place, int, int], int | None]
"""(partition, position, end) → time stamp of the first message from there on in epoch ms; None where there is none."""


def groups(prefix: str = "") -> dict[str, tuple[str, ...]]:
    """Consumer group (without the installation's prefix) → full names of the topics it reads."""
    conditions = ("alerts.conditions", "alerts.conditions.emergency", "alerts.actions")
    return {
        WORKER: tuple(f"{prefix}{stage}.{group}" for stage in STAGES for group in GROUPS),
        SINK: tuple(sorted(routes(table(prefix), prefix))),
        STORY: tuple(prefix + name for name in conditions),
        DELIVERY: (f"{prefix}notify.requests",),
    }


def look(group: str, topics: Iterable[str], tail: Positions, oldest: Oldest) -> list[Lag]:
    """One look at a group, every partition, by topic. Raises what `tail` and `oldest` raise."""
    ends = tail.ends(topics)
    open_ = tail.unfolded(ends)
    at = {place: end - open_.get(place, 0) for place, end in ends.items()}
    waiting = {place: at[place] for place in open_}
    for place in tail.exhausted(waiting, LOOK_SECONDS):
        del waiting[place]
    with ThreadPoolExecutor(READERS) as pool:
        stamps = dict(zip(waiting, pool.map(lambda p: oldest(p, at[p], ends[p]), waiting), strict=True))
    return [Lag(group, topic, p, at[topic, p], end, stamps.get((topic, p))) for (topic, p), end in sorted(ends.items())]


def paced(before: Iterable[Lag], after: Iterable[Lag], seconds: float) -> list[Lag]:
    """The second look with the pace of each partition since the first, `seconds` earlier."""
    known = {(one.group, one.topic, one.partition): one.behind for one in before}
    return [replace(one, closing=(known.get((one.group, one.topic, one.partition), one.behind) - one.behind) / seconds) for one in after]


def look_at_all(settings: Settings, only: str = "") -> list[Lag]:
    """One look at every group, or at the one named. Raises KafkaException, TimeoutError, OffsetsUnknown, RestoreError."""
    found: list[Lag] = []
    for group, topics in groups(settings.topic_prefix).items():
        if only in ("", group):
            with closing(Tail(settings, group)) as tail:
                found += look(group, topics, tail, lambda place, at, end: oldest_of(settings, place, at, end))
    return found


def oldest_of(settings: Settings, place: Place, position: int, end: int) -> int | None:
    """The real `Oldest`. Raises RestoreError where an open transaction holds the partition for a minute."""
    batch = next(read_partition(settings, *place, position, end), None)
    return None if batch is None else int(batch[0].timestamp()[1])
