"""A storm's track as an area of interest: points with instant, place and radius, and what lies within the corridor they span.

Between two points the centre moves in a straight line and its radius changes evenly. Distances are reckoned on the plane touching the
nearest point of the track (error below 1 % for the radii and latitudes that matter here); units are taken at their one point.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path
from typing import Final

from indicators.datafile import DataFileError
from indicators.instant import VIETNAM, to_ms
from indicators.territory import COMMUNE_KINDS
from indicators.vocabulary import Vocabulary

KM_PER_DEGREE: Final = 111.195
"""Mean length of a degree of a great circle, the earth's radius being 6,371 km."""
COLUMNS: Final = ("time", "lon", "lat", "radius_km")
MOST_KM: Final = 2000.0


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """Where the centre is at an instant (epoch ms), and how far its reach goes (km)."""

    at: int
    lon: float
    lat: float
    radius_km: float


def within(track: Sequence[TrackPoint], lon: float, lat: float) -> bool:
    """Does a point lie within the corridor?"""
    if len(track) == 1:
        return _distance(track[0], lon, lat) <= track[0].radius_km
    return any(_near(one, other, lon, lat) for one, other in pairwise(track))


def units_within(vocabulary: Vocabulary, track: Sequence[TrackPoint]) -> tuple[str, ...]:
    """Codes of the commune-level units whose point lies within the corridor, sorted."""
    return tuple(sorted(
        unit.code for unit in vocabulary.territories()
        if unit.kind in COMMUNE_KINDS and unit.lon is not None and unit.lat is not None and within(track, unit.lon, unit.lat)
    ))  # fmt: skip


def read_track(path: Path) -> tuple[TrackPoint, ...]:
    """A track file: CSV with the columns time (dd/mm/yyyy hh:mm or ISO 8601, Vietnam's time where none is said), lon, lat, radius_km.

    Raises DataFileError naming line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(path, f"không đọc được, lưu thành CSV UTF-8 / cannot be read: {type(error).__name__}") from error
    return track_of(text, path)


def track_of(text: str, path: Path) -> tuple[TrackPoint, ...]:
    """The track that a CSV text gives; `path` names it in errors. Raises DataFileError naming line and column."""
    rows = list(csv.reader(io.StringIO(text.strip())))
    if not rows or tuple(cell.strip() for cell in rows[0]) != COLUMNS:
        raise DataFileError(path, f"cần các cột / expected the columns {', '.join(COLUMNS)}", line=1)
    points = tuple(_point(path, line, row) for line, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row))
    if not points:
        raise DataFileError(path, "không có điểm nào / there is no point", line=2)
    if any(later.at <= earlier.at for earlier, later in pairwise(points)):
        raise DataFileError(path, "thời điểm phải tăng dần / times must rise", field="time")
    return points


def _point(path: Path, line: int, row: list[str]) -> TrackPoint:
    if len(row) != len(COLUMNS):
        raise DataFileError(path, f"{len(row)} ô, cần {len(COLUMNS)} / cells where {len(COLUMNS)} are expected", line=line)
    cells = dict(zip(COLUMNS, (cell.strip() for cell in row), strict=True))
    numbers: dict[str, float] = {}
    for name, low, high in (("lon", 90.0, 130.0), ("lat", 0.0, 35.0), ("radius_km", 0.1, MOST_KM)):
        try:
            numbers[name] = float(cells[name].replace(",", "."))
        except ValueError as error:
            raise DataFileError(path, f"{cells[name]!r} không phải là số / is no number", line=line, field=name) from error
        if not low <= numbers[name] <= high:
            raise DataFileError(path, f"{cells[name]} ngoài khoảng / outside {low:g}–{high:g}", line=line, field=name)
    return TrackPoint(_instant(path, line, cells["time"]), numbers["lon"], numbers["lat"], numbers["radius_km"])


def _instant(path: Path, line: int, text: str) -> int:
    try:
        moment = datetime.strptime(text, "%d/%m/%Y %H:%M") if "/" in text else datetime.fromisoformat(text)
    except ValueError as error:
        raise DataFileError(path, f"{text!r}: cần dd/mm/yyyy hh:mm / dd/mm/yyyy hh:mm is needed", line=line, field="time") from error
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM))


def _distance(point: TrackPoint, lon: float, lat: float) -> float:
    """Kilometres."""
    east = (lon - point.lon) * KM_PER_DEGREE * cos(radians((lat + point.lat) / 2))
    return hypot(east, (lat - point.lat) * KM_PER_DEGREE)


def _near(one: TrackPoint, other: TrackPoint, lon: float, lat: float) -> bool:
    shrink = cos(radians((one.lat + other.lat) / 2))
    dx, dy = (other.lon - one.lon) * shrink, other.lat - one.lat
    px, py = (lon - one.lon) * shrink, lat - one.lat
    length = dx * dx + dy * dy
    share = min(1.0, max(0.0, (px * dx + py * dy) / length)) if length else 0.0
    centre = TrackPoint(
        one.at, one.lon + share * (other.lon - one.lon), one.lat + share * (other.lat - one.lat),
        one.radius_km + share * (other.radius_km - one.radius_km),
    )  # fmt: skip
    return _distance(centre, lon, lat) <= centre.radius_km
