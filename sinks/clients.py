"""The sink's Kafka clients: every setting that exactness rests on, in one place."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from transport.settings import Settings

GROUP: Final = "sink"
_SESSION_MS: Final = 45_000
_POLL_MS: Final = 300_000


def connection(settings: Settings) -> dict[str, Any]:
    """Addresses and credentials as librdkafka names them."""
    config: dict[str, Any] = {"bootstrap.servers": settings.kafka_bootstrap, "security.protocol": settings.kafka_security_protocol}
    if settings.kafka_sasl_mechanism:
        config |= {"sasl.mechanism": settings.kafka_sasl_mechanism, "sasl.username": settings.kafka_sasl_username,
                   "sasl.password": settings.kafka_sasl_password.get_secret_value()}  # fmt: skip
    if settings.kafka_ssl_ca_location:
        config["ssl.ca.location"] = settings.kafka_ssl_ca_location
    return config


def consumer(settings: Settings) -> Consumer:
    """A static member of the sink's group that reads committed records only, commits only when told, and is told of each partition's end."""
    return Consumer(connection(settings) | {
        "group.id": f"{settings.topic_prefix}{GROUP}",
        "group.instance.id": settings.sink_instance,
        "client.id": settings.sink_instance,
        "partition.assignment.strategy": "cooperative-sticky",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": _SESSION_MS,
        "max.poll.interval.ms": _POLL_MS,
        "fetch.wait.max.ms": 100,
        "fetch.max.bytes": 64 << 20,
        "max.partition.fetch.bytes": 8 << 20,
        "queued.min.messages": 200_000,
        "queued.max.messages.kbytes": 131_072,
    })  # fmt: skip


def producer(settings: Settings) -> Producer:
    """For dead letters: idempotent, acknowledged by all replicas."""
    return Producer(connection(settings) | {"enable.idempotence": True, "acks": "all", "linger.ms": 5, "delivery.timeout.ms": 30_000})


def admin(settings: Settings) -> AdminClient:
    """For the ids of the topics."""
    return AdminClient(connection(settings))
