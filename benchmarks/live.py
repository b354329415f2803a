"""The ends of the latency measurement: the feeder, which keeps a rate and notes when a causing reading was appended, the listener, which
notes when its alert event was, and the witness, which notes when channels had taken its messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from benchmarks.readings import Planned
from benchmarks.series_encoder import SeriesEncoder
from transport.columnar_writer import AvroDecoder
from transport.kafka_clients import consumer, producer
from transport.registry import Registry
from transport.settings import Settings
from transport.topics import table

Place = tuple[int, int]
"""Partition and offset of a reading in obs.emergency."""

CHANGES: Final = frozenset({"opened", "worse", "better", "cleared", "corrected", "cancelled"})
"""Transitions that a reading causes; acts and timers cause the others."""


class Cause(NamedTuple):
    """A reading that changes an alarm. `appended_ms`: the broker's clock; `sent_s`: handed to the client, epoch seconds."""

    change: str
    appended_ms: int
    sent_s: float


class Seen(NamedTuple):
    """An alert event: when the broker appended it, when a read_committed reader had it (epoch seconds)."""

    change: str
    appended_ms: int
    read_s: float


class Feeder(threading.Thread):
    """Sends the load at `rate` readings a second until `stop` is set. `causes`: readings that change an alarm, by place."""

    def __init__(self, settings: Settings, load: Iterator[Planned], encoder: SeriesEncoder, rate: int) -> None:
        super().__init__(name="feeder", daemon=True)
        self._producer = producer(settings, linger_ms=0)
        self._topic = f"{settings.topic_prefix}obs.emergency"
        self._load, self._encoder, self._rate = load, encoder, rate
        self.stop = threading.Event()
        self.causes: dict[Place, Cause] = {}
        self.sent = self.delivered = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Keep the rate; end with everything acknowledged."""
        try:
            started = time.monotonic()
            while not self.stop.is_set():
                due = int((time.monotonic() - started) * self._rate)
                while self.sent < due:
                    self._send(next(self._load))
                self._producer.poll(0)
                time.sleep(0.002)
            self._producer.flush(30)
        except BaseException as error:  # a thread's end: kept for the measurement, which raises it
            self.failure = error

    def _send(self, planned: Planned) -> None:
        at, change = time.time(), planned.change

        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                raise KafkaException(error)
            self.delivered += 1
            if change:
                self.causes[message.partition() or 0, message.offset() or 0] = Cause(change, message.timestamp()[1], at)

        key = self._encoder.keys[planned.reading.series]
        self._producer.produce(self._topic, key=key, value=self._encoder.encode(planned.reading), on_delivery=report)
        self.sent += 1


class Reader(threading.Thread):
    """Reads all of a topic, read_committed, until `stop` is set; `failure`: what ended it early."""

    def __init__(self, settings: Settings, registry: Registry, name: str, topic: str, schema: str) -> None:
        super().__init__(name=name, daemon=True)
        full = f"{settings.topic_prefix}{topic}"
        self._decoder = AvroDecoder(schema, registry.schema)
        self._consumer = consumer(settings, f"latency-{name}", fetch_wait_max_ms=10, fetch_min_bytes=1)
        self._consumer.assign([TopicPartition(full, p, 0) for p in range(table(settings.topic_prefix)[full].partitions)])
        self.stop = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Note every record until told to stop."""
        try:
            while not self.stop.is_set():
                for message in self._consumer.consume(500, 0.01):
                    self._take(message, time.time())
        except BaseException as error:  # a thread's end: kept for the measurement, which raises it
            self.failure = error
        finally:
            self._consumer.close()

    def _take(self, message: Message, at: float) -> None:
        error = message.error()
        if error is not None:
            raise KafkaException(error)
        value = message.value()
        self.note(self._decoder.decode(value if isinstance(value, bytes) else None), message.timestamp()[1], at)

    def note(self, record: dict[str, Any], appended_ms: int, at: float) -> None:
        """One record: when the broker appended it (epoch ms), when it was read here (epoch seconds)."""
        raise NotImplementedError


class Listener(Reader):
    """Reads alerts.events. `seen`: events by the place of the reading that caused them; `doubled`: second events of one cause; `appended`:
    event id → epoch ms of the append."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        super().__init__(settings, registry, "listener", "alerts.events", "alert_event")
        self.seen: dict[Place, Seen] = {}
        self.appended: dict[str, int] = {}
        self.doubled = 0

    def note(self, event: dict[str, Any], appended_ms: int, at: float) -> None:
        """An event, where a reading caused it."""
        self.appended[event["event_id"]] = appended_ms
        if event["transition"] not in CHANGES:
            return
        place = event["source_partition"], event["source_offset"]
        if place in self.seen:
            self.doubled += 1
        else:
            self.seen[place] = Seen(event["transition"], appended_ms, at)


class Witness(Reader):
    """Reads notify.results. `handed`: (event id, epoch ms of the append) of every message of the direct lane that a channel took."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        super().__init__(settings, registry, "witness", "notify.results", "notification")
        self.handed: list[tuple[str, int]] = []

    def note(self, result: dict[str, Any], appended_ms: int, at: float) -> None:
        """A message, where a channel took it."""
        if result["lane"] == "direct" and result["state"] == "handed_over":
            self.handed.append((result["event_id"], appended_ms))
