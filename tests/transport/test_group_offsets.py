"""Positions of a group, asked beside its client: from a real broker, and where none answers."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from transport.group_offsets import GroupOffsets, OffsetsUnknown
from transport.kafka_clients import admin, consumer, transactional_producer
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
    with closing(GroupOffsets(settings, "reads")) as offsets:
        found = offsets.committed([TopicPartition(topic, p) for p in (2, 1, 0)])
        assert [(p.partition, p.offset, p.metadata or "") for p in found] == [(2, 7, '{"end":9}'), (1, -1001, ""), (0, 5, "")]
        assert offsets.committed([]) == []


@pytest.mark.stack
def test_a_position_that_a_transaction_holds_open_is_awaited(settings: Settings) -> None:
    topic = settings.topic_prefix + "held"
    client = admin(settings)
    client.create_topics([NewTopic(topic, 1, 1)])[topic].result(timeout=20)
    member, writer = consumer(settings, "holds"), transactional_producer(settings, "holds")
    place = TopicPartition(topic, 0)
    with closing(member), closing(GroupOffsets(settings, "holds")) as offsets:
        member.commit(offsets=[TopicPartition(topic, 0, 3)], asynchronous=False)
        writer.begin_transaction()
        writer.send_offsets_to_transaction([TopicPartition(topic, 0, 8)], member.consumer_group_metadata(), 20)
        with pytest.raises(OffsetsUnknown, match=r"holds trong 0\.5 giây"):
            offsets.committed([place], seconds=0.5)
        writer.commit_transaction(20)
        assert [p.offset for p in offsets.committed([place])] == [8]


@pytest.mark.loopback
def test_where_no_broker_answers_the_wait_ends_with_the_groups_name() -> None:
    times = iter([0.0, 2.0])
    with socket.socket() as taken:  # bound and never listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        nobody = Settings(kafka_bootstrap=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(OffsetsUnknown, match="nhóm sink trong 1 giây"):
            GroupOffsets(nobody, "sink", clock=lambda: next(times)).committed([TopicPartition("obs.trade", 0)], seconds=1.0)
