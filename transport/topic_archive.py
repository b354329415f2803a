"""Topics as files, and files as topics again, so that every position in them stays true.

One partition is one Avro object container: offset, time stamp, key, value and headers of every committed message, bytes as they lie in
Kafka. What was aborted and the markers of transactions are no messages and are left out, so a restored partition would be shorter than it
was, and rows that name their offset as version (`alert_current`, `derived_latest` …) would lose against older ones. Therefore a restore

1. fills the partition with empty records up to `end - messages`,
2. appends the messages: the next offset is again `end`, and no later message can have an offset that was used before,
3. deletes the filling.

A partition without gaps (`obs.*`) so gets back the very offsets it had. In others messages stand closer together, before `end`; those that
the sink had read carry their former offset in the header `nhip-restored`, and a group's position moves to its first unread message.
"""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import fastavro
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not marked so
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from transport.kafka_clients import CountingProducer, admin, producer
from transport.settings import Settings
from transport.state_reader import end_offsets, read_partition
from transport.topics import Topic

RESTORED: Final = "nhip-restored"
"""Header of a restored message: its former offset, as decimal digits."""
ANSWER_SECONDS: Final = 30.0
WRITE_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 0.2
_LEADERLESS: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART)
_FILLING: Final = b"\x00filling"
_SCHEMA: Final[dict[str, Any]] = {
    "type": "record", "name": "KafkaMessage", "namespace": "nhip.archive", "fields": [
        {"name": "offset", "type": "long"}, {"name": "timestamp", "type": "long"},
        {"name": "key", "type": ["null", "bytes"]}, {"name": "value", "type": ["null", "bytes"]},
        {"name": "headers", "type": {"type": "array", "items": {"type": "record", "name": "Header", "fields": [
            {"name": "name", "type": "string"}, {"name": "value", "type": ["null", "bytes"]}]}}},
    ],
}  # fmt: skip

Place = tuple[str, int]
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PartitionArchive:
    """One partition as it was: `first` and `end` offset, how many committed messages, a digest over all they hold but their offsets."""

    partition: int
    first: int
    end: int
    messages: int
    digest: str

    def plain(self) -> dict[str, Any]:
        """As it stands in a manifest."""
        return asdict(self)


def dump(settings: Settings, topic: str, partition: int, path: Path) -> PartitionArchive:
    """Write every committed message of a partition to `path`. Raises RestoreError, KafkaException."""
    end = end_offsets(settings, [(topic, partition)])[topic, partition]
    first: list[int] = []
    digest, count = hashlib.sha256(), 0

    def records() -> Iterator[Record]:
        nonlocal count
        for batch in read_partition(settings, topic, partition, until=end):
            for message in batch:
                record = _record(message)
                first[:] = first or [record["offset"]]
                digest.update(content(record))
                count += 1
                yield record

    with path.open("wb") as out:
        fastavro.writer(out, fastavro.parse_schema(_SCHEMA), records(), codec="deflate")
    return PartitionArchive(partition, first[0] if first else end, end, count, digest.hexdigest())


def load(settings: Settings, topic: Topic, archive: PartitionArchive, path: Path | None, read_below: int) -> None:
    """Bring one empty partition to what `archive` says; see the module's steps. `read_below`: position of the sink when it was written.

    Messages that the sink had read carry their former offset. Raises DeliveryError, KafkaException, ValueError for a partition in use.
    """
    if _end(settings, topic.name, archive.partition):
        raise ValueError(f"{topic.name} [{archive.partition}] is not empty")
    if topic.append_time:
        _configure(settings, topic.name, {"message.timestamp.type": "CreateTime"})
    out, filling = CountingProducer(producer(settings)), archive.end - archive.messages
    dense = archive.messages == archive.end - archive.first
    for _ in range(filling):
        out.publish(topic.name, _FILLING, None, partition=archive.partition)
    for record in messages(path):
        former = [] if dense or record["offset"] >= read_below else [(RESTORED, str(record["offset"]).encode())]
        headers = [*((h["name"], h["value"]) for h in record["headers"] if h["name"] != RESTORED), *former]
        out.publish(topic.name, record["key"], record["value"], headers, partition=archive.partition, timestamp=record["timestamp"])
    out.flush(WRITE_SECONDS)
    if topic.append_time:
        _configure(settings, topic.name, {"message.timestamp.type": "LogAppendTime"})
    if filling:
        _delete_before(settings, topic, archive.partition, filling)


def messages(path: Path | None) -> Iterator[Record]:
    """The messages of a file in order; none of no file."""
    if path is None:
        return
    with path.open("rb") as source:
        for record in fastavro.reader(source):
            assert isinstance(record, dict)
            yield record


