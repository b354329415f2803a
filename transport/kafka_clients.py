"""Kafka clients (librdkafka): the only place where producers, consumers and administrators are configured.

Security, prefix and limits come from `Settings`. Logs of librdkafka go to structlog; secrets stay in the client's configuration and in
nothing else. Faust's own clients (aiokafka) are configured in transport/chunks.py and transport/transactions.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient

from transport.seldom import Seldom
from transport.settings import Settings
from transport.topics import MAX_MESSAGE_BYTES

log = structlog.get_logger(__name__)

DELIVERY_SECONDS: Final = 30.0
TRANSACTION_SECONDS: Final = 10.0
IDLE_FETCH_MS: Final = 500
"""How long the broker may hold a fetch of a reader whose partitions stay the same. What arrives is answered at once, so it delays nothing;
each fetch names every partition again, and 20 of them a second over 100 partitions kept an idle broker at work."""
_POLL_SECONDS: Final = 0.05
_SYSLOG_ERROR: Final = 3
_SYSLOG_WARNING: Final = 4
_SELDOM: Final = Seldom()
"""Every connection of every client tells of a broker that is away, several times a second."""
_OWN: Final = re.compile(r"\[nhip#[^\]]*\] |\(after [^)]*\)|\d+ ?ms\b")
"""What of a line is the client's own, or the attempt's: without it the lines of all clients are equal."""


class DeliveryError(RuntimeError):
    """Messages were not taken or not acknowledged in time; the message says how many and the first cause."""


class _Log:
    """What librdkafka writes its log to: the `log(level, format, *arguments)` of a logger, syslog levels."""

    def log(self, level: int, text: str, *arguments: Any) -> None:
        """One line of librdkafka's."""
        line = text % arguments if arguments else text
        write = log.error if level <= _SYSLOG_ERROR else log.warning if level == _SYSLOG_WARNING else log.info
        left_out = _SELDOM.due(_OWN.sub("", line))
        if left_out is not None:
            write("kafka client", detail=line, left_out=left_out)


def _on_error(error: KafkaError) -> None:
    # Also called for what librdkafka mends itself (a broker went away); what is fatal is raised where it matters.
    detail = error.str()
    left_out = _SELDOM.due(f"{error.name()} {_OWN.sub('', detail)} {error.fatal()}")
    if left_out is not None:
        log.error("kafka client error", code=error.name(), detail=detail, fatal=error.fatal(), left_out=left_out)


def _common(settings: Settings) -> dict[str, Any]:
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap, "security.protocol": settings.kafka_security_protocol, "client.id": "nhip",
        "error_cb": _on_error, "logger": _Log(), "socket.keepalive.enable": True, "reconnect.backoff.ms": 50, "reconnect.backoff.max.ms":
        1000,
    }  # fmt: skip
    if settings.kafka_sasl_mechanism:
        config |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism, "sasl.username": settings.kafka_sasl_username,
            "sasl.password": settings.kafka_sasl_password.get_secret_value(),
        }  # fmt: skip
    if settings.kafka_ssl_ca_location:
        config["ssl.ca.location"] = settings.kafka_ssl_ca_location
    return config


def _producing(settings: Settings) -> dict[str, Any]:
    return _common(settings) | {
        "enable.idempotence": True, "acks": "all", "compression.type": "lz4", "partitioner": "murmur2_random", "linger.ms": 5,
        "delivery.timeout.ms": int(DELIVERY_SECONDS * 1000), "message.max.bytes": MAX_MESSAGE_BYTES,
        "queue.buffering.max.messages": 200_000, "queue.buffering.max.kbytes": 131_072,
    }  # fmt: skip


def producer(settings: Settings, **overrides: Any) -> Producer:
    """An idempotent producer: acks=all, lz4, murmur2 placement, at most 200,000 messages or 128 MiB queued. `overrides`: `linger_ms=5`."""
    return Producer(_producing(settings) | _dotted(overrides))


def transactional_producer(settings: Settings, transactional_id: str, timeout_seconds: float = 30.0, **overrides: Any) -> Producer:
    """A producer whose transactions are open to use: a former owner of the same id is fenced, its open transaction ended.

    The installation's prefix goes before the id. Raises KafkaException where the coordinator does not answer in time.
    """
    milliseconds = int(TRANSACTION_SECONDS * 1000)
    config = _producing(settings) | {
        "transactional.id": settings.topic_prefix + transactional_id, "transaction.timeout.ms": milliseconds, "delivery.timeout.ms":
        milliseconds,
    }  # fmt: skip
    made = Producer(config | _dotted(overrides))
    made.init_transactions(timeout_seconds)
    return made


