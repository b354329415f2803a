"""Reading a partition from one end to the other, once: state rows for a restore, inputs for a rebuild."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from transport.kafka_clients import arrived, consumer
from transport.settings import Settings

T = TypeVar("T")
STALL_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 2.0
_BATCH: Final = 20_000
_TURN_SECONDS: Final = 0.05
"""How long one look at the reader may take. The end of a partition is told by an event of its own: where the last thing in it is a marker
of a transaction, as in every state topic, no message would come, and a worker that starts reads several topics of each partition."""


class RestoreError(RuntimeError):
    """A partition could not be read to its end in time."""


class PartitionReader:
    """Reads partitions one after another over one connection: to make a client of its own for each costs both sides some 20 ms."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None

    def read(self, topic: str, partition: int, first: int | None = None, until: int | None = None) -> Iterator[list[Message]]:
        """Messages of one partition, read_committed, in batches, from `first` (default: the oldest) up to `until` (default: the end seen
        now). A reading that is given up ends with the next one.

        Raises RestoreError when nothing arrives for a minute. For state rows call it after the fence: then no transaction of ours is open.
        """
        reader = self._connected()
        low, high = reader.get_watermark_offsets(TopicPartition(topic, partition), STALL_SECONDS)
        at = max(low, first if first is not None else low)
        end = high if until is None else min(high, until)
        if at < end:
            reader.assign([TopicPartition(topic, partition, at)])
            yield from _read(reader, topic, partition, at, end)
            reader.unassign()

    def close(self) -> None:
        """Close the connection; the next reading opens it again."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _connected(self) -> Consumer:
        if self._consumer is None:
            self._consumer = consumer(
                self._settings, "restore", fetch_queue_backoff_ms=5, fetch_wait_max_ms=20, fetch_message_max_bytes=4 << 20,
                enable_partition_eof=True,
            )  # fmt: skip
        return self._consumer


def read_partition(
    settings: Settings, topic: str, partition: int, first: int | None = None, until: int | None = None
) -> Iterator[list[Message]]:
    """One reading over a connection of its own: `PartitionReader.read`."""
    reader = PartitionReader(settings)
    try:
        yield from reader.read(topic, partition, first, until)
    finally:
        reader.close()


def ahead(batches: Iterator[T]) -> Generator[T, None, None]:
    """The same batches, the next one made ready in a thread of its own while this one is worked on. Left early, it waits for that one."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as reading:
        coming = reading.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reading.submit(next, batches, None)
            yield batch


def _read(reader: Consumer, topic: str, partition: int, at: int, end: int) -> Iterator[list[Message]]:
    progress = time.monotonic()
    while at < end:
        batch, reached = _whole(arrived(reader, _BATCH, _TURN_SECONDS))
        if batch or reached > at:
            at = max(reached, int(batch[-1].offset() or 0) + 1 if batch else at)
            progress = time.monotonic()
            inside = batch if at <= end else [m for m in batch if (m.offset() or 0) < end]
            if inside:
                yield inside
        if at < end:  # aborted rows and markers move the position without a message
            position = reader.position([TopicPartition(topic, partition)])[0].offset
            at = max(at, position)
        if time.monotonic() - progress > STALL_SECONDS:
            raise RestoreError(
                f"{topic}-{partition}: no message for {STALL_SECONDS:.0f} s at offset {at} of {end}; is the broker well? `nhip status`"
            )


def _whole(batch: list[Message]) -> tuple[list[Message], int]:
    """The messages of a batch, and the end of the partition where it tells of it (0: it does not). Errors that pass by themselves (a
    partition without a leader yet) are left out; raises KafkaException for the others."""
    reached, errors = 0, [(m, error) for m in batch if (error := m.error()) is not None]
    if not errors:
        return batch, 0
    for message, error in errors:
        if error.code() == KafkaError._PARTITION_EOF:
            reached = int(message.offset() or 0)
        elif not error.retriable():
            raise KafkaException(error)
    return [m for m in batch if m.error() is None], reached


def newest_rows(settings: Settings, topic: str, partition: int) -> dict[bytes, bytes]:
    """Newest value of each key of a compacted partition; keys whose newest value is a tombstone are left out."""
    rows: dict[bytes, bytes] = {}
    for batch in read_partition(settings, topic, partition):
        for message in batch:
            key, value = message.key(), message.value()
            assert isinstance(key, bytes)
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value if isinstance(value, bytes) else value.encode()
    return rows


def end_offsets(settings: Settings, partitions: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """End offset of each (full topic name, partition); blocking."""
    client = consumer(settings, "restore")
    try:
        return {p: int(client.get_watermark_offsets(TopicPartition(*p), STALL_SECONDS)[1]) for p in partitions}
    finally:
        client.close()


def at_end(settings: Settings, topic: str, partition: int, position: int) -> bool:
    """Does nothing lie in the partition at or beyond `position`? Blocking, LOOK_SECONDS at most; False where the broker does not say."""
    client = consumer(settings, "look")
    try:
        return int(client.get_watermark_offsets(TopicPartition(topic, partition), LOOK_SECONDS)[1]) <= position
    except KafkaException:
        return False
    finally:
        client.close()
