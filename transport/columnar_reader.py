"""A list of framed messages in, a frame plus a list of refused messages out; columns, not records.

The order for each schema id in the chunk:
1. messages without a body, without a frame or over the limit are refused;
2. all bodies are walked by column; the few in doubt are walked exactly, and those with a fault refused with field and reason;
3. the rest is read by polars in one container with guards and a sentinel;
4. columns are resolved to the reader's schema; texts that are not UTF-8 are refused.
Should polars refuse a block the walk found whole, the block is halved down to LEAF messages, which fastavro reads one by one. Nothing is
raised for bad input, and every message is either a row or refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from transport.avro_container import Container, ContainerError, Joined
from transport.body_check import BodyCheck
from transport.body_fault import BodyFault
from transport.framing import FRAME_BYTES
from transport.records import DecodeError, read_body, untimed
from transport.resolution import Column, ResolutionError, column_type, plan
from transport.schema_ids import Resolver, SchemaUnknown
from transport.schemas import Schema, SchemaError, load, of
from transport.topics import MAX_MESSAGE_BYTES

LEAF: Final = 64
INDEX: Final = "index"
_HEAD: Final = itemgetter(slice(FRAME_BYTES))
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused message: its place in the list, a reason of the dead letter's closed list, the field (empty: the whole), a detail."""

    index: int
    reason: str
    field: str
    detail: str


class Decoded(NamedTuple):
    """`frame`: the reader's columns in order, then `index` (UInt32, the message's place in the list), rows in the list's order."""

    frame: pl.DataFrame
    refused: list[Refused]


def frame_schema(schema: Schema) -> dict[str, pl.DataType]:
    """Column types of a decoded frame, `index` last."""
    return {**{f["name"]: column_type(f["type"]) for f in schema.fields}, INDEX: pl.UInt32()}


@dataclass(slots=True)
class _Chunk:
    """Messages of one schema id, their places in the caller's list, and what has become of them."""

    messages: list[bytes]
    where: Numbers
    frames: list[pl.DataFrame] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def drop(self, rows: list[int]) -> None:
        """Take refused messages out (`rows` ascending)."""
        keep = np.ones(len(self.messages), np.bool_)
        keep[rows] = False
        self.messages = list(compress(self.messages, keep.tolist()))
        self.where = self.where[keep]

    def refuse(self, row: int, reason: str, name: str, detail: str) -> None:
        """Note one refused message; the caller drops it."""
        self.refused.append(Refused(int(self.where[row]), reason, name, detail))


class ColumnarReader:
    """Reads chunks of one topic with the schema `name`; `resolver` gives the writer's schema of an id, or raises SchemaUnknown.

    Not for use by two threads at once. Writers are compiled at the first message of their id and kept.
    """

    def __init__(self, name: str, resolver: Resolver) -> None:
        self.schema = load(name)
        self._resolver = resolver
        self._columns = frame_schema(self.schema)
        self._sources: dict[int, _Source] = {}
        self._empty = pl.DataFrame(schema=self._columns)

    def read(self, values: list[bytes | None]) -> Decoded:
        """Every value as a row or as refused.

        None (a tombstone) is refused as `decode`: a reader of a compacted topic, where it means «gone», takes it out before.
        Raises nothing for bad input; what the resolver raises beside SchemaUnknown (the registry is down) is passed on.
        """
        chunk = _Chunk(values, np.arange(len(values)))  # type: ignore[arg-type]  # None goes out first
        _refuse_sizes(chunk)
        for number, part in _by_schema(chunk):
            try:
                self._source(number).read(part)
            except SchemaUnknown as error:
                for row in range(len(part.messages)):
                    part.refuse(row, "schema_unknown", "", str(error))
            except ResolutionError as error:
                for row in range(len(part.messages)):
                    part.refuse(row, "contract", error.field, error.detail)
            if part is not chunk:
                chunk.frames += part.frames
                chunk.refused += part.refused
        return self._collect(chunk)

    def _source(self, number: int) -> _Source:
        source = self._sources.get(number)
        if source is None:
            source = self._sources[number] = _Source(number, self._resolver(number), self.schema, self._columns)
        return source

    def _collect(self, chunk: _Chunk) -> Decoded:
        frames = [frame for frame in chunk.frames if frame.height]
        if len(frames) == 1:
            return Decoded(frames[0], _in_order(chunk.refused))
        frame = pl.concat(frames).sort(INDEX) if frames else self._empty
        return Decoded(frame, _in_order(chunk.refused))


def _in_order(refused: list[Refused]) -> list[Refused]:
    return sorted(refused, key=lambda one: one.index)


def _refuse_sizes(chunk: _Chunk) -> None:
    """Refuse what has no body, no frame or too many bytes."""
    try:
        lengths = np.fromiter(map(len, chunk.messages), np.int64, len(chunk.messages))
    except TypeError:  # a tombstone among them
        lengths = np.array([-1 if m is None else len(m) for m in chunk.messages], np.int64)
    wrong = np.flatnonzero((lengths < FRAME_BYTES) | (lengths > MAX_MESSAGE_BYTES))
    if not len(wrong):
        return
    for row in wrong.tolist():
        size = int(lengths[row])
        if size < 0:
            chunk.refuse(row, "decode", "", "no value (a tombstone)")
        elif size < FRAME_BYTES:
            chunk.refuse(row, "truncated", "", f"{size} bytes where a frame alone has {FRAME_BYTES}")
        else:
            chunk.refuse(row, "too_large", "", f"{size} bytes where at most {MAX_MESSAGE_BYTES} are allowed")
    chunk.drop(wrong.tolist())


