"""Clients, topics and registry against a real broker and a real registry."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from transport import registry as registry_module
from transport import topic_admin
from transport.kafka_clients import CountingProducer, DeliveryError, admin, consumer, producer, transactional_producer
from transport.partitioner import partition_of
from transport.registry import COMPATIBILITY, Registry, RegistryError, register_all, subject_of
from transport.schema_ids import SchemaUnknown
from transport.schemas import load, of
from transport.settings import Settings
from transport.topics import MAX_MESSAGE_BYTES, Topic, table

pytestmark = pytest.mark.stack


def _create(settings: Settings, name: str, partitions: int = 1, **config: str) -> str:
    full = settings.topic_prefix + name
    client = admin(settings)  # kept until the answer is there: the client ends with its last reference
    client.create_topics([NewTopic(full, partitions, 1, config=config)])[full].result(timeout=20)
    ends = time.monotonic() + 20
    while full not in client.list_topics(timeout=20).topics and time.monotonic() < ends:
        time.sleep(0.05)  # the broker learns of a topic after the controller
    return full


def _read(settings: Settings, topic: str, count: int, read_committed: bool = True) -> list[tuple[bytes | None, bytes | None, int | None]]:
    reader = consumer(settings, "check", read_committed=read_committed)
    found: list[tuple[bytes | None, bytes | None, int | None]] = []
    try:
        partitions = reader.list_topics(topic, timeout=20).topics[topic].partitions
        reader.assign([TopicPartition(topic, p, 0) for p in partitions])
        ends = time.monotonic() + 20
        while len(found) < count and time.monotonic() < ends:
            message = reader.poll(0.2)
            if message is not None and message.error() is None:
                found.append((message.key(), message.value(), message.partition()))
    finally:
        reader.close()
    return found


def test_topics_are_created_once_and_then_equal_the_table(settings: Settings) -> None:
    assert sorted(topic_admin.apply(settings)) == sorted(table(settings.topic_prefix))
    assert topic_admin.diff(settings) == []
    assert topic_admin.apply(settings) == []


def test_drift_is_shown_and_never_altered(settings: Settings) -> None:
    odd = _create(settings, "obs.trade", 3, **{"cleanup.policy": "compact", "max.message.bytes": str(MAX_MESSAGE_BYTES)})
    stray = _create(settings, "obs.unheard_of")
    found = topic_admin.diff(settings)
    mine = {(d.kind, d.setting): (d.expected, d.found) for d in found if d.topic == odd}
    assert mine[("partitions", "")] == ("12", "3")
    assert mine[("config", "cleanup.policy")] == ("delete", "compact")
    assert [d.kind for d in found if d.topic == stray] == ["unknown"]
    assert sum(d.kind == "missing" for d in found) == len(table()) - 1
    assert all("nhip topics apply" in d.text() for d in found if d.kind == "missing")
    assert odd not in topic_admin.apply(settings)
    assert {d.topic for d in topic_admin.diff(settings)} == {odd, stray}


def test_a_key_lies_where_our_partitioner_says(settings: Settings) -> None:
    topic = _create(settings, "placement", 12)
    keys = [f"vn-1012/A.II.{n}|export|01|||actual".encode() for n in range(120)] + ["sông Hồng".encode(), b"\x00pos", b"a", b"ab", b"abc"]
    writer = CountingProducer(producer(settings))
    for key in keys:
        writer.publish(topic, key, b"x")
    assert writer.flush() == len(keys)
    placed = {key: partition for key, _, partition in _read(settings, topic, len(keys))}
    assert placed == {key: partition_of(key, 12) for key in keys}


def test_every_message_is_accounted_for(settings: Settings) -> None:
    topic = _create(settings, "counted")
    writer = CountingProducer(producer(settings, queue_buffering_max_messages=20))
    for number in range(200):  # ten times what the queue holds
        writer.publish(topic, b"k", str(number).encode())
    assert (writer.flush(), writer.delivered, writer.failed, writer.waiting) == (200, 200, 0, 0)
    assert writer.flush() == 0
    with pytest.raises(DeliveryError, match="MSG_SIZE_TOO_LARGE"):
        writer.publish(topic, b"k", bytes(MAX_MESSAGE_BYTES + 1))
    assert [value for _, value, _ in _read(settings, topic, 200)] == [str(n).encode() for n in range(200)]


def test_a_message_to_an_unknown_partition_is_reported_as_failed(settings: Settings) -> None:
    topic = _create(settings, "one")
    writer = CountingProducer(producer(settings, delivery_timeout_ms=3000))
    writer.publish(topic, b"k", b"v")
    writer.flush()
    def to_partition_seven() -> None:
        writer.publish(topic, b"k", b"v", partition=7)
        writer.flush(10)

    with pytest.raises(DeliveryError, match="UNKNOWN_PARTITION"):
        to_partition_seven()


def test_committed_rows_are_read_and_aborted_ones_are_not(settings: Settings) -> None:
    topic = _create(settings, "tx")
    writer = transactional_producer(settings, "stage-x-0")
    writer.begin_transaction()
    writer.produce(topic, b"aborted")
    writer.flush(10)
    writer.abort_transaction(10)
    writer.begin_transaction()
    writer.produce(topic, b"committed")
    writer.commit_transaction(10)
    assert [value for _, value, _ in _read(settings, topic, 1)] == [b"committed"]
    assert [value for _, value, _ in _read(settings, topic, 2, read_committed=False)] == [b"aborted", b"committed"]


def test_every_subject_is_registered_once_under_backward_transitive(settings: Settings) -> None:
    first = register_all(settings)
    again = register_all(settings)
    subjects = [subject_of(t.name) for t in table().values() if t.schema]
    assert [r.subject for r in first] == subjects
    assert [(r.subject, r.schema_id) for r in again] == [(r.subject, r.schema_id) for r in first]
    assert not any(r.created for r in again)
    with Registry(settings) as registry:
        assert registry.compatibility("obs.trade-value") == COMPATIBILITY
        number = registry.id_of("obs.trade")
        assert registry.id_of(settings.topic_prefix + "obs.trade") == registry.id_of("observation") == number
        assert of("observation", registry.schema(number)).fields == load("observation").fields
        with pytest.raises(SchemaUnknown, match="no schema with id 987654"):
            registry.schema(987654)


def test_an_incompatible_schema_is_refused_by_name(settings: Settings) -> None:
    raw = {"type": "record", "name": "R", "doc": "d", "fields": [{"name": "a", "type": "string"}]}
    with Registry(settings) as registry:
        subject = f"{settings.topic_prefix}r-value"
        registry.register(subject, of("r", raw))
        more = {**raw, "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "long"}]}  # no default
        with pytest.raises(RegistryError, match=rf"{subject}.*{COMPATIBILITY}"):
            registry.register(subject, of("r", more))


def test_a_subject_that_is_not_registered_names_the_command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lonely = {"obs.lonely": Topic("obs.lonely", 1, "delete", "observation", "series")}
    monkeypatch.setattr(registry_module, "table", lambda: lonely)
    advice = r"obs\.lonely-value is not registered; run `nhip schemas register`"
    with Registry(settings) as registry, pytest.raises(RegistryError, match=advice):
        registry.id_of("obs.lonely")


def test_a_registry_that_does_not_answer_is_named_before_the_deadline(settings: Settings) -> None:
    gone = settings.model_copy(update={"registry_url": "http://127.0.0.1:1/apis/ccompat/v7"})
    with Registry(gone, deadline_seconds=0.5) as registry, pytest.raises(RegistryError, match=r"127\.0\.0\.1:1.*ConnectError"):
        registry.schema(1)


def test_a_difference_reads_as_one_line_with_advice() -> None:
    one = topic_admin.Difference("obs.trade", "partitions", "", "12", "3")
    assert "3, bảng ghi / the table says 12" in one.text()
    assert "kafka-configs" in replace(one, kind="config", setting="retention.ms").text()
    assert "replication" in replace(one, kind="replication").text()
