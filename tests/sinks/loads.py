"""Loads for the sink's tests: topics of one test, observations with a known identity, and what ClickHouse holds of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # public, but not marked so

from indicators.observation import Observation
from sinks.tables import Route, route
from transport import kafka_clients
from transport.records import AvroEncoder
from transport.registry import Registry, register_all
from transport.settings import Settings
from transport.topics import Topic, table

START = 1_767_200_400_000
"""2026-01-01 00:00 in Vietnam, epoch ms."""


def topics_of(settings: Settings, *names: str, partitions: int | None = None) -> dict[str, Route]:
    """Create some topics of the table for one test and register their schemas; return their routes."""
    known = table(settings.topic_prefix)
    chosen = [known[settings.topic_prefix + name] for name in names]
    admin = kafka_clients.admin(settings)
    wanted = [NewTopic(t.name, partitions or t.partitions, 1, config=t.config()) for t in chosen]
    for future in admin.create_topics(wanted, request_timeout=30).values():
        future.result(timeout=30)
    register_all(settings, [t for t in chosen if t.schema])
    return {t.name: found for t in chosen if (found := route(t, settings.topic_prefix)) is not None}


def observation(number: int, **changes: Any) -> Observation:
    """The `number`-th observation: 20 stations, a reading a minute each."""
    station = number % 20
    at = START + number // 20 * 60_000
    fields: dict[str, Any] = {
        "indicator": "vn-1012/D.1", "component": "river_level", "concept": "hydromet", "measure_unit": "m", "period_type": "instant",
        "period_start": at, "period_end": at, "event_time": at, "ingested_at": at + 500, "territory": "31", "agency": "MAE",
        "provider": "NHMF", "source_system": "sensors", "source_record_id": f"r{number}", "subject_type": "station",
        "subject_id": f"ST{station:02}", "dimensions": (("channel", "auto"),), "quality_flags": ("generated",),
        "value": Decimal(number) / 8, "budget_year": 2026, "lon": 106.7, "lat": 20.86,
    }  # fmt: skip
    return Observation(**fields | changes)


def publish(settings: Settings, topic: str, observations: Iterable[Observation], partition: int | None = None) -> int:
    """Write observations into a topic; returns how many the broker acknowledged."""
    with Registry(settings) as registry:
        encoder = AvroEncoder("observation", registry.id_of(topic))
        return send(settings, topic, ((o.series().key().encode(), encoder.encode(o.record())) for o in observations), partition)


def send(settings: Settings, topic: str, messages: Iterable[tuple[bytes | None, bytes | None]], partition: int | None = None) -> int:
    """Write (key, value) pairs into a topic; returns how many the broker acknowledged."""
    producer = kafka_clients.CountingProducer(kafka_clients.producer(settings))
    for key, value in messages:
        producer.publish(topic, key, value, partition=partition)
    return producer.flush()


def counts(client: Client, name: str = "observations") -> tuple[int, int]:
    """Rows of a table before merging, and distinct origins among them."""
    rows = client.query(f"SELECT count(), uniqExact(topic, partition, offset) FROM {name}").result_rows
    return int(rows[0][0]), int(rows[0][1])


def numbers(first: int, count: int) -> Iterator[Observation]:
    """Observations `first` to `first + count - 1`."""
    return (observation(n) for n in range(first, first + count))


__all__ = ["START", "Topic", "counts", "numbers", "observation", "publish", "send", "topics_of"]
