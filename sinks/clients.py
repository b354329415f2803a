"""The sink's Kafka clients: what exactness rests on beyond the settings of `transport.kafka_clients`."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import Consumer

from transport import kafka_clients
from transport.settings import Settings

GROUP: Final = "sink"
SESSION_MS: Final = 45_000


def consumer(settings: Settings) -> Consumer:
    """A static, cooperative member of the sink's group, told of each partition's end.

    The end of a partition completes a range that is to be repeated and of which compaction has left less than was planned.
    """
    overrides: dict[str, Any] = {
        "partition.assignment.strategy": "cooperative-sticky", "enable.partition.eof": True, "session.timeout.ms": SESSION_MS,
        # Every fetch names all hundred partitions again, so what trickles in is asked for five times a second, not at each record: batches
        # linger longer than that (sinks/pace.py). What is behind fills the least at once.
        "fetch.min.bytes": 65_536, "fetch.wait.max.ms": 200,
        "fetch.max.bytes": 64 << 20, "max.partition.fetch.bytes": 8 << 20, "queued.max.messages.kbytes": 131_072,
    }  # fmt: skip
    return kafka_clients.consumer(settings, GROUP, settings.sink_instance, **overrides)
