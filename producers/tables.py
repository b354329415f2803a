"""CSV by lines: one record a line, each line decoded, split and refused on its own.

A provider's table must have the required columns; further columns are read past. A file whose first line lacks a required column is
refused whole (changed_header): guessing columns is how figures get mixed up. A last line without a line end was cut off in transfer and
is refused as truncated; when the file arrives whole, it is taken up there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from producers.documents import Document, Parsed
from producers.fields import decoded
from producers.reject import Refused

MAX_LINE_BYTES = 64 << 10
BOMS_OF_OTHERS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: cells by column name, its number (1 = header), and its bytes."""

    cells: dict[str, str]
    line: int
    original: bytes


def read_rows(document: Document, columns: Sequence[str], into: Parsed, take: Callable[[Row], None], delimiter: str = ",") -> None:
    """Give each new row of a CSV to `take`; what `take` raises as Refused, and lines that are no row, go to `into`."""
    lines = document.data.split(b"\n")
    try:
        header = _header(document.data, lines, columns, delimiter)
    except Refused as refused:
        into.refuse(refused, f"{document.name}:1", document.data)
        return
    for number, original in _data_lines(document, lines):
        try:
            if number == len(lines):
                raise Refused("truncated", "", "the last line has no line end: cut off in transfer; send the file again whole")
            take(_row(original, number, header, delimiter))
        except Refused as refused:
            into.refuse(refused, f"{document.name}:{number}", original)


def columns_of(data: bytes, delimiter: str = ",") -> list[str]:
    """Column names of the first line, for adapters that tell their formats apart by them. Raises Refused(wrong_encoding)."""
    return _cells(data.split(b"\n", 1)[0], delimiter)


def _header(data: bytes, lines: list[bytes], columns: Sequence[str], delimiter: str) -> list[str]:
    if data.startswith(BOMS_OF_OTHERS) or b"\0" in lines[0]:
        raise Refused("wrong_encoding", "", "UTF-8 is required; found UTF-16 or binary content; save as UTF-8 and send again")
    names = _cells(lines[0], delimiter)
    missing = [c for c in columns if c not in names]
    if missing or len(set(names)) != len(names):
        raise Refused("changed_header", ", ".join(missing), f"the first line must hold the columns {delimiter.join(columns)}, each once")
    return names


def _data_lines(document: Document, lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    start = max(1, document.from_line)
    for index in range(start, len(lines)):
        if lines[index].strip():
            yield index + 1, lines[index].rstrip(b"\r")


def _row(original: bytes, number: int, header: list[str], delimiter: str) -> Row:
    if len(original) > MAX_LINE_BYTES:
        raise Refused("too_large", "", f"a line of at most {MAX_LINE_BYTES} bytes is expected")
    cells = _cells(original, delimiter)
    if len(cells) != len(header):
        raise Refused("validation", "", f"{len(header)} columns are expected; found {len(cells)}")
    return Row(dict(zip(header, cells, strict=True)), number, original)


def _cells(line: bytes, delimiter: str) -> list[str]:
    text = decoded(line).rstrip("\r")
    if "\0" in text:
        raise Refused("wrong_encoding", "", "text is required; found binary content")
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True), [])]
    except csv.Error:
        raise Refused("decode", "", "a quoted cell does not end on its line") from None
