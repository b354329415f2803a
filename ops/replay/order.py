"""From an operator's words to the pieces of a job: topics, partitions and ranges of offsets."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from indicators.instant import VIETNAM
from ops.stack.control import StackError
from transport import kafka_clients
from transport.replay_jobs import Piece
from transport.selection import Condition, Selection, SelectionError
from transport.settings import Settings
from transport.tail import Place, Tail
from transport.topics import table

NEVER: Final = "replay"
"""A group that commits nothing: its position is the oldest message kept."""
ANSWER_SECONDS: Final = 6.0
FORMATS: Final = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which stretch of a topic. `topic`: short name; `partition` -1: all; times: Kafka's time stamps in epoch ms, 0: open; offsets: -1
    open, `until` not included."""

    topic: str
    partition: int = -1
    since: int = 0
    before: int = 0
    first: int = -1
    until: int = -1


def instant(text: str) -> int:
    """Epoch ms of a wall time in Vietnam; empty: 0. Raises StackError."""
    if not text:
        return 0
    for form in FORMATS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=VIETNAM).timestamp() * 1000)
        except ValueError:
            continue
    raise StackError(f"«{text}»: viết ngày dd/mm/yyyy hoặc dd/mm/yyyy HH:MM / write a date like 31/12/2026 or 31/12/2026 08:30")


def selected(keys: Iterable[str], indicators: Iterable[str], territories: Iterable[str], where: Iterable[str]) -> Selection:
    """The selection that options make. Raises StackError."""
    try:
        conditions = tuple(Condition.parse(one) for one in where)
    except SelectionError as error:
        raise StackError(str(error)) from error
    return Selection(keys=tuple(keys), indicators=tuple(indicators), territories=tuple(territories), where=conditions)


def exists(settings: Settings, topic: str) -> bool:
    """Does the cluster have this topic (full name)? Raises KafkaException."""
    return topic in kafka_clients.admin(settings).list_topics(timeout=ANSWER_SECONDS).topics


def pieces(settings: Settings, asked: Range) -> tuple[Piece, ...]:
    """One piece for each partition that holds something of the range. Raises StackError, KafkaException, TimeoutError, OffsetsUnknown."""
    full = settings.topic_prefix + asked.topic
    known = table(settings.topic_prefix)
    if full not in known:
        raise StackError(f"«{asked.topic}» không có trong bảng chủ đề: docs/architecture.md / no such topic")
    if asked.partition >= known[full].partitions:
        raise StackError(f"{asked.topic}: chỉ có {known[full].partitions} phân vùng / partitions")
    with closing(Tail(settings, NEVER)) as tail:
        ends = tail.ends([full])
        kept = {place: end - tail.unfolded(ends).get(place, 0) for place, end in ends.items()} if any(ends.values()) else dict(ends)
        low = tail.at_time([full], asked.since) if asked.since else kept
        high = tail.at_time([full], asked.before) if asked.before else ends
    found = (_piece(place, asked, max(kept[place], low[place]), min(ends[place], high[place])) for place in sorted(ends))
    return tuple(piece for piece in found if piece.records and asked.partition in (-1, piece.partition))


def _piece(place: Place, asked: Range, low: int, high: int) -> Piece:
    first = max(low, asked.first) if asked.first >= 0 else low
    until = min(high, asked.until) if asked.until >= 0 else high
    return Piece(*place, first, max(first, until))
