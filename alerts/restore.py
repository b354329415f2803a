"""Reading topics to their end: how state is found again. read_committed, bounded by the end seen now, bounded in time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from transport.kafka_clients import arrived, consumer
from transport.settings import Settings

LEADERLESS = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART)
LEADER_SECONDS = 0.2
BATCH = 5_000
QUIET_SECONDS = 30.0
"""No message and no end of a partition for so long: the broker does not answer."""


class RestoreError(RuntimeError):
    """State could not be read to its end; the message says of what. The process must end: half a state is worse than none."""


def to_end(settings: Settings, topic: str, partitions: Sequence[int], since_ms: int | None = None) -> Iterator[Message]:
    """Every committed message of these partitions from the start (or from `since_ms`, epoch ms) to the end. Raises RestoreError."""
    reader = consumer(settings, "alerts-restore", enable_partition_eof=True)
    try:
        where = [TopicPartition(topic, p, 0) for p in partitions]
        if since_ms is not None:
            where = _offsets_at(reader, [TopicPartition(topic, p, since_ms) for p in partitions])
        reader.assign(where)
        yield from until_ends(reader, {p.partition for p in where}, topic)
    except KafkaException as error:
        raise RestoreError(f"{topic}: cannot be read: {error.args[0].str()}") from error
    finally:
        reader.close()


def _offsets_at(reader: Consumer, instants: list[TopicPartition]) -> list[TopicPartition]:
    """The offsets of instants. A partition whose leader is just being found is waited for, within the time of a silent broker."""
    ends = time.monotonic() + QUIET_SECONDS
    while True:
        try:
            return reader.offsets_for_times(instants, QUIET_SECONDS)
        except KafkaException as error:
            if error.args[0].code() not in LEADERLESS or time.monotonic() > ends:
                raise
            time.sleep(LEADER_SECONDS)


def until_ends(reader: Consumer, left: set[int], topic: str) -> Iterator[Message]:
    """The messages of a reader that was assigned the partitions `left` of `topic` and is told their ends. Raises RestoreError."""
    quiet = time.monotonic()
    while left:
        batch = arrived(reader, BATCH, 1.0)
        if not batch:
            if time.monotonic() - quiet > QUIET_SECONDS:
                raise RestoreError(f"{topic}: nothing for {QUIET_SECONDS:.0f} s; is the broker reachable?")
            continue
        quiet = time.monotonic()
        for message in batch:
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                partition = message.partition()
                if partition is not None:
                    left.discard(partition)
            else:
                raise RestoreError(f"{topic}: {error.name()}: {error.str()}")


def newest(messages: Iterable[Message]) -> dict[bytes, Message]:
    """The newest message of each key; a key whose newest is a tombstone is left out. A compacted topic holds several of a key until it is
    compacted: they are told apart before anything is decoded."""
    found: dict[bytes, Message] = {}
    for message in messages:
        key = message.key() or b""
        if message.value() is None:
            found.pop(key, None)
        else:
            found[key] = message
    return found


def header(message: Message, name: str) -> bytes:
    """The value of a header; empty where the message has none of this name."""
    found = message.headers() or []
    for key, value in found if isinstance(found, list) else found.items():
        if key == name and isinstance(value, bytes):
            return value
    return b""
