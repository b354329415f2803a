"""The shape of Avro bodies, checked for a whole chunk at once before any reader sees them.

polars reads a chunk an order of magnitude faster than a reader of single records, but takes some broken bodies for good (an index outside a
union, an int over 32 bits, a boolean of 7) and answers others with a panic on stderr. So every body is walked first, all of them a field
at a time with numpy: lengths, union indexes, enum numbers, booleans, ranges of ints, and that the last field ends where the body ends.
Nothing is allocated by a length that a body claims. What the walk is not sure of (`doubt`: an array over ARRAY_STEPS items, an integer
over eight bytes) the exact walk of one body, `fault`, decides; it also names the field at fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from transport.schemas import DECIMAL_BYTES, AvroType, nullable, type_name

PADDING: Final = 4096
"""Zero bytes to append to the joined bodies: a step may look that far past the end of the last one."""

ARRAY_STEPS: Final = 64
"""Longest array walked by column; longer ones are walked one body at a time."""

_SLICE: Final = 8192
"""Bodies walked together: enough to spread numpy's cost of a call, few enough for the working arrays to stay in the processor's cache."""

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

_TOPS = np.uint64(0x8080808080808080)
_ONE = np.uint64(1)


@dataclass(slots=True)
class Walk:
    """Where each body stands: `at` is the next byte, `stop` one past its end; `doubt` marks bodies left to the exact walk."""

    data: U8
    words: U64
    at: I64
    stop: I64
    doubt: Flags

    def part(self, rows: I64) -> Walk:
        """A walk of some of the bodies; `merge` brings it back."""
        return Walk(self.data, self.words, self.at[rows], self.stop[rows], self.doubt[rows])

    def merge(self, rows: I64, part: Walk) -> None:
        """Take over where the bodies of `part` stand."""
        self.at[rows] = part.at
        self.doubt[rows] = part.doubt

    def skip(self, lengths: npt.NDArray[Any]) -> None:
        """Move on, never further than one past the end: a body that ran over stays there and fails at the end."""
        self.at += lengths
        np.minimum(self.at, self.stop + 1, out=self.at)

    def widths(self) -> I64:
        """Bytes of the integer at each place, 1 … 8; a longer one becomes a doubt."""
        tops = ~self.words[self.at] & _TOPS
        if not tops.all():
            self.doubt |= tops == 0
        width: I64 = (np.bitwise_count((tops & -tops) - _ONE) >> 3).astype(np.int64) + 1
        return np.minimum(width, 8)

    def longs(self) -> I64:
        """Take the integer at each place. Over eight bytes: 0 and a doubt."""
        word = self.words[self.at]
        width = self.widths()
        word = word & (np.uint64(0xFFFFFFFFFFFFFFFF) >> (np.uint64(64) - width.astype(np.uint64) * np.uint64(8)))
        word = word & np.uint64(0x7F7F7F7F7F7F7F7F)
        word = (word & np.uint64(0x007F007F007F007F)) | ((word & np.uint64(0x7F007F007F007F00)) >> _ONE)
        word = (word & np.uint64(0x00003FFF00003FFF)) | ((word & np.uint64(0x3FFF00003FFF0000)) >> np.uint64(2))
        word = (word & np.uint64(0x000000000FFFFFFF)) | ((word & np.uint64(0x0FFFFFFF00000000)) >> np.uint64(4))
        self.at += width
        value: I64 = (word >> _ONE).astype(np.int64) ^ -(word & _ONE).astype(np.int64)
        return value


Step = Callable[[Walk], None]


def _length(walk: Walk, most: int) -> None:
    """A length and as many bytes. Lengths under 64 take one byte: the usual case takes one look for all bodies."""
    first = walk.data.take(walk.at)
    if not (first & 0x81).any() and first.max(initial=0) <= 2 * most:
        walk.skip((first >> 1) + np.uint8(1))
        return
    value = walk.longs()
    wrong = (value < 0) | (value > most)
    if wrong.any():
        walk.doubt |= wrong
        value[wrong] = 0
    walk.skip(np.minimum(value, 1 << 40))


def _string(walk: Walk) -> None:
    _length(walk, 1 << 40)


def _decimal(walk: Walk) -> None:
    first = walk.data.take(walk.at)
    if (first & 1).any() or first.max(initial=0) >= 2 * DECIMAL_BYTES:
        # Sixteen bytes may hold more than 38 digits: 10^38 begins with the byte 0x4B.
        top = walk.data.take(walk.at + 1)
        walk.doubt |= (first == 2 * DECIMAL_BYTES) & (top >= 0x4B) & (top <= 0xB4)
        _length(walk, DECIMAL_BYTES)
    else:
        walk.skip((first >> 1) + np.uint8(1))


def _int(walk: Walk) -> None:
    if walk.data.take(walk.at).max(initial=0) < 0x80:
        walk.at += 1
        return
    width = walk.widths()
    if width.max() > 4:  # four bytes hold 28 bits and cannot leave the range; five may
        value = walk.longs()
        walk.doubt |= (value < -(1 << 31)) | (value >= 1 << 31)
    else:
        walk.at += width


def _long(walk: Walk) -> None:
    walk.at += walk.widths()


def _fixed(size: int) -> Step:
    def step(walk: Walk) -> None:
        walk.at += size

    return step


def _one_of(numbers: int) -> tuple[Step, Flags]:
    """One byte that holds 0 … numbers - 1, zigzag; the table says which bytes do."""
    good = np.zeros(256, np.bool_)
    good[: 2 * min(numbers, 64) : 2] = True

    def step(walk: Walk) -> None:
        seen = good.take(walk.data.take(walk.at))
        if not seen.all():
            walk.doubt |= ~seen
        walk.at += 1

    return step, good


def _boolean(walk: Walk) -> None:
    if walk.data.take(walk.at).max(initial=0) > 1:
        walk.doubt |= walk.data.take(walk.at) > 1
    walk.at += 1


def _union(null_first: bool, inner: Step) -> Step:
    index, _ = _one_of(2)
    present = 2 if null_first else 0

    def step(walk: Walk) -> None:
        has = walk.data.take(walk.at) == present
        index(walk)
        if has.all():
            inner(walk)
        elif has.any():
            rows = np.flatnonzero(has)
            part = walk.part(rows)
            inner(part)
            walk.merge(rows, part)

    return step


def _array(item: Step) -> Step:
    def step(walk: Walk) -> None:
        first = walk.data.take(walk.at)
        if not first.any():
            walk.at += 1
            return
        if (first & 0x81).any():
            left = walk.longs()
        else:
            left = (first >> 1).astype(np.int64)
            walk.at += 1
        _with(walk, left != 0, left, item, ARRAY_STEPS)

    return step


def _with(walk: Walk, wanted: Flags, left: I64, item: Step, steps: int) -> None:
    """Walk the items of the `wanted` bodies, which have `left` items in their next block."""
    if wanted.all():
        _items(walk, left, item, steps)
    elif wanted.any():
        rows = np.flatnonzero(wanted)
        part = walk.part(rows)
        _items(part, left[rows], item, steps)
        walk.merge(rows, part)


def _items(walk: Walk, left: I64, item: Step, steps: int) -> None:
    """The items of one block of each body, in step, then the blocks that follow; `steps` bounds the items of all blocks together."""
    strange = (left < 0) | (left > steps)
    if strange.any():
        walk.doubt |= strange
        _with(walk, ~strange, left, item, steps)
        return
    together = int(left.min())
    for _ in range(together):
        item(walk)
        np.minimum(walk.at, walk.stop + 1, out=walk.at)
    left = left - together
    ended = left == 0
    if ended.all():
        left = _next_block(walk)
    else:
        rows = np.flatnonzero(ended)
        part = walk.part(rows)
        left[rows] = _next_block(part)
        walk.merge(rows, part)
    _with(walk, left != 0, left, item, steps - together)


def _next_block(walk: Walk) -> I64:
    if walk.data.take(walk.at).any():
        return walk.longs()
    walk.at += 1
    return np.zeros(len(walk.at), np.int64)


def _record(steps: list[Step]) -> Step:
    def step(walk: Walk) -> None:
        for one in steps:
            one(walk)

    return step


def _compile(kind: AvroType) -> Step:
    name = type_name(kind)
    simple: dict[str, Step] = {
        "string": _string, "bytes": _string, "decimal": _decimal, "int": _int, "long": _long, "timestamp": _long,
        "boolean": _boolean, "double": _fixed(8), "float": _fixed(4),
    }  # fmt: skip
    if name in simple:
        return simple[name]
    inner = nullable(kind)
    if inner is not None:
        return _union(kind[0] == "null", _compile(inner))  # type: ignore[index]
    if isinstance(kind, dict):
        if name == "enum":
            return _one_of(len(kind["symbols"]))[0]
        if name == "array":
            return _array(_compile(kind["items"]))
        if name == "record":
            return _record([_compile(field["type"]) for field in kind["fields"]])
    raise ValueError(f"type {name}: not walked; the schema lint refuses it")


class BodyCheck:
    """The walk compiled for one record schema (as parsed JSON; only types the schema lint allows, else ValueError)."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._steps = [_compile(field["type"]) for field in schema["fields"]]

    def doubts(self, data: bytes, starts: I64, ends: I64) -> I64:
        """Indexes of the bodies `data[starts[i]:ends[i]]` that are not certainly whole, ascending.

        `data` must go on for PADDING bytes after the last body.
        """
        places, sure = self.reach(data, starts, ends)
        return np.flatnonzero(~sure | (places != ends))

    def reach(self, data: bytes, starts: I64, stops: I64) -> tuple[I64, Flags]:
        """Where the fields end that begin at `starts[i]`, and whether that is certain and not beyond `stops[i]`.

        `data` must go on for PADDING bytes after the last stop.
        """
        view = np.frombuffer(data, np.uint8)
        words: U64 = np.ndarray((len(view) - 8,), "<u8", buffer=data, strides=(1,))
        walks = [self._slice(view, words, starts[i : i + _SLICE], stops[i : i + _SLICE]) for i in range(0, len(starts), _SLICE)]
        if len(walks) == 1:
            return walks[0].at, ~walks[0].doubt & (walks[0].at <= stops)
        places = np.concatenate([walk.at for walk in walks]) if walks else np.zeros(0, np.int64)
        doubt = np.concatenate([walk.doubt for walk in walks]) if walks else np.zeros(0, np.bool_)
        return places, ~doubt & (places <= stops)

    def _slice(self, view: U8, words: U64, starts: I64, stops: I64) -> Walk:
        walk = Walk(view, words, starts.copy(), stops, np.zeros(len(starts), np.bool_))
        for step in self._steps:
            step(walk)
        return walk
