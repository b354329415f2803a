"""Positions of a group, asked beside its client: from a real broker, and where none answers."""

from __future__ import annotations

import socket

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from transport.group_offsets import GroupOffsets, OffsetsUnknown
from transport.kafka_clients import admin, consumer
from transport.settings import Settings


@pytest.mark.stack
def test_offset_and_metadata_come_in_the_order_asked_and_what_was_never_committed_is_negative(settings: Settings) -> None:
    topic = settings.topic_prefix + "positions"
    client = admin(settings)
    client.create_topics([NewTopic(topic, 3, 1)])[topic].result(timeout=20)
    member = consumer(settings, "reads")
    try:
        member.commit(offsets=[TopicPartition(topic, 2, 7, '{"end":9}'), TopicPartition(topic, 0, 5)], asynchronous=False)
    finally:
        member.close()
    found = GroupOffsets(settings, "reads").committed([TopicPartition(topic, p) for p in (2, 1, 0)])
    assert [(p.partition, p.offset, p.metadata or "") for p in found] == [(2, 7, '{"end":9}'), (1, -1001, ""), (0, 5, "")]
    assert GroupOffsets(settings, "reads").committed([]) == []


@pytest.mark.loopback
def test_where_no_broker_answers_the_wait_ends_with_the_groups_name() -> None:
    times = iter([0.0, 2.0])
    with socket.socket() as taken:  # bound and never listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        nobody = Settings(kafka_bootstrap=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(OffsetsUnknown, match="nhóm sink trong 1 giây"):
            GroupOffsets(nobody, "sink", clock=lambda: next(times)).committed([TopicPartition("obs.trade", 0)], seconds=1.0)
