"""The publisher on a real broker and registry: framed observations under their series' key, dead letters with the original bytes, nothing
assumed delivered while broker or registry is away."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message

from producers.clock import FixedClock
from producers.publisher import NotDelivered, Publisher
from producers.reject import Reject
from producers.reject_report import RejectReport
from producers.wire import WireOutbox, schema_ids
from tests.fixtures.stack import prepare
from tests.producers.support import DOOR, NOW, parse, sample
from transport import kafka_clients
from transport.dead_letters import decoder, read_record
from transport.kafka_clients import CountingProducer
from transport.records import AvroDecoder
from transport.registry import Registry
from transport.settings import Settings

EDI = parse("customs", "declarations.edi", sample("declarations.edi"))


@pytest.fixture
def registry(settings: Settings) -> Iterator[Registry]:
    prepare(settings, "obs.trade", "dead.producers")
    with Registry(settings) as made:
        yield made


def publisher(settings: Settings, registry: Registry, **overrides: object) -> Publisher:
    outbox = WireOutbox(CountingProducer(kafka_clients.producer(settings, **overrides)))
    return Publisher(settings, DOOR, outbox, schema_ids(registry), RejectReport(settings.data_dir / "rejects"), FixedClock(NOW))


def read(settings: Settings, topic: str, count: int, seconds: float = 20) -> list[Message]:
    consumer: Consumer = kafka_clients.consumer(settings, "test", read_committed=True)
    consumer.subscribe([settings.topic_prefix + topic])
    messages, ends = list[Message](), time.monotonic() + seconds
    while len(messages) < count and time.monotonic() < ends:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            messages.append(message)
    consumer.close()
    return messages


@pytest.mark.stack
def test_observations_and_dead_letters_arrive_whole(settings: Settings, registry: Registry) -> None:
    spoiled = parse("customs", "d.edi", sample("declarations.edi").replace(b"UNT+9+2", b"UNT+8+2"))
    big = Reject(reason="too_large", detail="d", place="x", original=b"9" * (2 << 20), source="sensors", provider="HYDROMET")
    publisher(settings, registry).deliver("customs", EDI.observations, [*spoiled.rejects, big])
    messages = read(settings, "obs.trade", len(EDI.observations))
    observation = AvroDecoder("observation", registry.schema)
    records = {(r["source_record_id"], r["revision"]): (m.key(), r) for m in messages for r in [observation.decode(m.value())]}
    for o in EDI.observations:
        key, record = records[o.source_record_id, o.revision]
        assert key == o.series().key().encode()
        assert (record["value"], record["event_time"], record["status"]) == (o.value, o.event_time, o.status)
    letters = read(settings, "dead.producers", 3)
    described = {read_record(list(m.headers() or ()), decoder(registry.schema))["reason"]: m for m in letters}  # type: ignore[arg-type]
    assert set(described) == {"truncated", "validation", "too_large"}
    value = described["truncated"].value()
    assert value is not None
    assert value.startswith(b"UNH+2")
    report = settings.data_dir / "rejects" / "CUSTOMS" / "2026-03-21.csv"
    assert len(report.read_text(encoding="utf-8-sig").splitlines()) == 3


@pytest.mark.stack
def test_an_unreachable_broker_delivers_nothing_and_says_so(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = settings.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{closed.getsockname()[1]}"})
        with pytest.raises(NotDelivered, match="position stays"):
            publisher(away, registry, message_timeout_ms=400).deliver("customs", EDI.observations, [])


@pytest.mark.loopback
def test_an_unreachable_registry_delivers_nothing_and_says_so(settings: Settings) -> None:
    with Registry(settings, deadline_seconds=0.2) as registry, pytest.raises(NotDelivered, match="position stays"):
        publisher(settings, registry).deliver("customs", EDI.observations, [])
