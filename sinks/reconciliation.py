"""What Kafka holds and ClickHouse lacks, per partition, and bringing it in through the sink's own writer.

Only what lies below the sink's committed position is due. Two ways of looking, both in bounded memory:

- **dense**: `obs.*` has no control records and is never compacted, so every offset from the oldest kept to the position must be a row, or a
  refusal in `dead.sinks`. Asked of ClickHouse alone, a slice of offsets at a time.
- **marks**: other topics have gaps of their own (markers, compaction), so their messages are read and their offsets asked for. A row of a
  compacted topic may be missing where a later one of its key is there.

A repair inserts under tokens of its own: `repair.<attempt>-…` over the exact offsets. The same repair again is the same insert; where rows
vanished after an earlier repair, the next attempt's token brings them in. The row's origin removes what two ways brought twice.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sinks.letters import STAGE
from sinks.plan import Plan
from sinks.stretch import Stretch
from sinks.tables import STATE_KEY, Route
from sinks.writer import Batch, Writer
from transport.topic_archive import former_offset
from transport.topics import DAY_MS, Topic

SLICE: Final = 2_000_000
"""Offsets asked for at once: their distinct count takes about 64 MB in the server."""
MOST_RANGES: Final = 10_000
MOST_PENDING: Final = 100_000
ROWS: Final = 16_384
APART: Final = 5_000
"""Gaps closer than this are read in one go: a new reader costs as much as these messages."""
REPAIR_SECONDS: Final = 120.0
_KEPT_MS: Final = {"dead_letters": 399 * DAY_MS}
"""Tables that forget (TTL) sooner than their topic: younger rows alone are compared."""
_READ: Final = {"aggregates": "aggregate_latest"}
"""Tables whose history is forgotten: the newest row of each key stands in another."""

Range = tuple[int, int]
"""First and last offset, both inclusive."""
Reader = Callable[[int, int], Iterable[Sequence[Any]]]
"""(first offset, offset after the last) → batches of that partition's messages in order."""


class Store(Protocol):
    """What is asked of ClickHouse (clickhouse_connect's client)."""

    def query(self, query: str, /, *, parameters: dict[str, Any]) -> Any:
        """An answer with `result_rows`."""


@dataclass(frozen=True, slots=True)
class Place:
    """A partition with its route and the offsets that are due: `first` to `end`, exclusive; `waiting`: so many follow, not yet due."""

    topic: str
    partition: int
    route: Route
    first: int
    end: int
    waiting: int = 0


@dataclass(slots=True)
class Missing:
    """What a partition lacks: `ranges` of offsets; `whole` False: there is more than was counted."""

    place: Place
    ranges: list[Range] = field(default_factory=list)
    whole: bool = True

    @property
    def count(self) -> int:
        """Offsets in the ranges."""
        return sum(last - first + 1 for first, last in self.ranges)


def is_dense(topic: Topic, prefix: str = "") -> bool:
    """Has the topic a message at every offset?"""
    return topic.name.removeprefix(prefix).startswith("obs.") and topic.cleanup == "delete"


def dense(store: Store, place: Place, *, refused: bool = False) -> Missing:
    """Look at a dense partition. `refused`: what `dead.sinks` holds counts as missing too. Raises ClickHouseError."""
    found = Missing(place)
    present = _present(place.route.table, refused)
    for first in range(place.first, place.end, SLICE):
        end = min(first + SLICE, place.end)
        asked = {"topic": place.topic, "partition": place.partition, "first": first, "end": end}
        if int(store.query(f"SELECT uniqExact(offset) FROM ({present})", parameters=asked).result_rows[0][0]) == end - first:
            continue
        rows = store.query(_GAPS.format(present=present), parameters=asked | {"before": first - 1, "most": MOST_RANGES}).result_rows
        for low, high in rows:
            _add(found.ranges, int(low), int(high))
        if len(found.ranges) >= MOST_RANGES:
            found.whole = False
            break
    return found


