"""From a reading appended to its alert event appended: worker and alerts as `nhip run` starts them, readings at a steady rate.

Both instants are the broker's (LogAppendTime on the two topics, so one clock): the reading's record in obs.emergency, and the event's
record in alerts.events, which lies behind the commit of the worker. Beside it: from handing the reading to a producer until a
read_committed reader holds the event, which is what a screen would show. Every planned change must have exactly one event.

The hand-over: from the event appended until the row in notify.results that says a channel took the message (here the console's file, so the
figure is ours and not a provider's), over every message of the direct lane.

The burst: loggers that were cut off for thirty minutes send what they kept, all at once, into the same topic, while live readings go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType  # type: ignore[attr-defined]

from benchmarks.ground import ANSWER_SECONDS, MeasurementError, fill, own_settings, process, topics
from benchmarks.live import Cause, Feeder, Listener, Place, Reader, Seen, Witness
from benchmarks.readings import CYCLE, Rivers
from benchmarks.series_encoder import SeriesEncoder
from benchmarks.spread import percentile
from indicators.instant import DAY_MS
from indicators.vocabulary import Vocabulary
from stream_processors.context import GROUP
from transport.columnar_writer import AvroEncoder
from transport.kafka_clients import admin, consumer
from transport.registry import Registry
from transport.settings import Settings
from transport.topics import GROUPS

OBS: Final = "obs.emergency"
EVENTS: Final = "alerts.events"
RESULTS: Final = "notify.results"
START_SECONDS: Final = 90.0
DRAIN_SECONDS: Final = 180.0
BURST_MINUTES: Final = 30
FEWEST: Final = 20
"""Changes that a percentile of a part of the run needs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate` readings a second; `settle` seconds of load before anything is counted, from the first alert on; `seconds` of steady load in
    `parts`; `burst` readings at once, then `after_seconds` of steady load. `cycle`: readings of a river from flood to flood.
    """

    rate: int = 1000
    seconds: float = 60.0
    parts: int = 3
    burst: int = 1_800_000
    after_seconds: float = 20.0
    settle: float = 5.0
    cycle: int = CYCLE


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds from reading to event over `changes` changes: appended → appended, and sent → read by a committed reader."""

    changes: int
    p50: float
    p95: float
    p99: float
    most: float
    read_p50: float
    read_p99: float


@dataclass(frozen=True, slots=True)
class HandOver:
    """Seconds from event appended to the result of a direct message appended, over `messages`."""

    messages: int
    p50: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True)
class LatencyRun:
    """`parts`: the steady load cut in equal parts; `direct`: its hand-overs, None where they are too few (a storm is told in
    summaries); `during`, `after`: changes while the worker was behind, and
    afterwards."""

    rate_per_s: float
    steady: Delay
    parts: Sequence[Delay]
    direct: HandOver | None
    burst: int
    drained_s: float
    during: Delay | None
    after: Delay | None


class Clock:
    """Instants that bound the parts of a run, epoch ms as the broker's."""

    def __init__(self) -> None:
        self.marks: list[int] = []

    def mark(self) -> None:
        """Now."""
        self.marks.append(time.time_ns() // 1_000_000)


def measure(settings: Settings, plan: Plan, name: str = "live") -> LatencyRun:
    """One run. Raises MeasurementError where a change has no event, two events, or another one, or a process ends."""
    own = own_settings(settings, name)
    rivers = Rivers(Vocabulary.load(own.home), time.time_ns() // 1_000_000 - 5 * DAY_MS, plan.cycle)
    with Registry(own) as registry, topics(own, ("",)):
        stamp_by_broker(own)
        encoder = SeriesEncoder(AvroEncoder("observation", registry.id_of("observation")), rivers.templates)
        burst = [(encoder.keys[r.series], encoder.encode(r)) for r in rivers.burst(plan.burst, BURST_MINUTES * 60_000)]
        feeder, clock = Feeder(own, rivers.readings(), encoder, plan.rate), Clock()
        listener, witness = Listener(own, registry), Witness(own, registry)
        with process(own, "worker"), process(own, "alerts"), _running(feeder, listener, witness):
            drained, rate = _phases(own, plan, burst, clock, feeder, listener)
    direct = _hand_over(listener, witness, clock.marks[0], clock.marks[plan.parts])
    return _result(plan, clock.marks, feeder.causes, listener, (rate, drained, direct))


def _phases(
    settings: Settings, plan: Plan, burst: list[tuple[bytes, bytes]], clock: Clock, feeder: Feeder, listener: Listener
) -> tuple[float, float]:
    """Warm up, steady load, burst, afterwards; returns the seconds until the burst was folded and the rate kept in the steady part."""
    _until(lambda: bool(listener.seen), START_SECONDS, "the first alert event", feeder, listener)
    time.sleep(plan.settle)
    sent, began = feeder.sent, time.monotonic()
    clock.mark()
    for _ in range(plan.parts):
        time.sleep(plan.seconds / plan.parts)
        clock.mark()
    rate = (feeder.sent - sent) / (time.monotonic() - began)
    drained = 0.0
    if burst:
        began = time.monotonic()
        fill(settings, OBS, burst)
        _await_folded(settings, feeder, listener)
        drained = time.monotonic() - began
        clock.mark()
        time.sleep(plan.after_seconds)
        clock.mark()
    feeder.stop.set()
    feeder.join(ANSWER_SECONDS)
    _until(lambda: feeder.causes.keys() <= listener.seen.keys(), ANSWER_SECONDS, "an event of every change", feeder, listener)
    return drained, rate


@contextmanager
def _running(feeder: Feeder, *readers: Reader) -> Iterator[None]:
    threads: tuple[Feeder | Reader, ...] = (*readers, feeder)
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in reversed(threads):
            thread.stop.set()
            thread.join(ANSWER_SECONDS)


def _until(true: Callable[[], bool], seconds: float, what: str, *threads: Feeder | Listener) -> None:
    """Wait until it is true. Raises MeasurementError at the deadline or where a thread failed."""
    ends = time.monotonic() + seconds
    while not true():
        for thread in threads:
            if thread.failure is not None:
                raise MeasurementError(f"latency: the {thread.name} failed") from thread.failure
        if time.monotonic() > ends:
            raise MeasurementError(f"latency: {what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def stamp_by_broker(settings: Settings) -> None:
    """Record timestamps of the topics are the instant of the append."""
    entry = ConfigEntry("message.timestamp.type", "LogAppendTime", incremental_operation=AlterConfigOpType.SET)
    names = [settings.topic_prefix + name for name in (OBS, EVENTS, RESULTS)]
    resources = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry]) for name in names]
    client = admin(settings)
    for future in client.incremental_alter_configs(resources).values():
        future.result(ANSWER_SECONDS)


def _await_folded(settings: Settings, feeder: Feeder, listener: Listener) -> None:
    """Until the worker's group has committed everything that lay in the topic when this began."""
    reader = consumer(settings, GROUP, read_committed=False)  # else each answer waits until no transaction of twelve lanes is open
    try:
        topic = settings.topic_prefix + OBS
        partitions = [TopicPartition(topic, p) for p in range(GROUPS["emergency"])]
        ends = [reader.get_watermark_offsets(p, ANSWER_SECONDS)[1] for p in partitions]

        def folded() -> bool:
            committed = reader.committed(partitions, ANSWER_SECONDS)
            return all(c.offset >= end or end == 0 for c, end in zip(committed, ends, strict=True))

        _until(folded, DRAIN_SECONDS, "the burst folded", feeder, listener)
    finally:
        reader.close()


def _result(
    plan: Plan, marks: list[int], causes: dict[Place, Cause], listener: Listener, measured: tuple[float, float, HandOver | None]
) -> LatencyRun:
    seen, (rate, drained, direct) = listener.seen, measured
    wrong = [place for place, cause in causes.items() if place not in seen or seen[place].change != cause.change]
    if wrong or listener.doubled or seen.keys() - causes.keys():
        more = len(seen.keys() - causes.keys())
        text = f"{len(wrong)} changes without their event, {more} events without a change, {listener.doubled} doubled"
        raise MeasurementError(f"latency: {text}")
    parts = plan.parts
    spans = [_delay(causes, seen, marks[i], marks[i + 1]) for i in range(parts)]
    steady = _delay(causes, seen, marks[0], marks[parts])
    during = _delay(causes, seen, marks[parts], marks[parts + 1], 1) if plan.burst else None
    after = _delay(causes, seen, marks[parts + 1], marks[parts + 2], 1) if plan.burst else None
    return LatencyRun(rate, steady, spans, direct, plan.burst, drained, during, after)


def _hand_over(listener: Listener, witness: Witness, first_ms: int, until_ms: int) -> HandOver | None:
    """Over the events appended in [first, until)."""
    seconds = [
        (at - appended) / 1000 for event, at in witness.handed if first_ms <= (appended := listener.appended.get(event, 0)) < until_ms
    ]
    if len(seconds) < FEWEST:
        return None
    return HandOver(len(seconds), percentile(seconds, 50), percentile(seconds, 99), max(seconds))


def _delay(causes: dict[Place, Cause], seen: dict[Place, Seen], first_ms: int, until_ms: int, fewest: int = FEWEST) -> Delay:
    """Over the causes appended in [first, until)."""
    places = [place for place, cause in causes.items() if first_ms <= cause.appended_ms < until_ms]
    if len(places) < fewest:
        seconds = (until_ms - first_ms) / 1000
        raise MeasurementError(f"latency: {len(places)} changes in {seconds:.0f} s are too few to speak of; measure longer")
    appended = [(seen[p].appended_ms - causes[p].appended_ms) / 1000 for p in places]
    read = [seen[p].read_s - causes[p].sent_s for p in places]
    return Delay(
        len(places), percentile(appended, 50), percentile(appended, 95), percentile(appended, 99), max(appended), percentile(read, 50),
        percentile(read, 99),
    )  # fmt: skip
