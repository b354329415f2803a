"""Territory: the country, 34 provinces and 3,321 commune-level units since 1 July 2025, and the units before with what became of them.

Files: `catalogue/territory/units-2025-07.csv` and `units-before-2025-07.csv.gz` (origin: README.md beside them). Codes are
those of the state list: 2 digits province, 3 digits former district, 5 digits commune level, `VN` the country. A code may name one unit
before July 2025 and another since (00004 was phường Trúc Bạch and is phường Ba Đình), so a code is looked up at an instant.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from indicators.datafile import DataFileError

Kind = Literal["country", "province", "xa", "phuong", "dac_khu", "huyen", "quan", "thi_xa", "thanh_pho", "thi_tran"]
Level = Literal["province", "country"]
KIND_VI: dict[Kind, str] = {
    "country": "quốc gia", "province": "tỉnh, thành phố", "xa": "xã", "phuong": "phường", "dac_khu": "đặc khu", "huyen": "huyện",
    "quan": "quận", "thi_xa": "thị xã", "thanh_pho": "thành phố thuộc tỉnh", "thi_tran": "thị trấn",
}  # fmt: skip
COMMUNE_KINDS: frozenset[Kind] = frozenset({"xa", "phuong", "dac_khu"})
COUNTRY = "VN"
REFORM = date(2025, 7, 1)
VERSION = 20250701
"""`territory_version` of an observation whose code is of the list in force since 1 July 2025 (Resolution 202/2025/QH15)."""


@dataclass(frozen=True, slots=True)
class Territory:
    """One unit. `lon`, `lat` in degrees (a point inside or beside it), `area_km2` where known; valid_from None: before the list begins."""

    code: str
    name_vi: str
    kind: Kind
    parent: str
    lon: float | None = None
    lat: float | None = None
    area_km2: float | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def short_name_vi(self) -> str:
        """The name without its kind: «Hải Phòng», «Ba Đình»."""
        for prefix in ("Thành phố ", "Tỉnh ", "Phường ", "Xã ", "Đặc khu ", "Quận ", "Huyện ", "Thị xã ", "Thị trấn "):
            if self.name_vi.startswith(prefix):
                return self.name_vi[len(prefix):]
        return self.name_vi

    def valid_at(self, day: date) -> bool:
        """Whether the unit exists on this day (valid_to is the first day it does not)."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


THE_COUNTRY = Territory(COUNTRY, "Cả nước", "country", "", 105.8342, 21.0278)
"""The whole country; its point is Hà Nội."""


def read_current(folder: Path) -> dict[str, Territory]:
    """The units since 1 July 2025 with the country, by code. Raises DataFileError naming file, line and column."""
    path = folder / "units-2025-07.csv"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise DataFileError(path, "cannot be read as UTF-8; restore the file from the release") from e
    units = {COUNTRY: THE_COUNTRY}
    for line, row in _rows(path, text, ("code", "name_vi", "kind", "parent", "lon", "lat", "area_km2", "valid_from")):
        _put(path, line, units, _territory(path, line, row))
    _check_parents(path, units)
    return units


def read_former(folder: Path) -> tuple[dict[str, Territory], dict[str, tuple[str, ...]]]:
    """The 63 provinces, 696 districts and 10,035 communes before July 2025, and the successors of each, the main one first.

    Raises DataFileError naming file, line and column.
    """
    path = folder / "units-before-2025-07.csv.gz"
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as e:
        raise DataFileError(path, "cannot be unpacked as UTF-8 text; restore the file from the release") from e
    units = {COUNTRY: THE_COUNTRY}
    successors: dict[str, tuple[str, ...]] = {}
    for line, row in _rows(path, text, ("code", "name_vi", "kind", "parent", "lon", "lat", "valid_to", "successors")):
        unit = _territory(path, line, row)
        _put(path, line, units, unit)
        successors[unit.code] = tuple(row["successors"].split())
        if not successors[unit.code]:
            raise DataFileError(path, f"{unit.code} has no successor", line=line, field="successors")
    _check_parents(path, units)
    del units[COUNTRY]
    return units, successors


def _rows(path: Path, text: str, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text))
    header = next(reader, [])
    if tuple(header) != columns:
        raise DataFileError(path, f"expected the columns {', '.join(columns)}", line=1)
    for row in reader:
        if len(row) != len(columns):
            raise DataFileError(path, f"{len(row)} cells where {len(columns)} are expected", line=reader.line_num)
        yield reader.line_num, dict(zip(columns, row, strict=True))


def _territory(path: Path, line: int, row: dict[str, str]) -> Territory:
    kind = row["kind"]
    if kind not in get_args(Kind):
        raise DataFileError(path, f"unknown kind {kind!r}", line=line, field="kind")
    try:
        lon, lat, area = (float(row[name]) if row.get(name) else None for name in ("lon", "lat", "area_km2"))
        valid_from, valid_to = (date.fromisoformat(row[name]) if row.get(name) else None for name in ("valid_from", "valid_to"))
    except ValueError as e:
        raise DataFileError(path, f"{row['code']}: a number or a date yyyy-mm-dd is wrong: {e}", line=line) from e
    if not (row["code"] and row["name_vi"]):
        raise DataFileError(path, "code and name_vi must not be empty", line=line)
    return Territory(row["code"], row["name_vi"], kind, row["parent"], lon, lat, area, valid_from, valid_to)  # type: ignore[arg-type]


def _put(path: Path, line: int, units: dict[str, Territory], unit: Territory) -> None:
    if unit.code in units:
        raise DataFileError(path, f"code {unit.code} given twice", line=line, field="code")
    units[unit.code] = unit


def _check_parents(path: Path, units: dict[str, Territory]) -> None:
    for unit in units.values():
        if unit.code != COUNTRY and unit.parent not in units:
            raise DataFileError(path, f"{unit.code}: parent {unit.parent!r} is not in the file", field="parent")