def marks(store: Store, place: Place, topic: Topic, read: Reader, now: int, *, refused: bool = False) -> Missing:
    """Look at a partition by its messages; `now` in epoch ms. Raises what `read` raises, ClickHouseError."""
    found, pending = Missing(place), dict[bytes | int, int]()
    oldest = now - _KEPT_MS.get(place.route.table, now)
    for batch in read(place.first, place.end):
        due = [m for m in batch if m.timestamp()[1] >= oldest]
        if not due:
            continue
        asked = {"topic": place.topic, "partition": place.partition, "first": due[0].offset(), "end": due[-1].offset() + 1}
        rows = store.query(_present(_READ.get(place.route.table, place.route.table), refused), parameters=asked).result_rows
        _settle(pending, due, {int(row[0]) for row in rows}, topic, place.route)
        if len(pending) > MOST_PENDING:
            found.whole = False
            break
    for offset in sorted(pending.values()):
        _add(found.ranges, offset, offset)
    return found


def repair(missing: Missing, read: Reader, writer: Writer, generation: str, attempt: int) -> int:
    """Bring in what is missing; returns how many messages Kafka still had. Raises as Writer.write; Abandoned after REPAIR_SECONDS."""
    place, count = missing.place, 0
    for messages in _wanted(missing.ranges, read):
        some = Stretch.of(messages, letters=place.route.reading == "dead_letter")
        offsets = some.offsets.tolist()
        digest = zlib.crc32(b",".join(b"%d" % offset for offset in offsets))
        plan = Plan(offsets[0], offsets[-1])
        token = f"repair.{attempt}-{plan.token(generation, place.topic, place.partition)}-{len(offsets)}-{digest:08x}"
        batch = Batch(place.topic, place.partition, place.route, plan, some, token)
        deadline = threading.Timer(REPAIR_SECONDS, batch.abandoned.set)
        deadline.daemon = True
        deadline.start()
        try:
            writer.write(batch)
        finally:
            deadline.cancel()
        count += len(messages)
    return count


def _wanted(ranges: Sequence[Range], read: Reader) -> Iterator[list[Any]]:
    """The messages at these offsets, at most ROWS at a time."""
    held: list[Any] = []
    for near in _neighbours(ranges):
        at = 0
        for batch in read(near[0][0], near[-1][1] + 1):
            for m in batch:
                while at < len(near) and near[at][1] < m.offset():
                    at += 1
                if at < len(near) and near[at][0] <= m.offset():
                    held.append(m)
                if len(held) >= ROWS:
                    yield held
                    held = []
    if held:
        yield held


def _neighbours(ranges: Sequence[Range]) -> Iterator[list[Range]]:
    """Runs of ranges that lie closer together than APART."""
    run: list[Range] = []
    for one in ranges:
        if run and one[0] - run[-1][1] > APART:
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _settle(pending: dict[bytes | int, int], batch: Sequence[Any], there: set[int], topic: Topic, route: Route) -> None:
    """Take note of one batch: what is missing waits under its key, and is settled by a later row of the key that is there."""
    for m in batch:
        key, offset = m.key() or b"", int(m.offset())
        if route.leave and key.startswith(STATE_KEY):
            continue
        name: bytes | int = key if topic.cleanup == "compact" else offset
        if m.value() is None or offset in there or former_offset(m) != offset:  # restored: its row came with the tables
            pending.pop(name, None)
        else:
            pending[name] = offset


def _add(ranges: list[Range], first: int, last: int) -> None:
    if ranges and ranges[-1][1] + 1 == first:
        ranges[-1] = (ranges[-1][0], last)
    else:
        ranges.append((first, last))


def _present(table: str, refused: bool) -> str:
    """The distinct offsets of a stretch that are rows, or are told as refused."""
    rows = _ROWS.format(column="offset", table=table, origin="", where="1")
    if refused:
        return rows
    told = _ROWS.format(column="original_offset", table="dead_letters", origin="original_", where=f"stage = '{STAGE}'")
    return f"{rows} UNION DISTINCT {told}"


_ROWS: Final = """SELECT DISTINCT {column} AS offset FROM {table}
WHERE {where} AND {origin}topic = {{topic:String}} AND {origin}partition = {{partition:Int32}}
    AND {column} >= {{first:Int64}} AND {column} < {{end:Int64}}"""
_GAPS: Final = """SELECT before + 1, offset - 1 FROM
(
    SELECT offset, lagInFrame(offset, 1, {{before:Int64}}) OVER (ORDER BY offset ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
    FROM (SELECT offset FROM ({present}) UNION ALL SELECT {{end:Int64}} AS offset)
)
WHERE offset > before + 1 ORDER BY offset LIMIT {{most:UInt32}}"""