def digest_of(settings: Settings, topic: str, partition: int) -> tuple[int, str]:
    """Count and digest of what a partition holds now, as `PartitionArchive` has them."""
    digest, count = hashlib.sha256(), 0
    for batch in read_partition(settings, topic, partition):
        for message in batch:
            digest.update(content(_record(message)))
            count += 1
    return count, digest.hexdigest()


def content(record: Record) -> bytes:
    """What a restored message has in common with the one it was: everything but its offset."""
    parts: list[bytes | None] = [struct.pack(">q", record["timestamp"]), record["key"], record["value"]]
    parts += [part for h in record["headers"] if h["name"] != RESTORED for part in (h["name"].encode(), h["value"])]
    return b"".join(struct.pack(">i", -1) if part is None else struct.pack(">i", len(part)) + part for part in parts) + b"\n"


def positions(settings: Settings, group: str, places: Sequence[Place]) -> dict[Place, tuple[int, str]]:
    """Committed (offset, metadata) of a group (name without prefix). Raises KafkaException."""
    client, name = admin(settings), settings.topic_prefix + group
    request = ConsumerGroupTopicPartitions(name, [TopicPartition(*place) for place in places])
    futures = client.list_consumer_group_offsets([request], require_stable=True, request_timeout=ANSWER_SECONDS)
    found = futures[name].result(ANSWER_SECONDS).topic_partitions
    return {(p.topic, p.partition): (p.offset, p.metadata or "") for p in found if p.offset >= 0}


def set_positions(settings: Settings, group: str, wanted: Mapping[Place, int]) -> None:
    """Commit these offsets for a group without members. Raises KafkaException."""
    client, name = admin(settings), settings.topic_prefix + group
    partitions = [TopicPartition(topic, p, offset) for (topic, p), offset in wanted.items()]
    if partitions:
        client.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(name, partitions)])[name].result(ANSWER_SECONDS)


def moved(archive: PartitionArchive, path: Path | None, position: int) -> int:
    """Where a group's `position` lies in the restored partition: before the first message it had not read."""
    if position >= archive.end or archive.messages == archive.end - archive.first:
        return position
    return archive.end - sum(int(record["offset"]) >= position for record in messages(path))


def members(settings: Settings, groups: Iterable[str]) -> dict[str, int]:
    """Members by group (without prefix), of those that have any. Raises KafkaException."""
    names = {settings.topic_prefix + group: group for group in groups}
    client = admin(settings)
    futures = client.describe_consumer_groups(list(names), request_timeout=ANSWER_SECONDS)
    found = {names[name]: len(future.result(ANSWER_SECONDS).members) for name, future in futures.items()}
    return {group: count for group, count in found.items() if count}


def former_offset(message: Message) -> int:
    """The offset a message had when the sink read it: its own, or that of before a restore."""
    former = [value for name, value in _headers(message) if name == RESTORED and value is not None]
    return int(former[0]) if former else int(message.offset() or 0)


def _record(message: Message) -> dict[str, Any]:
    headers = [{"name": name, "value": value} for name, value in _headers(message)]
    return {"offset": message.offset() or 0, "timestamp": message.timestamp()[1], "key": _bytes(message.key()),
            "value": _bytes(message.value()), "headers": headers}  # fmt: skip


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    found: Any = message.headers() or ()  # a dictionary only where one was given to a producer
    return [(str(name), _bytes(value)) for name, value in found]


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _end(settings: Settings, topic: str, partition: int) -> int:
    """End of a partition that may have been made a moment ago and be led by nobody yet."""
    ends = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return end_offsets(settings, [(topic, partition)])[topic, partition]
        except KafkaException as error:
            if error.args[0].code() not in _LEADERLESS or time.monotonic() > ends:
                raise
            time.sleep(LOOK_SECONDS)


def _delete_before(settings: Settings, topic: Topic, partition: int, offset: int) -> None:
    """Delete what lies before an offset. Kafka refuses that on compacted topics, which are therefore none for the moment."""
    client = admin(settings)
    place = TopicPartition(topic.name, partition, offset)
    if topic.cleanup == "compact":
        _configure(settings, topic.name, {"cleanup.policy": "delete", "retention.ms": "-1"})
    try:
        ends = time.monotonic() + ANSWER_SECONDS
        while True:
            client.delete_records([place], request_timeout=ANSWER_SECONDS)[place].result(ANSWER_SECONDS)
            earliest: Any = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
            if client.list_offsets({place: earliest})[place].result(ANSWER_SECONDS).offset >= offset or time.monotonic() > ends:
                break
    finally:
        if topic.cleanup == "compact":
            _configure(settings, topic.name, {"cleanup.policy": "compact", "retention.ms": None})


def _configure(settings: Settings, topic: str, values: Mapping[str, str | None]) -> None:
    entries = [
        ConfigEntry(name, value or "", incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET)
        for name, value in values.items()
    ]
    client = admin(settings)
    for future in client.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]).values():
        future.result(ANSWER_SECONDS)
