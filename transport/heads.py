"""Heads: the leading fields that thousands of records share, read once and known again by their bytes.

In every schema what is constant in a series comes first (schemas/README.md), and Avro has no marks between fields: two bodies that begin
with the same bytes begin with the same fields. So a message that begins with a head read before needs no reading up to the head's end. A
head is the frame (with its schema id) and the fields before the first number, time or nullable field, arrays among them included.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from transport.schemas import type_name

LIMIT: Final = 1 << 16
"""Heads or keys of one table; a reader that meets more begins a new one, so that a stream without repetition costs no memory."""

_KINDS: Final = frozenset({"string", "enum", "boolean", "int", "array"})
_NONE: Final = b"\x01"
"""No framed message begins so."""

Numbers = npt.NDArray[np.int64]


def head_length(fields: Sequence[dict[str, Any]]) -> int:
    """How many leading fields make the head."""
    for number, field in enumerate(fields):
        if type_name(field["type"]) not in _KINDS:
            return number
    return len(fields)


class Heads:
    """Distinct heads by number, with the reader's columns of each. Grows only: a number keeps its meaning as long as the table lives."""

    def __init__(self, columns: dict[str, pl.DataType]) -> None:
        self._numbers: dict[bytes, int] = {}
        self._of_key: dict[bytes | None, bytes] = {}
        self._lengths: list[int] = []
        self._ids: list[int] = []
        self._arrays: tuple[Numbers, Numbers] | None = None
        self._frames = [pl.DataFrame(schema=columns)]

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def full(self) -> bool:
        """Is it time for a new table?"""
        return max(len(self._lengths), len(self._of_key)) >= LIMIT

    @property
    def frame(self) -> pl.DataFrame:
        """The reader's columns of every head; the row is the head's number."""
        if len(self._frames) > 1:
            self._frames = [pl.concat(self._frames, rechunk=True)]
        return self._frames[0]

    def match(self, keys: Sequence[bytes | None], messages: Sequence[bytes]) -> Numbers:
        """Number of the head each message begins with, where it is the one last seen under its key; -1: not known so."""
        count = len(messages)
        likely = list(map(self._of_key.get, keys, repeat(_NONE)))
        same = np.fromiter(map(bytes.startswith, messages, likely), np.bool_, count)
        numbers = np.fromiter(map(self._numbers.get, likely, repeat(-1)), np.int64, count)
        if not same.all():
            numbers[~same] = -1
        return numbers

    def ends(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Bytes of these heads, and their schema ids."""
        if self._arrays is None:
            self._arrays = np.array(self._lengths, np.int64), np.array(self._ids, np.int64)
        lengths, ids = self._arrays
        return lengths[numbers], ids[numbers]

    def number_of(self, head: bytes) -> int:
        """Number of a head, -1 where it is new."""
        return self._numbers.get(head, -1)

    def enter(self, heads: Sequence[bytes], columns: pl.DataFrame, schema_id: int) -> None:
        """New heads and their columns, row by row."""
        first = len(self._lengths)
        self._numbers.update(zip(heads, range(first, first + len(heads)), strict=True))
        self._append([len(head) for head in heads], columns, schema_id)

    def enter_nameless(self, columns: pl.DataFrame) -> Numbers:
        """Columns of heads that are not to be known again; their numbers."""
        first = len(self._lengths)
        self._append([0] * columns.height, columns, -1)
        return np.arange(first, first + columns.height)

    def expect(self, key: bytes | None, head: bytes) -> None:
        """The next message under this key is likely to begin with this head."""
        self._of_key[key] = head

    def _append(self, lengths: list[int], columns: pl.DataFrame, schema_id: int) -> None:
        self._lengths += lengths
        self._ids += [schema_id] * len(lengths)
        self._arrays = None
        self._frames.append(columns)
