"""One run of reconciliation over topics and partitions: look, and where it is asked for, repair and look again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ops.stack.control import StackError
from ops.upkeep import trail
from sinks import clickhouse, reconciliation
from sinks.decode import Decoder
from sinks.generation import generations
from sinks.letters import LetterBox
from sinks.preparation import forget
from sinks.reconciliation import Missing, Place, Reader, Store, is_dense
from sinks.tables import routes
from sinks.watch import places
from sinks.writer import Abandoned, Writer
from transport import kafka_clients
from transport.registry import Registry
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.topics import Topic, table

ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `topic`: short name, empty: every dense one; `every`: all topics; `refused`: what ClickHouse refused counts too."""

    topic: str
    every: bool
    repair: bool
    refused: bool
    actor: str
    why: str
    run: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One partition: what is still missing, and how many messages were brought in."""

    missing: Missing
    repaired: int = 0

    @property
    def due(self) -> int:
        """Offsets looked at."""
        return self.missing.place.end - self.missing.place.first

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        place = self.missing.place
        return {
            "topic": place.topic, "partition": place.partition, "first": place.first, "end": place.end, "waiting": place.waiting,
            "missing": self.missing.count, "ranges": self.missing.ranges, "whole": self.missing.whole, "repaired": self.repaired,
        }  # fmt: skip


def chosen(request: Request, prefix: str) -> list[Topic]:
    """The topics of a request. Raises StackError for one that does not go into ClickHouse."""
    known = {name: topic for name, topic in table(prefix).items() if name in routes(table(prefix), prefix)}
    if request.topic:
        if prefix + request.topic not in known:
            raise StackError(f"«{request.topic}» không vào ClickHouse: xem docs/architecture.md / this topic does not go into ClickHouse")
        return [known[prefix + request.topic]]
    return [topic for topic in known.values() if request.every or is_dense(topic, prefix)]


def match(settings: Settings, request: Request) -> Iterator[Outcome]:
    """Every partition of the topics asked for, one after the other; a repair is written to the audit before the next one begins.

    Raises StackError, sinks.clickhouse.Unavailable or NotReady, RestoreError, OffsetsUnknown, KafkaException, ClickHouseError.
    """
    topics = {topic.name: topic for topic in chosen(request, settings.topic_prefix)}
    with clickhouse.connected(settings) as client, Registry(settings) as registry:
        clickhouse.check_ready(client, {routes(topics, settings.topic_prefix)[name].table for name in topics})
        for place in places(settings, topics):
            look = partial(_look, settings, client, place, topics[place.topic], request.refused)
            missing, repaired = look(), 0
            if request.repair and missing.count:
                writer = Writer(lambda: clickhouse.connect(settings), Decoder(registry.schema), LetterBox(settings, registry))
                with closing(writer):
                    missing, repaired = _repaired(settings, client, missing, look, writer)
                trail.write(settings, [_deed(request, place, missing, repaired)])
            yield Outcome(missing, repaired)


def _look(settings: Settings, store: Store, place: Place, topic: Topic, refused: bool) -> Missing:
    if place.first >= place.end:  # nothing is due: hundreds of partitions are empty, and each would cost a reader
        return Missing(place)
    if is_dense(topic, settings.topic_prefix):
        return reconciliation.dense(store, place, refused=refused)
    return reconciliation.marks(store, place, topic, reader(settings, place), time.time_ns() // 1_000_000, refused=refused)


def reader(settings: Settings, place: Place) -> Reader:
    """Reads stretches of a place's partition from Kafka."""
    return lambda first, end: read_partition(settings, place.topic, place.partition, first, end)


def _repaired(settings: Settings, client: Any, missing: Missing, look: Callable[[], Missing], writer: Writer) -> tuple[Missing, int]:
    """Repair until nothing is missing, Kafka has nothing more to give, or the attempts are used up. Raises StackError."""
    place, count = missing.place, 0
    generation = generations(client, kafka_clients.admin(settings), {place.topic: place.route})[place.topic]
    for attempt in range(1, ATTEMPTS + 1):
        try:
            read = reconciliation.repair(missing, reader(settings, place), writer, generation, attempt)
        except Abandoned as error:
            raise StackError(f"{place.topic} [{place.partition}]: ClickHouse không nhận trong {reconciliation.REPAIR_SECONDS:g} giây; "
                             "chạy lại sau, không gì bị tính hai lần / not taken in time: run again, nothing counts twice"
                             ) from error  # fmt: skip
        before, missing = missing.count, look()
        count += max(0, before - missing.count)
        if not missing.count or not read:
            break
    forget(client)  # what came in lies behind the offsets of foldings
    return missing, count


def _deed(request: Request, place: Place, missing: Missing, repaired: int) -> trail.Deed:
    facts = {"brought_in": repaired, "missing": missing.count, "ranges": missing.ranges[:100]}
    return trail.Deed(at=time.time_ns() // 1_000_000, actor=request.actor, did=trail.REPAIRED, on=f"{place.topic} [{place.partition}]",
                      why=request.why, run=request.run, result="complete" if not missing.count else "incomplete", facts=facts)  # fmt: skip
