"""Tables of people: CSV, JSON and Excel as rows of named cells, each with its place, whatever the form.

Excel: the first sheet that has the required columns within its first twenty rows is read, so titles above the header do no harm; merged and
empty cells are empty. Numbers of Excel are binary floats shown with at most fifteen digits: the shortest decimal that gives the same float
is taken, which is what the person typed.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from producers.documents import Document, Parsed
from producers.fields import list_of, loads, mapping_of
from producers.reject import Refused
from producers.tables import Row, columns_of, read_rows

Cell: TypeAlias = "str | int | Decimal | bool | date | datetime | None"
HEADER_WITHIN = 20
MAX_ROWS = 200_000
MAX_UNPACKED_BYTES = 512 << 20
"""A workbook is a zip: what it unpacks to is bounded too."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: cells by column, where it stands (`file:7`, `file#7`, `file!Sheet:7`), and what was received, for its reject."""

    cells: dict[str, Cell]
    place: str
    original: bytes
    letters: dict[str, str]

    def named(self, field: str) -> str:
        """The field with its column letter in Excel: `gia_tri (ô F)`."""
        return f"{field} (ô {self.letters[field]})" if field in self.letters else field


Take = Callable[[Line], None]


def read_lines(document: Document, columns: Sequence[str], into: Parsed, take: Take) -> None:
    """Give each row of a CSV, JSON or Excel file to `take`; what cannot be read goes to `into`; rows that `take` refuses too."""
    name = document.name.lower()
    try:
        if name.endswith(".xlsx"):
            lines: Iterable[Line] = _excel(document, columns)
        elif name.endswith(".json"):
            lines = _json(document, into)
        else:
            delimiter = ";" if ";" in document.data.split(b"\n", 1)[0].decode("utf-8", "replace") else ","
            columns_of(document.data, delimiter)
            read_rows(document, columns, into, lambda row: _guarded(_csv(document, row), into, take), delimiter)
            return
        for line in lines:
            _guarded(line, into, take)
    except Refused as refused:
        into.refuse(refused, document.name, document.data)


def _guarded(line: Line, into: Parsed, take: Take) -> None:
    try:
        take(line)
    except Refused as refused:
        into.refuse(Refused(refused.reason, line.named(refused.field), refused.detail), line.place, line.original)


def _csv(document: Document, row: Row) -> Line:
    return Line(dict(row.cells), f"{document.name}:{row.line}", row.original, {})


def _json(document: Document, into: Parsed) -> Iterable[Line]:
    for index, item in enumerate(list_of(mapping_of(loads(document.data), "file").get("dong"), "dong")):
        place, original = f"{document.name}#{index + 1}", str(item).encode()
        try:
            cells = {name: str(value) if isinstance(value, list | dict) else value for name, value in mapping_of(item, "dong").items()}
            yield Line(cells, place, original, {})
        except Refused as refused:
            into.refuse(refused, place, original)


def _excel(document: Document, columns: Sequence[str]) -> Iterable[Line]:
    from openpyxl import load_workbook  # type: ignore[import-untyped]  # imported by the first workbook: 0.2 s that no process waits for

    _bounded(document.data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions it does not keep; only values are read
            book = load_workbook(io.BytesIO(document.data), read_only=True, data_only=True)
            sheets = [(sheet.title, list(sheet.iter_rows(values_only=True, max_row=MAX_ROWS + 1))) for sheet in book.worksheets]
            book.close()
    except (KeyError, ValueError, TypeError, OSError, SyntaxError, AttributeError, zipfile.BadZipFile) as e:
        # SyntaxError: the XML parser's error; the others: parts that a damaged workbook lacks.
        raise Refused("decode", "", "an Excel workbook (.xlsx) is required; this one is damaged or of another kind") from e
    for title, rows in sheets:
        header = next((n for n, row in enumerate(rows[:HEADER_WITHIN]) if set(columns) <= {_name(cell) for cell in row}), None)
        if header is None:
            continue
        if len(rows) > MAX_ROWS:
            raise Refused("too_large", "", f"a sheet of at most {MAX_ROWS} rows is expected; split it")
        return _sheet(f"{document.name}!{title}", rows, header)
    raise Refused("changed_header", "", f"a sheet with the columns {', '.join(columns)} in its first {HEADER_WITHIN} rows is required")


def _bounded(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except zipfile.BadZipFile:
        raise Refused("decode", "", "an Excel workbook (.xlsx) is required; save the file as .xlsx") from None
    if size > MAX_UNPACKED_BYTES:
        raise Refused("too_large", "", f"a workbook that unpacks to at most {MAX_UNPACKED_BYTES >> 20} MiB is expected")


def _sheet(place: str, rows: list[tuple[Any, ...]], header: int) -> Iterable[Line]:
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    names = [_name(cell) for cell in rows[header]]
    letters = {name: get_column_letter(n + 1) for n, name in enumerate(names) if name}
    if len(letters) != sum(1 for name in names if name):
        raise Refused("changed_header", "", f"row {header + 1}: a column stands twice; keep one of them")
    for number, row in enumerate(rows[header + 1 :], header + 2):
        cells = {name: _cell(value) for name, value in zip(names, row, strict=False) if name}
        if any(value not in (None, "") for value in cells.values()):
            yield Line(cells, f"{place}:{number}", repr(cells).encode(), letters)


def _name(cell: object) -> str:
    return cell.strip() if isinstance(cell, str) else ""


def _cell(value: Any) -> Cell:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str):
        return value.strip()
    return value if isinstance(value, int | date | datetime | None) else str(value)
