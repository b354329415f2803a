"""What a page shows as a table, and that table as CSV, Excel, JSON or SDMX-CSV: the same rows, values exact, not as rounded for reading.

CSV is UTF-8 with a byte order mark, semicolons between fields and a decimal comma: what Excel opens rightly under Vietnamese
settings. Excel is a minimal workbook of Office Open XML (ECMA-376): one sheet, numbers as numbers. Text that a spreadsheet would run
as a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

from dashboards import sdmx
from indicators.instant import VIETNAM

Cell = str | int | Decimal | datetime | None
MEDIA: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "sdmx": sdmx.MEDIA,
}
SUFFIX: Final = {"sdmx": "sdmx.csv"}
"""Ends of file names where they are not the form's own name."""
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")
_EXACT_DIGITS: Final = 15
"""Digits that a spreadsheet's binary number keeps; longer values go in as text, exact."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns as (key, heading) and rows in their order. Moments are UTC; shown in Vietnam's time."""

    name: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell]]

    def csv(self) -> bytes:
        """The table as CSV for Vietnamese settings."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow([_plain(heading) for _, heading in self.columns])
        writer.writerows([[_csv(cell) for cell in row] for row in self.rows])
        return "\ufeff".encode() + out.getvalue().encode()

    def json(self) -> bytes:
        """The table as JSON: decimals as strings, moments as RFC 3339 UTC."""
        keys = [key for key, _ in self.columns]
        rows = [dict(zip(keys, (_json(cell) for cell in row), strict=True)) for row in self.rows]
        return json.dumps({"name": self.name, "columns": dict(self.columns), "rows": rows}, ensure_ascii=False).encode()

    def xlsx(self) -> bytes:
        """The table as an Excel workbook."""
        lines = [[heading for _, heading in self.columns], *self.rows]
        body = "".join(f'<row r="{n}">{"".join(_xlsx(cell, n == 1) for cell in line)}</row>' for n, line in enumerate(lines, 1))
        sheet = f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, text in {**_PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
                archive.writestr(path, text)
        return out.getvalue()

    def sdmx(self) -> bytes:
        """The table as SDMX-CSV: see `dashboards.sdmx`."""
        return sdmx.sdmx_csv(self.name, [key for key, _ in self.columns], self.rows)

    def encoded(self, form: str) -> bytes:
        """The table in a form of MEDIA."""
        return {"csv": self.csv, "json": self.json, "xlsx": self.xlsx, "sdmx": self.sdmx}[form]()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_RUNS) else text


def _csv(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Decimal():
            return f"{cell.normalize():f}".replace(".", ",")
        case datetime():
            return _local(cell)
        case str():
            return _plain(cell)
    return str(cell)


def _json(cell: Cell) -> str | int | None:
    match cell:
        case Decimal():
            return f"{cell.normalize():f}"
        case datetime():
            return (
                (cell if cell.tzinfo else cell.replace(tzinfo=UTC))
                .astimezone(UTC)
                .isoformat(timespec="milliseconds")
                .replace("+00:00", "Z")
            )
    return cell


def _xlsx(cell: Cell, bold: bool) -> str:
    style = ' s="1"' if bold else ""
    match cell:
        case None:
            return "<c/>"
        case int():
            return f"<c><v>{cell}</v></c>"
        case Decimal() if len(cell.normalize().as_tuple().digits) <= _EXACT_DIGITS:
            return f"<c><v>{cell.normalize():f}</v></c>"
        case Decimal():
            return _text(f"{cell.normalize():f}", style)
        case datetime():
            return _text(_local(cell), style)
    return _text(cell, style)


def _text(text: str, style: str) -> str:
    kept = "".join(c for c in text if c >= " " or c in "\t\n")
    return f'<c t="inlineStr"{style}><is><t xml:space="preserve">{escape(kept)}</t></is></c>'


def _local(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"


_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS: Final = {
    "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>',
    "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Nhip" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf fontId="0"/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>',
}
