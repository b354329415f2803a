"""The messages of one read on their way: which are still in, where each came from in the caller's list, which are refused and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from operator import itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from transport.framing import FRAME_BYTES
from transport.topics import MAX_MESSAGE_BYTES

Numbers = npt.NDArray[np.int64]
_HEAD: Final = itemgetter(slice(FRAME_BYTES))


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused message: its place in the list, a reason of the dead letter's closed list, the field (empty: the whole), a detail."""

    index: int
    reason: str
    field: str
    detail: str


@dataclass(slots=True)
class Chunk:
    """Messages of one schema id, their places in the caller's list, and what has become of them."""

    messages: list[bytes]
    where: Numbers
    frames: list[pl.DataFrame] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    _lengths: Numbers | None = None

    def drop(self, rows: list[int]) -> None:
        """Take refused messages out (`rows` ascending)."""
        keep = np.ones(len(self.messages), np.bool_)
        keep[rows] = False
        self.messages = list(compress(self.messages, keep.tolist()))
        self.where = self.where[keep]
        self._lengths = None

    def refuse(self, row: int, reason: str, name: str, detail: str) -> None:
        """Note one refused message; the caller drops it."""
        self.refused.append(Refused(int(self.where[row]), reason, name, detail))

    def part(self, rows: Numbers) -> Chunk:
        """Some of the messages, with lists of its own; `take` brings what became of them back."""
        if len(rows) == len(self.messages):
            return Chunk(self.messages, self.where, _lengths=self._lengths)
        messages = self.messages
        return Chunk([messages[row] for row in rows.tolist()], self.where[rows])

    def take(self, part: Chunk) -> None:
        """Frames and refusals of a part."""
        self.frames += part.frames
        self.refused += part.refused

    def lengths(self) -> Numbers:
        """Bytes of each message; TypeError where one is None."""
        if self._lengths is None:
            self._lengths = np.fromiter(map(len, self.messages), np.int64, len(self.messages))
        return self._lengths


def refuse_sizes(chunk: Chunk) -> None:
    """Refuse what has no body, no frame or too many bytes."""
    try:
        lengths = chunk.lengths()
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


def by_schema(chunk: Chunk) -> list[tuple[int, Chunk]]:
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
    return [(int.from_bytes(head, "big"), chunk.part(np.array(found, np.int64))) for head, found in rows.items()]