def _by_schema(chunk: _Chunk) -> list[tuple[int, _Chunk]]:
    """The chunk by schema id, after refusing what is not framed. The usual chunk has one id and is not copied."""
    frames = set(map(_HEAD, chunk.messages))
    if any(head[0] for head in frames):
        bad = [row for row, message in enumerate(chunk.messages) if message[0]]
        for row in bad:
            chunk.refuse(row, "decode", "", f"first byte {chunk.messages[row][0]} where a framed message begins with 0")
        chunk.drop(bad)
        frames = {head for head in frames if not head[0]}
    if len(frames) == 1:
        return [(int.from_bytes(frames.pop(), "big"), chunk)]
    rows: dict[bytes, list[int]] = {head: [] for head in sorted(frames)}
    for row, head in enumerate(map(_HEAD, chunk.messages)):
        rows[head].append(row)
    return [
        (int.from_bytes(head, "big"), _Chunk([chunk.messages[r] for r in found], chunk.where[found])) for head, found in rows.items()
    ]  # fmt: skip


class _Source:
    """Reads messages of one schema id into the reader's columns."""

    def __init__(self, number: int, raw: dict[str, Any], reader: Schema, columns: dict[str, pl.DataType]) -> None:
        try:
            writer = of(f"id {number}", raw)
            self._plan = plan(raw, reader.raw)
            self._check, self._fault, self._container = BodyCheck(raw), BodyFault(raw), Container(raw, number)
        except (SchemaError, ValueError, KeyError) as error:
            raise ResolutionError("", f"schema id {number} cannot be read: {error}") from error
        self._columns = columns
        self._written, self._reader = untimed(writer), untimed(reader)

    def read(self, chunk: _Chunk) -> None:
        """Append frames to the chunk and refusals to its list."""
        joined = self._join(chunk)
        doubts = self._check.doubts(joined.data, joined.starts + FRAME_BYTES, joined.ends)
        if len(doubts):
            bad = [row for row in doubts.tolist() if self._refuse_fault(chunk, row)]
            chunk.drop(bad)
            joined = self._join(chunk)
        if not chunk.messages:
            return
        if self._plan is None:
            chunk.frames.append(self._one_by_one(chunk))
        else:
            self._halve(chunk, joined, self._plan)

    def _refuse_fault(self, chunk: _Chunk, row: int) -> bool:
        fault = self._fault.find(chunk.messages[row][FRAME_BYTES:])
        if fault is None:
            return False
        chunk.refuse(row, *fault)
        return True

    def _join(self, chunk: _Chunk) -> Joined:
        return self._container.join(chunk.messages, np.fromiter(map(len, chunk.messages), np.int64, len(chunk.messages)))

    def _halve(self, chunk: _Chunk, joined: Joined, columns: list[Column]) -> None:
        """Read at once; where polars will not, in halves; small pieces one by one."""
        count = len(chunk.messages)
        try:
            table = self._container.read(joined)
        except ContainerError:
            if count <= LEAF:
                chunk.frames.append(self._one_by_one(chunk))
                return
            for half in (slice(0, count // 2), slice(count // 2, count)):
                part = _Chunk(chunk.messages[half], chunk.where[half], chunk.frames, chunk.refused)
                self._halve(part, self._join(part), columns)
            return
        chunk.frames.append(_resolve(chunk, table, columns))

    def _one_by_one(self, chunk: _Chunk) -> pl.DataFrame:
        """Rows by fastavro; a body is whole only where the reader stops at its end."""
        rows = []
        for row, message in enumerate(chunk.messages):
            try:
                rows.append(read_body(message, self._written, self._reader) | {INDEX: chunk.where[row]})
            except DecodeError as error:
                chunk.refuse(row, error.reason, error.field, error.detail)
        return pl.DataFrame(rows, schema=self._columns, orient="row")


def _resolve(chunk: _Chunk, table: pl.DataFrame, columns: list[Column]) -> pl.DataFrame:
    """The reader's columns of plain columns; rows with unusable texts or unknown values go to the refused."""
    done: list[pl.Series] = []
    bad: dict[int, tuple[str, str, str]] = {}
    for column in columns:
        if column.convert is None:
            continue
        source = table[column.name]
        try:
            made = column.convert(source)
        except pl.exceptions.ComputeError:
            texts = source.to_list()
            wrong = [row for row, value in enumerate(texts) if not _is_text(value)]
            if not wrong:
                raise  # not a text: a defect of the plan, not of the messages
            for row in wrong:
                bad[row] = ("wrong_encoding", column.name, "text that is not UTF-8")
                texts[row] = None
            made = column.convert(pl.Series(texts, dtype=source.dtype))
        if column.required and made.null_count():
            for row in made.is_null().arg_true().to_list():
                bad.setdefault(row, ("contract", column.name, "a value the present schema does not know"))
        done.append(made.alias(column.name))
    where = pl.Series(INDEX, chunk.where, dtype=pl.UInt32)
    frame = pl.DataFrame([*done, where]).select([c.name if c.default is None else c.default for c in columns] + [INDEX])
    if not bad:
        return frame
    keep = np.ones(frame.height, np.bool_)
    for row, fault in bad.items():
        chunk.refuse(row, *fault)
        keep[row] = False
    return frame.filter(pl.Series(keep))


def _is_text(value: Any) -> bool:
    """Whether all texts inside a plain value are UTF-8."""
    if isinstance(value, bytes):
        if value.isascii():
            return True
        try:
            value.decode()
        except UnicodeDecodeError:
            return False
    elif isinstance(value, list):
        return all(_is_text(item) for item in value)
    elif isinstance(value, dict):
        return all(_is_text(item) for item in value.values())
    return True
