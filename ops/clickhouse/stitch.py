"""One document out of the documents that the engine gives per block.

Streaming, the engine encodes every block as a document of its own. In formats without head and foot the documents simply follow one
another; in formats with a head, the head of every document but the first is cut off. Formats that are here neither way are not
streamed: their result is made whole in memory, under a limit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

_HEADLESS: Final = frozenset({
    "csv", "jsoncompacteachrow", "jsoncompactstringseachrow", "jsoneachrow", "jsonlines", "jsonstringseachrow", "lineasstring",
    "native", "ndjson", "raw", "rowbinary", "tabseparated", "tabseparatedraw", "tskv", "tsv", "tsvraw",
})  # fmt: skip
_ARROW_END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
Head = Callable[[bytes], int]


class Stitcher:
    """Joins documents. `head(document)` is the length of a document's head, `foot` what ends a document."""

    def __init__(self, head: Head | None = None, foot: bytes = b"") -> None:
        self._head = head
        self._foot = foot
        self._first = True

    @property
    def has_head(self) -> bool:
        """Whether an empty result is not empty text."""
        return self._head is not None

    def feed(self, document: bytes) -> bytes:
        start = 0 if self._first or self._head is None else self._head(document)
        self._first = False
        end = len(document) - len(self._foot) if self._foot and document.endswith(self._foot) else len(document)
        return document[start:end]

    def end(self) -> bytes:
        """What closes the joined document."""
        return b"" if self._first else self._foot


def stitcher(fmt: str) -> Stitcher | None:
    """The stitcher of a format, or None if its documents cannot be joined."""
    name = fmt.lower()
    if name in _HEADLESS:
        return Stitcher()
    if name == "arrowstream":
        return Stitcher(_arrow_head, _ARROW_END)
    for suffix, lines in (("withnamesandtypes", 2), ("withnames", 1)):
        base = name.removesuffix(suffix)
        if base == name:
            continue
        if base in ("tabseparated", "tsv", "jsoncompacteachrow", "jsoncompactstringseachrow"):
            return Stitcher(partial(_lines, n=lines))
        if base == "csv":
            return Stitcher(partial(_csv_lines, n=lines))
        if base == "rowbinary":
            return Stitcher(partial(_binary_names, lists=lines))
    return None


def _lines(document: bytes, n: int) -> int:
    at = 0
    for _ in range(n):
        at = document.index(b"\n", at) + 1
    return at


def _csv_lines(document: bytes, n: int) -> int:
    """Names in CSV are quoted and may hold line ends; a quote inside is doubled, so an odd number of quotes is inside of a name."""
    at = 0
    for _ in range(n):
        end = document.index(b"\n", at)
        while document.count(b'"', at, end) % 2:
            end = document.index(b"\n", end + 1)
        at = end + 1
    return at


def _binary_names(document: bytes, lists: int) -> int:
    columns, at = _varint(document, 0)
    for _ in range(columns * lists):
        size, at = _varint(document, at)
        at += size
    return at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _arrow_head(document: bytes) -> int:
    """The schema message: continuation mark, length of its metadata, metadata; a schema has no body."""
    return 8 + int.from_bytes(document[4:8], "little")
