"""The transport's producer, registry and metrics as the publisher and the runner use them: their errors in the words of this package."""

from __future__ import annotations

import time

from producers.publisher import Headers, IdOf, OutboxError
from transport.kafka_clients import CountingProducer, DeliveryError
from transport.metrics import Metrics
from transport.registry import Registry, RegistryError


class WireOutbox:
    """CountingProducer as an `Outbox`: idempotent, acks=all, every delivery report counted."""

    def __init__(self, producer: CountingProducer) -> None:
        self._producer = producer

    def publish(self, topic: str, key: bytes, value: bytes, headers: Headers | None = None) -> None:
        """See publisher.Outbox."""
        try:
            self._producer.publish(topic, key, value, headers or ())
        except DeliveryError as e:
            raise OutboxError(str(e)) from e

    def flush(self) -> None:
        """See publisher.Outbox."""
        try:
            self._producer.flush()
        except DeliveryError as e:
            raise OutboxError(str(e)) from e


def schema_ids(registry: Registry) -> IdOf:
    """Ids from the registry; its errors are the outbox's."""

    def id_of(name: str) -> int:
        try:
            return registry.id_of(name)
        except RegistryError as e:
            raise OutboxError(str(e)) from e

    return id_of


class MetricsWatcher:
    """The runner's events as metrics of the process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def delivered(self, source: str, count: int) -> None:
        """A turn ended well; `count` observations were acknowledged."""
        self._metrics.count("nhip_messages_in", count, topic=source)
        self._metrics.gauge("nhip_source_success_time", time.time(), source=source)

    def refused(self, source: str, reason: str, count: int) -> None:
        """Records went to the dead letters."""
        self._metrics.count("nhip_refused", count, stage=f"producers.{source}", reason=reason)

    def failed(self, source: str, error: str) -> None:
        """A turn failed; `error` is its kind."""
        self._metrics.count("nhip_source_failures", source=source)
