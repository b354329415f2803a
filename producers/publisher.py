"""The publisher: observations into `obs.<group>`, rejects into `dead.producers` and the report for their provider.

`deliver` returns only when every message is acknowledged by all in-sync replicas (idempotent producer, acks=all, delivery reports
counted) and the report is on disk; the runner saves the position after that. Broker or registry away: `deliver` waits up to the
producer's delivery time-out and then raises `NotDelivered`; the same records are sent again later under the same (source_record_id,
revision).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from indicators.observation import Observation
from producers.clock import Clock
from producers.reject import Reject
from producers.reject_id import reject_id
from producers.reject_report import RejectReport
from producers.validation import Door
from transport.dead_letters import DeadLetters, Origin
from transport.records import AvroEncoder, EncodeError
from transport.settings import Settings

DEAD_TOPIC = "dead.producers"
MAX_ORIGINAL_BYTES = 900_000
"""What fits into a message of 1 MiB with its headers; of a longer original the beginning is kept."""


class NotDelivered(RuntimeError):
    """Something was not acknowledged; the position must not move. The message says what to check."""


Headers = Sequence[tuple[str, bytes]]


class Outbox(Protocol):
    """The producer as the publisher uses it (transport.kafka_clients.CountingProducer)."""

    def publish(self, topic: str, key: bytes, value: bytes, headers: Headers | None = None) -> None:
        """Hand over one message; waits while the queue is full (back-pressure). Raises OutboxError."""
        ...

    def flush(self) -> None:
        """Wait until everything handed over is acknowledged. Raises OutboxError where something is not, in time."""
        ...


class OutboxError(Exception):
    """What an outbox raises when something was not sent or acknowledged; adapters of producers map their own errors to it."""


IdOf = Callable[[str], int]
"""Name of topic without prefix, or of schema → schema id; raises OutboxError while the registry is away."""


class Publisher:
    """One per process; `deliver` may be called from the threads of all sources, one at a time goes through."""

    def __init__(self, settings: Settings, door: Door, outbox: Outbox, id_of: IdOf, report: RejectReport, clock: Clock) -> None:
        self._prefix, self._door, self._outbox, self._id_of = settings.topic_prefix, door, outbox, id_of
        self._report, self._clock = report, clock
        self._encoders: dict[str, AvroEncoder] = {}
        self._lock = threading.Lock()

    def deliver(self, source: str, observations: Iterable[Observation], rejects: Iterable[Reject]) -> None:
        """Send and wait for every acknowledgement, then write the report. Raises NotDelivered; nothing may be assumed sent then."""
        refused = list(rejects)
        with self._lock:
            try:
                for observation in observations:
                    reject = self._observation(source, observation)
                    if reject:
                        refused.append(reject)
                for reject in refused:
                    self._dead_letter(reject)
                self._outbox.flush()
                self._report.add(refused, self._clock.now_ms())
            except OutboxError as e:
                raise NotDelivered(f"{source}: not acknowledged by Kafka or registry ({e}); the position stays, it is sent again") from e
            except OSError as e:
                raise NotDelivered(f"{source}: the reject report cannot be written ({e.strerror}); check disk and permissions") from e

    def _observation(self, source: str, o: Observation) -> Reject | None:
        group = self._door.group(o)
        try:
            value = self._encoder(f"obs.{group}", "observation").encode(o.record())
        except EncodeError as e:
            original = f"{o.source_system}/{o.source_record_id} r{o.revision}".encode()
            return Reject(reason="contract", detail=str(e), place=o.source_record_id, original=original, source=source, provider=o.provider)
        self._outbox.publish(f"{self._prefix}obs.{group}", o.series().key().encode(), value)
        return None

    def _dead_letter(self, reject: Reject) -> None:
        letters = DeadLetters(f"producers.{reject.source}", self._encoder("dead_letter", "dead_letter"))
        identity = uuid.UUID(reject_id(reject)).int >> 65  # 63 bits: fits a long, tells refused records of one file apart
        now = self._clock.now_ms()
        origin = Origin(topic=reject.source, partition=-1, offset=identity, timestamp=now, source=reject.source, place=reject.place)
        letter = letters.letter(None, reject.original[:MAX_ORIGINAL_BYTES], origin, (reject.reason, reject.field, _detail(reject)),
                                first_seen=now)  # fmt: skip
        self._outbox.publish(f"{self._prefix}{DEAD_TOPIC}", reject.place.encode(), letter.value or b"", letter.headers)

    def _encoder(self, name: str, schema: str) -> AvroEncoder:
        if name not in self._encoders:
            self._encoders[name] = AvroEncoder(schema, self._id_of(name))
        return self._encoders[name]


def _detail(reject: Reject) -> str:
    size = len(reject.original)
    return reject.detail if size <= MAX_ORIGINAL_BYTES else f"{reject.detail}; the first {MAX_ORIGINAL_BYTES} of {size} bytes are kept"
