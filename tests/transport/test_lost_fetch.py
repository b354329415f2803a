"""A fetch that follows records which its lane never saw ends the process, also where markers make gaps of their own."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # public, but not marked so
from faust.transport.consumer import Consumer, ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from tests.stream_processors.test_interpose import Fold, Writer
from transport import chunks
from transport.chunks import ChunkScheduler, chunked_app, seek_back
from transport.kafka_clients import admin, producer
from transport.lane_parts import Fetched
from transport.lanes import EXIT_LANE_FAILED, Lane
from transport.settings import Settings

PLACE = TP("t", 0)
READ_SECONDS = 30.0


class Record(NamedTuple):
    offset: int
    timestamp: int = 0
    timestamp_type: int = 0


def some(*offsets: int) -> list[Any]:
    return [Record(offset) for offset in offsets]


def follows(scheduler: ChunkScheduler, *offsets: int) -> int:
    """What a fetch of these records follows."""
    ((_, chunk),) = scheduler.iterate({PLACE: some(*offsets)})
    assert isinstance(chunk.value, Fetched)
    return chunk.value.follows


@pytest.mark.stack
def test_a_partition_without_a_group_offset_is_read_again_from_its_start(settings: Settings) -> None:
    """aiokafka alone would go on behind what it has read: then this file's first fetch would be lost."""
    topic = f"{settings.topic_prefix}lost"
    client = admin(settings)
    client.create_topics([NewTopic(topic, num_partitions=2)])[topic].result(READ_SECONDS)
    out = producer(settings)
    for partition in (0, 0, 1):
        out.produce(topic, value=b"v", partition=partition)
    out.flush(READ_SECONDS)
    asyncio.run(asyncio.wait_for(_read_again(settings, topic), 2 * READ_SECONDS))


async def _read_again(settings: Settings, topic: str) -> None:
    told, untold = Place(topic, 1), Place(topic, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=topic, auto_offset_reset="earliest", enable_auto_commit=False
    )
    consumer.subscribe([topic])
    await consumer.start()
    try:
        read = 0
        while read < 3:
            read += sum(map(len, (await consumer.getmany(timeout_ms=500)).values()))
        await consumer.commit({told: 1})
        await consumer.seek_to_committed()
        assert [await consumer.position(place) for place in (untold, told)] == [2, 1], "what aiokafka does by itself"
        assert await seek_back(consumer) == {untold: None, told: 1}
        assert [await consumer.position(place) for place in (untold, told)] == [0, 1]
    finally:
        await consumer.stop()


def test_faust_takes_up_reading_again_by_that(settings: Settings) -> None:
    assert "await self.seek_to_committed()" in inspect.getsource(Consumer.perform_seek)
    assert "self._thread.seek_to_committed()" in inspect.getsource(ThreadDelegateConsumer.seek_to_committed)
    app = chunked_app(settings, "again")
    thread = chunks._Consumer._new_consumer_thread
    assert thread.__annotations__["return"] == "_ConsumerThread"
    assert app.transport.Consumer is chunks._Consumer
    assert list(inspect.signature(driver.AIOKafkaConsumerThread.seek_to_committed).parameters) == ["self"]
    assert "_ensure_consumer()" in inspect.getsource(driver.AIOKafkaConsumerThread.seek_to_committed)


def test_each_fetch_knows_what_it_follows() -> None:
    scheduler = ChunkScheduler()
    assert follows(scheduler, 3, 4) == 0, "the first of a life"
    assert follows(scheduler, 7, 9) == 5, "a marker lies between"
    assert follows(scheduler, 5, 6) == 0, "sent back by a rebalance"
    assert follows(scheduler, 7) == 7
    scheduler.iterate({PLACE: some(8, 9)})  # never taken out of the iterator
    assert follows(scheduler, 12) == 10


def ended(*fetches: Sequence[Any]) -> list[int]:
    """Statuses with which a lane at offset 5 of an input with markers ended the process."""
    statuses: list[int] = []

    async def run() -> None:
        writer = Writer()
        lane = Lane(("t", 0), Fold(), writer, asyncio.Semaphore(2), dense=False)
        await lane.opened()
        for fetch in fetches:
            await lane.put(list(fetch) if not isinstance(fetch, Fetched) else fetch)
        ends = time.monotonic() + 5
        while not statuses and sum(1 for _ in writer.said) < 1 and time.monotonic() < ends:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        if not statuses:
            await lane.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "_exit", statuses.append)
        asyncio.run(run())
    return statuses


def test_a_lane_folds_what_follows_it_and_what_comes_again() -> None:
    assert ended(Fetched(some(5, 6), 0), Fetched(some(8, 9), 7), Fetched(some(5, 6, 8), 0), Fetched(some(11), 9)) == []


def test_a_lane_ends_where_a_fetch_was_lost() -> None:
    assert ended(Fetched(some(8, 9), 7)) == [EXIT_LANE_FAILED]
