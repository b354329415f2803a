"""The records of one piece, in offset order, a batch at a time: what a copy takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from confluent_kafka import Message

from ops.stack.control import StackError
from transport.records import AvroDecoder, DecodeError
from transport.registry import Registry
from transport.replay_jobs import Job, Piece
from transport.selection import SelectionError
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.topics import table


class Records:
    """`read`: messages looked at so far; `unreadable`: those that no filter on fields could judge, left out."""

    def __init__(self, settings: Settings, registry: Registry, job: Job, piece: Piece) -> None:
        self._settings, self._job, self._piece = settings, job, piece
        schema = table(settings.topic_prefix)[piece.topic].schema
        letters = piece.topic.removeprefix(settings.topic_prefix).startswith("dead.")
        self._decoder = AvroDecoder(schema, registry.schema) if schema and not letters else None
        if self._decoder is None and job.selection.where:
            raise StackError(f"{piece.topic}: không có lược đồ, không lọc theo trường được / no schema: records cannot be chosen by field")
        self.read = self.unreadable = 0

    def batches(self, first: int) -> Iterator[tuple[int, list[Message]]]:
        """(next offset, messages that are meant) from offset `first` on. Raises StackError, RestoreError, KafkaException."""
        for batch in read_partition(self._settings, *self._piece.place, first, self._piece.until):
            self.read += len(batch)
            yield (batch[-1].offset() or 0) + 1, [m for m in batch if self._meant(m)]

    def decoded(self, message: Message) -> dict[str, Any] | None:
        """The record of a message; None where it has none that can be read."""
        try:
            return None if self._decoder is None else self._decoder.decode(message.value())
        except DecodeError:
            return None

    def _meant(self, message: Message) -> bool:
        selection = self._job.selection
        if not selection.takes_key(message.key()):
            return False
        if not selection.where:
            return True
        record = self.decoded(message)
        if record is None:
            self.unreadable += 1
            return False
        try:
            return selection.takes(record)
        except SelectionError as error:
            raise StackError(str(error)) from error
