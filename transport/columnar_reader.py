"""A list of framed messages in, columns plus a list of refused messages out; columns, not records.

The order for each schema id in the chunk:
1. messages without a body, without a frame or over the limit are refused;
2. all bodies are walked by column; the few in doubt are walked exactly, and those with a fault refused with field and reason;
3. the rest is read by polars in one container with guards and a sentinel;
4. columns are resolved to the reader's schema; texts that are not UTF-8 are refused.
Nothing is raised for bad input, and every message is either a row or refused.

Where the caller gives the messages' keys, 2 and 3 are spared what is known: a message that begins with a head read before
(transport/heads.py) is walked from the head's end only, and the walk itself gives the columns (transport/split_source.py). The rows are
the same, the refusals too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from transport.body_source import INDEX, BodySource, frame_schema
from transport.heads import Heads, Numbers
from transport.message_chunk import Chunk, Refused, by_schema, refuse_sizes
from transport.resolution import ResolutionError
from transport.schema_ids import Resolver, SchemaUnknown
from transport.schemas import load
from transport.split_source import SplitSource, divided, fits

FEW: Final = 256
"""Messages whose heads are unknown that are learnt from at once."""

__all__ = ["INDEX", "ColumnarReader", "Decoded", "Refused", "frame_schema"]


class Decoded:
    """What one list of messages came to. `refused`: in the list's order.

    `frame`: the reader's columns in order, then `index` (UInt32, the message's place in the list), rows in the list's order. It is put
    together when first asked for; who needs few columns takes the parts: row i is row `head[i]` of `heads.frame` (columns of the head) and
    row i of `tail` (the other columns and `index`).
    """

    __slots__ = ("_columns", "_frame", "head", "heads", "refused", "tail")

    def __init__(self, columns: Sequence[str], heads: Heads, head: Numbers, tail: pl.DataFrame, refused: list[Refused]) -> None:
        self._columns = columns
        self._frame: pl.DataFrame | None = None
        self.heads, self.head, self.tail, self.refused = heads, head, tail, sorted(refused, key=lambda one: one.index)

    @property
    def frame(self) -> pl.DataFrame:
        """All columns of all rows."""
        if self._frame is None:
            self._frame = self.joined(self.heads.frame)
        return self._frame

    def joined(self, heads: pl.DataFrame) -> pl.DataFrame:
        """All columns of all rows, those of the heads from `heads`: `heads.frame` with whatever is cheaper done once a head."""
        if not heads.width:
            return self.tail.select(self._columns)
        return pl.concat([heads[self.head], self.tail], how="horizontal").select(self._columns)

    def record(self, row: int) -> dict[str, object]:
        """One row, without its index."""
        tail = self.tail.row(row, named=True)
        del tail[INDEX]
        return self.heads.frame.row(int(self.head[row]), named=True) | tail


class ColumnarReader:
    """Reads chunks of one topic with the schema `name`; `resolver` gives the writer's schema of an id, or raises SchemaUnknown.

    Not for use by two threads at once. Writers are compiled at the first message of their id and kept.
    """

    def __init__(self, name: str, resolver: Resolver) -> None:
        self.schema = load(name)
        self._resolver = resolver
        self._columns = frame_schema(self.schema)
        self._sources: dict[int, BodySource] = {}
        self._splits: dict[int, SplitSource | None] = {}
        self._head_names = [f["name"] for f in divided(self.schema)[0].fields]
        self._heads = self._new_heads()

    def read(self, values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None) -> Decoded:
        """Every value as a row or as refused. `keys`: of the messages, in order; messages of one key are expected to begin alike.

        None (a tombstone) is refused as `decode`: a reader of a compacted topic, where it means «gone», takes it out before.
        Raises nothing for bad input; what the resolver raises beside SchemaUnknown (the registry is down) is passed on.
        """
        chunk = Chunk(values, np.arange(len(values)))  # type: ignore[arg-type]  # None goes out first
        refuse_sizes(chunk)
        if keys is None or not self._head_names:
            self._read_whole(chunk)
            return self._whole(chunk)
        if self._heads.full:
            self._heads = self._new_heads()
        return self._read_split(chunk, keys if len(keys) == len(chunk.messages) else [keys[i] for i in chunk.where.tolist()])

    def _new_heads(self) -> Heads:
        return Heads({name: self._columns[name] for name in self._head_names})

    def _source(self, number: int) -> BodySource:
        source = self._sources.get(number)
        if source is None:
            source = self._sources[number] = BodySource(number, self._resolver(number), self.schema)
        return source

    def _split(self, number: int) -> SplitSource | None:
        """None: messages of this id are always read whole."""
        if number not in self._splits:
            source = self._source(number)
            try:
                self._splits[number] = SplitSource(number, self._resolver(number), self.schema, source)
            except ValueError:
                self._splits[number] = None
        return self._splits[number]

    def _read_whole(self, chunk: Chunk) -> None:
        for number, part in by_schema(chunk):
            try:
                self._source(number).read(part)
            except (SchemaUnknown, ResolutionError) as error:
                _refuse_all(part, error)
            if part is not chunk:
                chunk.take(part)

    def _whole(self, chunk: Chunk) -> Decoded:
        frames = [frame for frame in chunk.frames if frame.height]
        frame = frames[0] if len(frames) == 1 else pl.concat(frames).sort(INDEX) if frames else pl.DataFrame(schema=self._columns)
        return Decoded(list(self._columns), Heads({}), np.zeros(0, np.int64), frame, chunk.refused)

    def _read_split(self, chunk: Chunk, keys: Sequence[bytes | None]) -> Decoded:
        """Known heads first, new ones learnt, tails by column; what is not certain is read whole."""
        heads = self._heads
        numbers = self._meet(chunk, keys)
        tails, left = self._tails(chunk, numbers)
        rest = chunk.part(np.flatnonzero((numbers == -1) | left))
        self._read_whole(rest)
        chunk.take(rest)
        places = np.full(int(chunk.where[-1]) + 1 if len(chunk.where) else 0, -1, np.int64)
        places[chunk.where] = numbers
        for frame in rest.frames:
            places[frame[INDEX].to_numpy()] = heads.enter_nameless(frame.select(self._head_names))
            tails.append(frame.drop(self._head_names))
        tail = tails[0] if len(tails) == 1 else pl.concat(tails).sort(INDEX) if tails else self._empty_tail()
        return Decoded(list(self._columns), heads, places[tail[INDEX].to_numpy()], tail, chunk.refused)

    def _empty_tail(self) -> pl.DataFrame:
        return pl.DataFrame(schema={n: t for n, t in self._columns.items() if n not in self._head_names})

    def _meet(self, chunk: Chunk, keys: Sequence[bytes | None]) -> Numbers:
        """Number of each message's head; -1: to be read whole, -2: refused. One message a key is learnt from before the others."""
        if not fits(chunk):
            return np.full(len(chunk.messages), -1, np.int64)
        numbers = self._heads.match(keys, chunk.messages)
        rows = np.flatnonzero(numbers < 0)
        if len(rows) > FEW:
            first = {keys[row]: row for row in reversed(rows.tolist())}
            self._learn(chunk, keys, np.array(sorted(first.values()), np.int64), numbers)
            rows = rows[numbers[rows] == -1]
            numbers[rows] = self._heads.match([keys[row] for row in rows.tolist()], [chunk.messages[row] for row in rows.tolist()])
            rows = rows[numbers[rows] == -1]
        if len(rows):
            self._learn(chunk, keys, rows, numbers)
        return numbers

    def _learn(self, chunk: Chunk, keys: Sequence[bytes | None], rows: Numbers, numbers: Numbers) -> None:
        """Fill in the numbers of these messages' heads, new ones learnt."""
        unknown = Chunk([chunk.messages[row] for row in rows.tolist()], rows)
        parts = by_schema(unknown)
        unknown.refused.clear()  # they are read whole, which refuses them
        for number, part in parts:
            try:
                split = self._split(number)
            except (SchemaUnknown, ResolutionError):
                continue
            if split is None:
                continue
            numbers[part.where] = split.learn(part, [keys[row] for row in part.where.tolist()], self._heads)
            for one in part.refused:
                chunk.refuse(one.index, one.reason, one.field, one.detail)

    def _tails(self, chunk: Chunk, numbers: Numbers) -> tuple[list[pl.DataFrame], npt.NDArray[np.bool_]]:
        """Frames of the tails, and which messages are left to be read whole."""
        left = np.zeros(len(numbers), np.bool_)
        frames = []
        lengths, ids = self._heads.ends(np.maximum(numbers, 0)) if len(self._heads) else (numbers, numbers)
        known = numbers >= 0
        for number in np.unique(ids[known]).tolist():
            rows = np.flatnonzero(known & (ids == number))
            split = self._splits[number]
            assert split is not None, "a head is known only where it was learnt"
            part = chunk.part(rows)
            frame, doubtful = split.read(part, lengths[rows])
            left[rows[doubtful]] = True
            chunk.refused += part.refused
            if frame.height:
                frames.append(frame)
        return frames, left


def _refuse_all(part: Chunk, error: SchemaUnknown | ResolutionError) -> None:
    fault = ("contract", error.field, error.detail) if isinstance(error, ResolutionError) else ("schema_unknown", "", str(error))
    for row in range(len(part.messages)):
        part.refuse(row, *fault)
