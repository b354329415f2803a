"""Messages of one schema id by head and tail: heads are learnt once (transport/heads.py), tails come out of the walk as columns.

A message is taken this way only where all of it is certain: it begins with the very bytes of a head that was walked and read, and the walk
of its tail ends without a doubt where the message ends. Every other message is left to the complete reading (transport/body_source.py).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from transport.arrow_buffers import binary, decimals
from transport.body_check import PADDING, BodyCheck
from transport.body_columns import BodyColumns, Limbs, Texts, Values
from transport.body_source import INDEX, BodySource, resolved
from transport.framing import FRAME_BYTES
from transport.heads import Heads, Numbers, head_length
from transport.message_chunk import Chunk
from transport.resolution import column_type, plan
from transport.schemas import Schema, of

_PADDING: Final = bytes(PADDING)
_BUFFER_LIMIT: Final = (1 << 31) - (1 << 20)
"""A text column points into the joined messages with 31 bits."""


class SplitSource:
    """Heads and tails of one schema id. Raises ValueError where writer and reader do not divide alike."""

    def __init__(self, number: int, raw: dict[str, Any], reader: Schema, whole: BodySource) -> None:
        at, parts = head_length(raw["fields"]), divided(reader)
        written = raw["fields"][:at], raw["fields"][at:]
        for fields, part in zip(written, reversed(parts), strict=True):
            strayed = {f["name"] for f in fields} & {f["name"] for f in part.fields}
            if strayed:
                raise ValueError(f"schema id {number}: {', '.join(sorted(strayed))} lie on the other side of the head's end")
        columns = plan({**raw, "fields": written[1]}, parts[1].raw)
        if columns is None or not at:
            raise ValueError(f"schema id {number}: not read by columns")
        head = {**raw, "fields": written[0]}
        self._number, self._whole, self._columns = number, whole, columns
        self._head = BodySource(number, head, parts[0])
        self._reach, self._tail = BodyCheck(head), BodyColumns(written[1])
        self._types = {f["name"]: f["type"] for f in written[1]}

    def learn(self, chunk: Chunk, keys: list[bytes | None], heads: Heads) -> Numbers:
        """Numbers of the heads that the messages begin with, new ones entered; -1 where a message is refused or left."""
        data, starts, stops = _join(chunk)
        ends, sure = self._reach.reach(data, starts + FRAME_BYTES, stops)
        lengths = (ends - starts).tolist()
        found = [m[:n] if ok else b"" for m, n, ok in zip(chunk.messages, lengths, sure.tolist(), strict=True)]
        new = [head for head in dict.fromkeys(found) if head and heads.number_of(head) < 0]
        faults = self._enter(new, heads)
        numbers = np.full(len(found), -1, np.int64)
        for row, (key, head) in enumerate(zip(keys, found, strict=True)):
            if head in faults:
                chunk.refuse(row, *(self._whole.fault(chunk.messages[row]) or faults[head]))
                numbers[row] = -2
            elif head:
                numbers[row] = heads.number_of(head)
                heads.expect(key, head)
        return numbers

    def _enter(self, new: list[bytes], heads: Heads) -> dict[bytes, tuple[str, str, str]]:
        """Read new heads; what is wrong with those that cannot be used."""
        if not new:
            return {}
        chunk = Chunk(list(new), np.arange(len(new)))
        self._head.read(chunk)
        frame = pl.concat(chunk.frames).sort(INDEX) if len(chunk.frames) != 1 else chunk.frames[0]
        heads.enter([new[place] for place in frame[INDEX].to_list()], frame.drop(INDEX), self._number)
        return {new[one.index]: (one.reason, one.field, one.detail) for one in chunk.refused}

    def read(self, chunk: Chunk, head_lengths: Numbers) -> tuple[pl.DataFrame, Numbers]:
        """The reader's columns behind the head and `index`, and the rows (ascending) that are left to the complete reading."""
        data, starts, stops = _join(chunk)
        starts = starts + head_lengths
        columns, doubtful = self._tail.take(data, starts, stops)
        if len(doubtful):
            keep = np.ones(len(starts), np.bool_)
            keep[doubtful] = False
            chunk = Chunk([chunk.messages[row] for row in np.flatnonzero(keep).tolist()], chunk.where[keep], chunk.frames, chunk.refused)
            columns, _ = self._tail.take(data, starts[keep], stops[keep])
        used = [c.name for c in self._columns if c.convert is not None]
        table = {name: self._series(name, columns[name], data) for name in used}
        return resolved(chunk, table, self._columns), doubtful

    def _series(self, name: str, values: Values, data: bytes) -> pl.Series:
        content, present = values.content, values.present
        if isinstance(content, Texts):
            return pl.Series(binary(data, content.starts, content.lengths, present))
        if isinstance(content, Limbs):
            return pl.Series(decimals(content.high, content.low, present))
        if isinstance(content, int):
            return pl.Series([[]], dtype=column_type(self._types[name])).new_from_index(0, content)
        series = pl.Series(content)
        return series if present is None else series.set(pl.Series(~present), None)


def divided(reader: Schema) -> tuple[Schema, Schema]:
    """The reader's head and tail as schemas of their own."""
    at = head_length(reader.fields)
    head, tail = ({**reader.raw, "fields": list(fields)} for fields in (reader.fields[:at], reader.fields[at:]))
    return of(reader.name, head), of(reader.name, tail)


def fits(chunk: Chunk) -> bool:
    """May the messages be joined and pointed into?"""
    return int(chunk.lengths().sum()) < _BUFFER_LIMIT


def _join(chunk: Chunk) -> tuple[bytes, Numbers, Numbers]:
    """The messages in one piece with the walk's padding; first byte of each and one past its last."""
    lengths = chunk.lengths()
    ends = np.cumsum(lengths)
    return b"".join((*chunk.messages, _PADDING)), ends - lengths, ends
