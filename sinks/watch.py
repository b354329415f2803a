"""Reconciliation on a schedule, in a thread of the sink's process: are the rows there that the sink's positions say are there?

Every `NHIP_RECONCILE_MINUTES` the dense topics (`obs.*`) are looked at as `nhip reconcile` does. What is missing is told in four places:
the metric `nhip_missing_rows`, the process's health, its log, and, once for each finding that differs from the one before, a line
of `ops.audit`. Nothing is repaired by itself: a hole that opens again and again is a fault to be found; `nhip reconcile --repair` closes
it. A look that fails (a server away) says so in the log and is tried again at the next turn.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final, Protocol

import structlog

from sinks import clickhouse, reconciliation, retention
from sinks.clients import GROUP
from sinks.reconciliation import Missing, Place, Store, is_dense
from sinks.tables import routes
from transport.audit import Deed, write
from transport.settings import Settings
from transport.tail import Tail
from transport.topics import Topic, table

NEVER: Final = "reconcile"
"""A group that commits nothing: its «position» is the oldest message kept."""
FIRST_SECONDS: Final = 60.0
"""The first look: a sink that has just started catches up first."""
GAP: Final = "reconcile.gap"
ACTOR: Final = "sink"
SHOWN: Final = 100

log = structlog.get_logger(__name__)


class Teller(Protocol):
    """The process's metrics (transport.metrics.Metrics)."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""

    def check(self, name: str, check: Callable[[], str]) -> None:
        """Add a check of the process's health: what is wrong, empty for nothing."""


def places(settings: Settings, topics: Mapping[str, Topic]) -> list[Place]:
    """The partitions with what is due in each: from the oldest message kept to the sink's committed position.

    Raises KafkaException, OffsetsUnknown, TimeoutError.
    """
    known = routes(dict(topics), settings.topic_prefix)
    with closing(Tail(settings, GROUP)) as sink, closing(Tail(settings, NEVER)) as never:
        ends = sink.ends(topics)
        behind, kept = sink.unfolded(ends), never.unfolded(ends)
        firsts = {place: end - kept.get(place, 0) for place, end in ends.items()} | _not_forgotten(settings, never, ends)
    waits = {place: behind.get(place, 0) for place in ends}
    return [Place(topic, p, known[topic], firsts[topic, p], end - waits[topic, p], waits[topic, p])
            for (topic, p), end in sorted(ends.items())]  # fmt: skip


def _not_forgotten(settings: Settings, tail: Tail, ends: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    """Where the rows begin that no policy has deleted, of the topics whose rows carry an access level."""
    shortest = retention.load(settings.home).shortest_ms()
    limited = [place for place in ends if place[0].removeprefix(settings.topic_prefix).startswith("obs.")]
    if shortest is None or not limited:
        return {}
    found = tail.since(limited, time.time_ns() // 1_000_000 - shortest)
    return {place: offset if offset >= 0 else ends[place] for place, offset in found.items()}


def dense_topics(settings: Settings) -> dict[str, Topic]:
    """The topics that are looked at: a message at every offset."""
    return {name: topic for name, topic in table(settings.topic_prefix).items() if is_dense(topic, settings.topic_prefix)}


def look(settings: Settings, topics: Mapping[str, Topic]) -> list[Missing]:
    """What each partition with anything due lacks, of dense topics. Raises as `places`, and clickhouse.Unavailable, ClickHouseError."""
    due = [place for place in places(settings, topics) if place.first < place.end]
    with clickhouse.connected(settings) as client:
        store: Store = client
        return [reconciliation.dense(store, place) for place in due]


class Watch(threading.Thread):
    """Looks until `stop` is set. `topics`: those to look at, the dense ones by default."""

    def __init__(self, settings: Settings, teller: Teller, stop: threading.Event, topics: Mapping[str, Topic] | None = None) -> None:
        super().__init__(name="reconciliation", daemon=True)
        self._settings, self._teller, self._stopped = settings, teller, stop
        self._topics = dense_topics(settings) if topics is None else topics
        self._said: dict[str, Any] = {}
        self._missing = 0
        teller.check("reconciliation", self._health)

    def run(self) -> None:
        """Look, wait, look again."""
        pause = FIRST_SECONDS
        while not self._stopped.wait(min(pause, self._settings.reconcile_minutes * 60)):
            pause = self._settings.reconcile_minutes * 60
            try:
                self.turn()
            except Exception as error:  # the thread's boundary: a server that is away must not end the watch, and its absence is told
                log.warning("sink.not_reconciled", why=type(error).__name__)

    def turn(self) -> int:
        """One look; returns how many rows are missing. Raises as `look`, DeliveryError."""
        found = look(self._settings, self._topics)
        by_topic = dict.fromkeys(self._topics, 0)
        for one in found:
            by_topic[one.place.topic] += one.count
        for topic, count in by_topic.items():
            self._teller.gauge("nhip_missing_rows", count, topic=topic.removeprefix(self._settings.topic_prefix))
        self._missing = sum(by_topic.values())
        self._tell({f"{one.place.topic} [{one.place.partition}]": one for one in found if one.count})
        return self._missing

    def _tell(self, gaps: Mapping[str, Missing]) -> None:
        """Log and audit what was not told before; what is whole again may be told anew."""
        fresh = {name: one for name, one in gaps.items() if self._said.get(name) != one.ranges}
        deeds = []
        for name, one in fresh.items():
            log.error("sink.rows_missing", partition=name, count=one.count, ranges=one.ranges[:SHOWN], do="nhip reconcile --repair")
            facts = {"missing": one.count, "ranges": one.ranges[:SHOWN], "whole": one.whole}
            deeds.append(Deed(at=time.time_ns() // 1_000_000, actor=ACTOR, did=GAP, on=name, why="scheduled reconciliation",
                              run=str(uuid.uuid4()), result="incomplete", facts=facts))  # fmt: skip
        if deeds:
            write(self._settings, deeds)
        self._said = {name: list(one.ranges) for name, one in gaps.items()}

    def _health(self) -> str:
        if not self._missing:
            return ""
        return f"thiếu {self._missing} dòng trong ClickHouse: `nhip reconcile` / rows are missing in ClickHouse"
