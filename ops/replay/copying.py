"""Copying records to another topic or into a file, exactly once, however often the process dies.

To a topic, one transaction a batch: **begin** · the copies, key, value, headers and time stamp unchanged, with the header `origin` · the
piece's row with the next offset · **commit**. A copy is visible exactly when the row says that it is done. Who takes the job over fences
the former owner by the transactional id `replay-<job>`.

Into a file (JSON, one record a line): the batch is written and synced to the disk, then the row with the next offset and the file's size;
what lies behind that size was written by a life that died before its row, and is cut off.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

from confluent_kafka import Message

from ops.replay.records import Records
from ops.upkeep import origin
from transport import kafka_clients
from transport.dead_letters import Origin
from transport.faults import reach
from transport.kafka_clients import CountingProducer
from transport.pace import Pace
from transport.registry import Registry
from transport.replay_jobs import TOPIC, Book, Job, Piece, piece_key
from transport.settings import Settings
from transport.topics import table

SECONDS: Final = 30.0


class Way(Protocol):
    """Where copies go."""

    def write(self, piece: Piece, copies: Sequence[tuple[Message, dict[str, Any] | None]], row: dict[str, Any]) -> None:
        """Make a batch and its row visible."""

    def close(self) -> None:
        """Nothing more comes."""


def copy(settings: Settings, job: Job, book: Book, pace: Pace, say: Callable[[str], None]) -> dict[str, Any]:
    """Copy what is left of a job's pieces; returns the counts. Raises Stopped, StackError, RestoreError, DeliveryError, KafkaException."""
    counts = {"records": 0, "copied": 0, "unreadable": 0}
    way: Way = FileWay(settings, job, book) if job.target == "file" else TopicWay(settings, job)
    with Registry(settings) as registry:
        for piece in job.pieces:
            row = book.row(job.id, piece)
            if not row.get("done"):
                say(f"{piece.topic} [{piece.partition}]")
                row = _piece(Records(settings, registry, job, piece), job, piece, row, way, pace)
            counts = {name: counts[name] + int(row.get(name, 0)) for name in counts}
    way.close()
    return counts


def _piece(records: Records, job: Job, piece: Piece, row: dict[str, Any], way: Way, pace: Pace) -> dict[str, Any]:
    """One piece from where its row left off; the last row says `done`."""
    row = {"next": piece.first, "records": 0, "copied": 0, "unreadable": 0} | row
    before, unread = row["records"], row["unreadable"]
    for following, taken in records.batches(row["next"]):
        pace.take(len(taken))
        copied = row["copied"] + len(taken)
        row = {"next": following, "records": before + records.read, "copied": copied, "unreadable": unread + records.unreadable}
        way.write(piece, [(m, records.decoded(m) if job.target == "file" else None) for m in taken], row)
    row |= {"done": True}
    way.write(piece, [], row)
    return row


class TopicWay:
    """Copies into another topic: the same partition number where it has as many partitions, else by the key."""

    def __init__(self, settings: Settings, job: Job) -> None:
        self._settings, self._job = settings, job
        self._inner = kafka_clients.transactional_producer(settings, f"replay-{job.id}", SECONDS)
        self._out = CountingProducer(self._inner)
        self._partitions = {name: topic.partitions for name, topic in table(settings.topic_prefix).items()}

    def write(self, piece: Piece, copies: Sequence[tuple[Message, dict[str, Any] | None]], row: dict[str, Any]) -> None:
        """One transaction."""
        self._inner.begin_transaction()
        same = self._partitions.get(self._job.to) == self._partitions[piece.topic]
        for message, _ in copies:
            headers = [one for one in headers_of(message) if one[0] != origin.HEADER]
            self._out.publish(
                self._job.to, message.key(), message.value(), [*headers, (origin.HEADER, origin.pack(origin_of(message)))],
                partition=piece.partition if same else None, timestamp=message.timestamp()[1],
            )  # fmt: skip
        reach("replay:copies-sent")
        self._out.publish(self._settings.topic_prefix + TOPIC, piece_key(self._job.id, piece), json.dumps(row).encode(), partition=0)
        self._out.flush(SECONDS)
        self._inner.commit_transaction(SECONDS)

    def close(self) -> None:
        """Every batch is committed already."""


class FileWay:
    """Copies into a file that is called `<name>.part` until it is whole."""

    def __init__(self, settings: Settings, job: Job, book: Book) -> None:
        self._settings, self._job = settings, job
        self._path, self._part = Path(job.to), Path(f"{job.to}.part")
        size = max((int(book.row(job.id, piece).get("bytes", 0)) for piece in job.pieces), default=0)
        self._file = self._part.open("ab")
        self._file.truncate(size)
        self._out = CountingProducer(kafka_clients.producer(settings))

    def write(self, piece: Piece, copies: Sequence[tuple[Message, dict[str, Any] | None]], row: dict[str, Any]) -> None:
        """Lines, synced; then the row."""
        for message, record in copies:
            self._file.write(line(message, record) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        reach("replay:copies-sent")
        row["bytes"] = self._file.tell()
        self._out.publish(self._settings.topic_prefix + TOPIC, piece_key(self._job.id, piece), json.dumps(row).encode(), partition=0)
        self._out.flush(SECONDS)

    def close(self) -> None:
        """The file gets its name."""
        self._file.close()
        self._part.replace(self._path)


def origin_of(message: Message) -> Origin:
    """Where a message lay first: what its `origin` header says, else its own place."""
    for name, data in headers_of(message):
        if name == origin.HEADER:
            return origin.unpack(data)
    return Origin(topic=message.topic() or "", partition=message.partition() or 0, offset=message.offset() or 0,
                  timestamp=message.timestamp()[1])  # fmt: skip


def headers_of(message: Message) -> list[tuple[str, bytes]]:
    """Headers as bytes; one without a value has none of them."""
    found: Any = message.headers() or ()
    return [(name, data if isinstance(data, bytes) else str(data or "").encode()) for name, data in found]


def line(message: Message, record: dict[str, Any] | None) -> bytes:
    """A record as JSON: where it lay, its bytes in base64, and what can be read of it."""
    where = origin_of(message)
    plain = {
        "topic": where.topic, "partition": where.partition, "offset": where.offset, "timestamp": where.timestamp,
        "key": _text(message.key()), "value": _text(message.value()),
        "headers": [[name, _text(data)] for name, data in headers_of(message)], "record": record,
    }  # fmt: skip
    return json.dumps(plain, ensure_ascii=False, default=_plain).encode()


def _text(data: Any) -> str | None:
    return None if data is None else base64.b64encode(data if isinstance(data, bytes) else str(data).encode()).decode()


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)