def consumer(settings: Settings, group: str, instance: str | None = None, read_committed: bool = True, **overrides: Any) -> Consumer:
    """A consumer that commits by hand, from the start of a topic where the group has no offset.

    `instance`: static member id, so that a restarted process takes its partitions back at once. The prefix goes before the group.
    """
    config = _common(settings) | {
        "group.id": settings.topic_prefix + group, "enable.auto.commit": False, "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest", "isolation.level": "read_committed" if read_committed else "read_uncommitted",
        "allow.auto.create.topics": False, "check.crcs": True, "fetch.wait.max.ms": 100, "session.timeout.ms": 10_000,
        # librdkafka waits a second before it fetches again once its queue was full: half the speed of a fast loop.
        "fetch.queue.backoff.ms": 20, "queued.min.messages": 200_000, "queued.max.messages.kbytes": 65_536,
    }  # fmt: skip
    if instance:
        config["group.instance.id"] = settings.topic_prefix + instance
    return Consumer(config | _dotted(overrides))


def ended(error: KafkaError) -> bool:
    """Does this error end its client for good?

    A consumer that is refused for good (for a static member: another took its name; librdkafka, INTRODUCTION.md, «Fatal consumer errors»)
    is told so once, by a message whose error has the code `_FATAL` and whose own `fatal()` says no (confluent-kafka 2.x sets it only for
    `error_cb` and raised errors). Whoever overlooks it waits for ever.
    """
    return error.fatal() or error.code() == KafkaError._FATAL


def admin(settings: Settings) -> AdminClient:
    """An administrator's client."""
    return AdminClient(_common(settings))


def _dotted(overrides: dict[str, Any]) -> dict[str, Any]:
    """`linger_ms=5` as librdkafka's `linger.ms`; names with a dot, by `**{…}`, stay (`error_cb` and such too)."""
    return {name if "." in name or name.endswith("_cb") else name.replace("_", "."): value for name, value in overrides.items()}


def arrived(reader: Consumer, most: int, seconds: float) -> list[Message]:
    """What lies there, at most so many, errors among them. Waits up to `seconds` for the first alone: `consume` would wait until as many
    have come."""
    first = reader.poll(seconds)
    return [] if first is None else [first, *reader.consume(most - 1, 0)]


def arrived_messages(reader: Consumer, most: int, seconds: float) -> list[Message]:
    """The same for a reader whose errors are all faults. Raises KafkaException on the first."""
    found = arrived(reader, most, seconds)
    for message in found:
        error = message.error()
        if error is not None:
            raise KafkaException(error)
    return found


class CountingProducer:
    """A producer that accounts for every message: what was handed over is delivered, failed, or still waiting; nothing is unknown.

    For one thread. `flush` must come before a source's position moves on.
    """

    def __init__(self, inner: Producer, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner, self._clock = inner, clock
        self.published = self.delivered = self.failed = 0
        self._reported = 0
        self._first_failure = ""

    @property
    def waiting(self) -> int:
        """Messages without a delivery report yet."""
        return self.published - self.delivered - self.failed

    def publish(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = (), *, partition: int | None
        = None, timestamp: int | None = None, deadline_seconds: float = DELIVERY_SECONDS,
    ) -> None:  # fmt: skip
        """Hand one message over (`topic`: full name; `timestamp`: epoch ms). While the queue is full, reports are served until there is
        room.

        Raises DeliveryError where there is no room until the deadline or the client refuses the message.
        """
        options: dict[str, Any] = {} if partition is None else {"partition": partition}
        if timestamp is not None:
            options["timestamp"] = timestamp
        ends = self._clock() + deadline_seconds
        while True:
            try:
                self._inner.produce(topic, value=value, key=key, headers=list(headers), on_delivery=self._on_delivery, **options)
                break
            except BufferError:
                if self._clock() > ends:
                    waiting = f"{self.waiting} messages wait"
                    raise DeliveryError(f"{topic}: the queue stayed full for {deadline_seconds:.0f} s; {waiting}") from None
                self._inner.poll(_POLL_SECONDS)
            except KafkaException as error:
                raise DeliveryError(f"{topic}: refused before sending: {error.args[0].name()}") from error
        self.published += 1
        self._inner.poll(0)

    def flush(self, deadline_seconds: float = DELIVERY_SECONDS) -> int:
        """Wait for every report; returns how many messages were delivered since the last flush.

        Raises DeliveryError where some failed since the last flush or are still waiting at the deadline.
        """
        self._inner.flush(deadline_seconds)
        failure, self._first_failure = self._first_failure, ""
        if self.waiting or failure:
            cause = failure or f"no report within {deadline_seconds:.0f} s; is the broker reachable?"
            raise DeliveryError(f"{self.waiting} messages wait, {self.failed} failed: {cause}")
        delivered, self._reported = self.delivered - self._reported, self.delivered
        return delivered

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.delivered += 1
            return
        self.failed += 1
        self._first_failure = self._first_failure or f"{message.topic()}: {error.name()}"
        log.error("message not delivered", topic=message.topic(), code=error.name())
