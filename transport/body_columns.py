"""Values out of the walk: the tails of many Avro bodies as plain columns, a field at a time with numpy.

`transport/body_check.py` walks bodies to know where each ends; here the same walk also keeps what it passes. A tail is the fields of a
record from its first time, number or nullable field on: times, decimals, ids, small numbers. Arrays are taken only where they are empty.
What the walk is not sure of (an integer over eight bytes, a filled array) it leaves as a doubt, with any value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from transport.body_check import I64, U64, Flags, Walk
from transport.schemas import DECIMAL_BYTES, AvroType, nullable, type_name


class Texts(NamedTuple):
    """Values of texts and bytes as places in the joined messages."""

    starts: I64
    lengths: I64


class Limbs(NamedTuple):
    """Decimals as 128-bit integers: high · 2^64 + low."""

    high: I64
    low: U64


@dataclass(slots=True)
class Values:
    """One column. `content`: an array, Texts, Limbs, or the number of rows where all are empty arrays; `present` None: none is null."""

    content: npt.NDArray[Any] | Texts | Limbs | int
    present: Flags | None = None


Take = Callable[[Walk], Values]


def _length(walk: Walk) -> I64:
    first = walk.data.take(walk.at)
    if not (first & 0x81).any():
        walk.at += 1
        return (first >> 1).astype(np.int64)
    value = walk.longs()
    wrong = (value < 0) | (value > walk.stop - walk.at)
    if wrong.any():
        walk.doubt |= wrong
        value[wrong] = 0
    return value


def _text(walk: Walk) -> Values:
    lengths = _length(walk)
    starts = walk.at.copy()
    walk.skip(lengths)
    return Values(Texts(starts, lengths))


def _decimal(walk: Walk) -> Values:
    first = walk.data.take(walk.at)
    lengths = (first >> 1).astype(np.int64)
    walk.at += 1
    high = walk.words[walk.at].byteswap().astype(np.int64)
    if not (first & 1).any() and first.max(initial=0) <= 16:
        low = high >> np.minimum((8 - lengths) * 8, 63)
        low[lengths == 0] = 0
        walk.skip(lengths)
        return Values(Limbs(low >> 63, low.astype(np.uint64)))
    # Sixteen bytes may hold more than 38 digits: 10^38 begins with the byte 0x4B.
    top = walk.data.take(walk.at)
    walk.doubt |= ((first & 1) != 0) | (first > 2 * DECIMAL_BYTES) | ((first == 2 * DECIMAL_BYTES) & (top >= 0x4B) & (top <= 0xB4))
    np.minimum(lengths, DECIMAL_BYTES, out=lengths)
    content = _shifted(high, walk.words[walk.at + 8].byteswap(), lengths)
    walk.skip(lengths)
    return Values(content)


def _shifted(high: I64, low: U64, lengths: I64) -> Limbs:
    """The first `lengths` (0 … 16) of sixteen big-endian bytes as a signed number."""
    bits = (DECIMAL_BYTES - lengths) * 8
    sign = high >> 63
    narrow = high >> np.clip(bits - 64, 0, 63)
    narrow[lengths == 0] = 0
    few = np.clip(bits, 0, 63).astype(np.uint64)
    carried = np.where(bits == 0, np.uint64(0), high.astype(np.uint64) << (np.uint64(64) - np.maximum(few, np.uint64(1))))
    short = lengths <= 8
    return Limbs(
        np.where(short, np.where(lengths == 0, 0, sign), high >> few.astype(np.int64)),
        np.where(short, narrow.astype(np.uint64), (low >> few) | carried),
    )


def _int(walk: Walk) -> Values:
    first = walk.data.take(walk.at)
    if first.max(initial=0) < 0x80:
        walk.at += 1
        return Values((first >> 1).astype(np.int32) ^ -(first & 1).astype(np.int32))
    value = walk.longs()
    walk.doubt |= (value < -(1 << 31)) | (value >= 1 << 31)
    return Values(value.astype(np.int32))


def _long(walk: Walk) -> Values:
    return Values(walk.longs())


def _real(walk: Walk) -> Values:
    content = walk.words[walk.at].view(np.float64)
    walk.skip(np.full(len(walk.at), 8))
    return Values(content)


def _short_real(walk: Walk) -> Values:
    content = walk.words[walk.at].astype(np.uint32).view(np.float32)
    walk.skip(np.full(len(walk.at), 4))
    return Values(content)


def _boolean(walk: Walk) -> Values:
    first = walk.data.take(walk.at)
    walk.doubt |= first > 1
    walk.at += 1
    return Values(first == 1)


def _enum(count: int) -> Take:
    most = 2 * min(count, 64)

    def take(walk: Walk) -> Values:
        first = walk.data.take(walk.at)
        walk.doubt |= ((first & 1) != 0) | (first >= most)
        walk.at += 1
        return Values((first >> 1).astype(np.int32))

    return take


def _union(null_first: bool, inner: Take) -> Take:
    present = 2 if null_first else 0

    def take(walk: Walk) -> Values:
        first = walk.data.take(walk.at)
        walk.doubt |= (first != 0) & (first != 2)
        has = first == present
        walk.at += 1
        if has.all():
            return inner(walk)
        rows = np.flatnonzero(has)
        part = walk.part(rows)
        values = inner(part)
        walk.merge(rows, part)
        return Values(_scattered(values.content, rows, len(has)), has)

    return take


def _scattered(content: npt.NDArray[Any] | Texts | Limbs | int, rows: I64, count: int) -> npt.NDArray[Any] | Texts | Limbs | int:
    """Values of some rows among zeros."""
    if isinstance(content, int):
        raise TypeError("an array is never nullable: transport.schemas.lint")
    if isinstance(content, Texts):
        return Texts(_spread(content.starts, rows, count), _spread(content.lengths, rows, count))
    if isinstance(content, Limbs):
        return Limbs(_spread(content.high, rows, count), _spread(content.low, rows, count))
    return _spread(content, rows, count)


def _spread(array: npt.NDArray[Any], rows: I64, count: int) -> npt.NDArray[Any]:
    wide = np.zeros(count, array.dtype)
    wide[rows] = array
    return wide


def _empty_array(walk: Walk) -> Values:
    walk.doubt |= walk.data.take(walk.at) != 0
    walk.at += 1
    return Values(len(walk.at))


_SIMPLE: dict[str, Take] = {
    "string": _text, "bytes": _text, "decimal": _decimal, "int": _int, "long": _long, "timestamp": _long, "boolean": _boolean,
    "double": _real, "float": _short_real, "array": _empty_array,
}  # fmt: skip


def _compile(kind: AvroType) -> Take:
    inner = nullable(kind)
    if inner is not None:
        return _union(kind[0] == "null", _compile(inner))  # type: ignore[index]
    name = type_name(kind)
    if name == "enum" and isinstance(kind, dict):
        return _enum(len(kind["symbols"]))
    if name not in _SIMPLE:
        raise ValueError(f"type {name}: not walked; the schema lint refuses it")
    return _SIMPLE[name]


class BodyColumns:
    """The walk compiled for consecutive fields of a record (parsed JSON; only types the schema lint allows, else ValueError)."""

    def __init__(self, fields: Sequence[dict[str, Any]]) -> None:
        self._takes = [(str(f["name"]), _compile(f["type"])) for f in fields]

    def take(self, data: bytes, starts: I64, ends: I64) -> tuple[dict[str, Values], I64]:
        """Columns of `data[starts[i]:ends[i]]`, and which rows (ascending) are not certainly whole: their values mean nothing.

        `data` must go on for `body_check.PADDING` bytes after the last of them.
        """
        view = np.frombuffer(data, np.uint8)
        words: U64 = np.ndarray((len(view) - 8,), "<u8", buffer=data, strides=(1,))
        walk = Walk(view, words, starts.copy(), ends, np.zeros(len(starts), np.bool_))
        columns = {}
        for name, take in self._takes:
            columns[name] = take(walk)
            np.minimum(walk.at, walk.stop + 1, out=walk.at)
        return columns, np.flatnonzero(walk.doubt | (walk.at != walk.stop))
