"""Rebuilding one partition's series from its inputs: what a replay job asks of the owner of that partition.

1. **choose**: the series that have a record in the job's range which the selection takes;
2. **fold** every input of those series, from the oldest, into a shadow, while live work goes on;
3. **catch up** to the live position; the lane stands still for the last part alone;
4. **adopt** (adoption.py).

Nothing of it is visible before the lane commits what 4 gives. So whoever dies on the way begins anew and finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing
from typing import Any, Final

from confluent_kafka import Message

from stream_processors.adoption import Adoption, Manner, adopt
from stream_processors.context import Context
from stream_processors.shadow import Shadow, ShadowError
from stream_processors.stage1 import STAGE, Stage1
from stream_processors.stage1_restore import Input, inputs_of
from transport.columnar_writer import AvroDecoder, DecodeError
from transport.pace import Pace
from transport.replay_jobs import Job, Piece
from transport.state_reader import PartitionReader, ahead
from transport.topics import conditions_topic

NEAR: Final = 20_000
"""Inputs that the lane may wait for."""
_PARTITION, _OFFSET, _TOPIC = (f"__connect.errors.{name}" for name in ("partition", "offset", "topic"))


class Rebuild:
    """One piece of one job; `poison`: offsets that are never folded. Blocking; for one thread at a time."""

    def __init__(self, context: Context, job: Job, piece: Piece, poison: AbstractSet[int] = frozenset()) -> None:
        self._context, self._job, self._piece, self._poison = context, job, piece, poison
        self._group = piece.topic.removeprefix(f"{context.prefix}obs.")
        self.shadow = Shadow(context, self._group, piece.partition, (piece.first, piece.until), late=job.late)
        self.at = 0
        """Next input offset that the shadow has not seen."""
        self._reader = PartitionReader(context.settings)
        self._wanted: dict[bytes, bool] | None = None
        self._all_wanted = True
        self._said: dict[str, dict[str, Any]] = {}
        self._said_to = self._lettered_to = 0
        self._letters: set[int] | None = None

    @property
    def keys(self) -> list[bytes]:
        """Series that are rebuilt."""
        return [key for key, wanted in (self._wanted or {}).items() if wanted]

    def catch_up(self, until: int, pace: Pace | None = None) -> None:
        """Steps 1 and 2 up to offset `until`. Raises Stopped, ShadowError, RestoreError, SelectionError, KafkaException."""
        if self._wanted is None:
            self._wanted = self._chosen(pace)
        with closing(ahead(map(inputs_of, self._read(self.at, until)))) as batches:  # whatever ends it, nobody reads any more afterwards
            for batch in batches:
                self._fold(batch)
                if pace is not None:
                    pace.take(len(batch))
        self.at = max(self.at, until)

    def look_around(self) -> None:
        """What was said of these series' alerts and which inputs have letters, so that little is left to read while the lane stands still.
        Raises RestoreError, KafkaException."""
        self._read_said()
        self._letters, self._lettered_to = self._lettered(), self.at

    def finish(self, position: int) -> None:
        """Step 3: the last inputs, and what was said since. Raises as `catch_up`."""
        self.catch_up(position)
        if self._letters is None:
            self.look_around()
        self._read_said()

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def adopt(self, live: Stage1) -> Adoption:
        """Step 4, into a live stage that stands where `finish` came to. Pure; an error in it leaves `live` half changed."""
        manner = Manner(self._job.id, "live" if self._job.fire else "replay")
        by_the_lane = {offset for offset in self.shadow.refused if offset >= self._lettered_to}
        letters = (self._letters or set()) | by_the_lane
        return adopt(live, self.shadow, self.keys, self._said, letters, self.at, manner)

    def _fold(self, batch: list[Input]) -> None:
        """Every key is numbered, in order, since the catalogue limits how many series there may be; only the wanted ones are folded, which
        numbers them."""
        wanted = self._wanted
        assert wanted is not None
        if self._poison:
            batch = [one for one in batch if one.offset not in self._poison]
        keys = [one.key for one in batch]
        if set(keys) - wanted.keys():
            for one in batch:
                if one.key not in wanted:
                    inside = self._everything and one.offset < self._piece.until
                    wanted[one.key] = inside and self._job.selection.takes_key(one.key)
            self._all_wanted = all(wanted.values())
        if not self._all_wanted:
            self.shadow.series.numbers(keys)
            batch = [one for one in batch if wanted[one.key]]
        self.shadow.take(batch)

    @property
    def _everything(self) -> bool:
        """Does the range begin with the oldest input, and does no field decide? Then a series is chosen by its key alone."""
        return self._piece.first == 0 and not self._job.selection.where

    def _chosen(self, pace: Pace | None) -> dict[bytes, bool]:
        """Step 1. Where every record of a key is meant nothing needs to be read."""
        if self._everything:
            return {}
        selection, found = self._job.selection, dict[bytes, bool]()
        decoder = AvroDecoder("observation", self._context.registry.schema)
        for batch in self._read(self._piece.first, self._piece.until):
            for m in batch:
                key = m.key() or b""
                if not found.get(key) and selection.takes_key(key) and self._meant(decoder, m):
                    found[key] = True
            if pace is not None:
                pace.take(len(batch))
        return found

    def _meant(self, decoder: AvroDecoder, message: Message) -> bool:
        """A record that cannot be read is meant where no field decides."""
        selection = self._job.selection
        if not selection.where:
            return True
        try:
            return selection.takes(decoder.decode(message.value()))
        except DecodeError:
            return False

    def _read(self, first: int, until: int) -> Iterator[list[Message]]:
        """Inputs of the partition; the oldest must still be there. Raises ShadowError."""
        expected: int | None = first
        for batch in self._reader.read(*self._piece.place, first, until):
            if expected is not None and (batch[0].offset() or 0) > expected:
                raise ShadowError(
                    f"{self._piece.topic} [{self._piece.partition}]: đầu vào trước vị trí {batch[0].offset()} đã bị xóa, "
                    "không dựng lại được; "
                    "inputs before it are deleted: figures cannot be rebuilt from what is left"
                )
            expected = None
            yield batch

    def _read_said(self) -> None:
        """The newest condition of each alert of these series, as stage 1 said it; goes on where it stopped."""
        if not any(self.shadow.series.ruled[self.shadow.series.numbers(self.keys)]):
            return
        wanted, source = set(self.keys), self._piece.topic
        beats = {rule.id for rule in self._context.rules.watchdogs}
        decoder = AvroDecoder("condition", self._context.registry.schema)
        topic = self._context.prefix + conditions_topic(self._group)
        for batch in self._reader.read(topic, self._piece.partition, self._said_to):
            self._said_to = (batch[-1].offset() or 0) + 1
            for m in batch:
                if m.value() is None:
                    self._said.pop((m.key() or b"").decode(), None)
                    continue
                row = decoder.decode(m.value())
                if row["rule"] in beats:
                    continue
                if row["source_topic"] == source and row["series"].encode() in wanted:
                    self._said[row["alert_id"]] = row

    def _lettered(self) -> set[int]:
        """Offsets of the partition that have a dead letter of stage 1."""
        if not self.shadow.refused:
            return set()
        found: set[int] = set()
        place = {_TOPIC: self._piece.topic.encode(), _PARTITION: str(self._piece.partition).encode()}.items()
        for batch in self._reader.read(f"{self._context.prefix}dead.{STAGE}", self._piece.partition % 2):
            for message in batch:
                headers: dict[str, Any] = dict(message.headers() or ())
                if place <= headers.items():
                    found.add(int(headers[_OFFSET]))
        return found
