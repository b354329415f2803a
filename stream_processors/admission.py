"""The door of stage 1: decoded observations become arrivals, or are refused with a reason. Whole columns at a time; exact for each record.

Whether a record is admitted depends on it and on its series' prefix alone (the newest event time before it), never on how the prefix was cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indicators.observation import PERIOD_TYPES, SCALE, STATUSES, VALUE_LIMIT
from indicators.series import Series
from indicators.wide import Wide
from stream_processors.calendar_panes import DAY_MS, OFFSET_MS
from stream_processors.record_memory import Arrivals
from stream_processors.series_table import SeriesTable
from transport.columnar_reader import Refused

Int64s = NDArray[np.int64]
UInt64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]

DELETED = STATUSES.index("deleted")
EARLIEST_MS = 631_152_000_000  # 1990-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01
AHEAD_MS = DAY_MS
"""An actual figure may lie at most a day after its intake: one reading from a wrong clock must not push the watermark and make the rest late."""

_LIMIT = int(VALUE_LIMIT.scaleb(SCALE))
_SEED = 7
_MIX = np.uint64(0x9E3779B97F4A7C15)
_CONSTANT = ("indicator", "component", "territory", "subject_type", "subject_id", "measure_unit")
NO_WATERMARK = -(1 << 62)


@dataclass(slots=True)
class Admitted:
    """`frame`: the decoded rows; `rows`: indices into it, one per arrival, in offset order; `late`: refused as too late, their panes are inexact."""

    frame: pl.DataFrame
    rows: Int64s
    arrivals: Arrivals
    period_type: Int64s
    period_start: Int64s
    refused: list[Refused]
    late: Late


@dataclass(slots=True)
class Late:
    """Records older than their series' horizon."""

    sid: Int64s
    time: Int64s
    offset: Int64s


def admit(frame: pl.DataFrame, keys: list[bytes], offsets: Int64s, series: SeriesTable) -> Admitted:
    """Check the rows of a decoded frame. `keys` and `offsets` belong to its rows, in order."""
    sid = series.numbers(keys)
    refusals = _Refusals(frame)
    good = series.known[sid].copy()
    for i in np.flatnonzero(~good).tolist():
        entry = series.entries[sid[i]]
        refusals.add(i, entry.reason, "key", entry.detail)
    _check_constant_fields(frame, keys, sid, series, good, refusals)
    time, ingested = frame["event_time"].to_numpy(), frame["ingested_at"].to_numpy()
    period_start, period_end = frame["period_start"].to_numpy(), frame["period_end"].to_numpy()
    actual = series.actual[sid]
    status = frame["status"].to_physical().cast(pl.Int64).to_numpy()
    revision = frame["revision"].cast(pl.Int64).to_numpy()
    _require(good, (time >= EARLIEST_MS) & (time < LATEST_MS), refusals, "impossible_date", "event_time", "outside 1990–2100")
    _require(good, ~actual | (time <= ingested + AHEAD_MS), refusals, "impossible_date", "event_time", "more than a day after ingested_at")
    _require(
        good,
        (period_end > period_start) & (period_start >= EARLIEST_MS),
        refusals,
        "impossible_date",
        "period_end",
        "not after period_start",
    )
    _require(good, revision >= 0, refusals, "validation", "revision", "negative")
    record_id = frame["source_record_id"]
    _require(good, (record_id.str.len_bytes() > 0).to_numpy(), refusals, "validation", "source_record_id", "empty")
    value = _check_values(frame, sid, series, status == DELETED, good, refusals)
    late = good & ~series.reported[sid] & _late(time, sid, good, series)
    _require(good, ~late, refusals, "too_late", "event_time", "older than the indicator's horizon: kept, not folded")
    rows = np.flatnonzero(good)
    taken = sid[rows]
    np.maximum.at(series.watermark, taken, time[rows])
    np.minimum.at(series.first_time, taken, time[rows])
    arrivals = Arrivals(
        _identity(frame, record_id)[rows], taken, time[rows], value.take(rows), revision[rows], status[rows], offsets[rows],
        frame["budget_year"].cast(pl.Int64).to_numpy()[rows], status[rows] != DELETED,
    )  # fmt: skip
    period_type = frame["period_type"].to_physical().cast(pl.Int64).to_numpy()[rows]
    lates = np.flatnonzero(late)
    return Admitted(frame, rows, arrivals, period_type, period_start[rows], refusals.found, Late(sid[lates], time[lates], offsets[lates]))


def _late(time: Int64s, sid: Int64s, good: Bools, series: SeriesTable) -> Bools:
    """Which records are older than their series' horizon, counted back from the newest event time before them in the partition."""
    ends = ((time + OFFSET_MS) // DAY_MS + 1) * DAY_MS - OFFSET_MS + series.horizon[sid]
    times = np.where(good, time, NO_WATERMARK)
    if (ends > np.maximum(series.watermark[sid], times.max(initial=NO_WATERMARK))).all():
        return np.zeros(len(time), bool)
    order = np.argsort(sid, kind="stable")
    rank = np.cumsum(np.diff(sid[order], prepend=sid[order[:1]]) != 0)
    mixed = (rank << 44) | np.maximum(np.maximum(times, series.watermark[sid]), 0)[order]
    newest = np.maximum.accumulate(mixed)
    before = np.concatenate(([0], newest[:-1]))
    before = np.where(before >> 44 == rank, before & ((1 << 44) - 1), np.maximum(series.watermark[sid[order]], 0))
    late = np.zeros(len(time), bool)
    late[order] = ends[order] <= np.maximum(before, np.maximum(series.watermark[sid[order]], 0))
    return late


class _Refusals:
    """Refused rows, at most one reason each."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._index = frame["index"]
        self.found: list[Refused] = []

    def add(self, row: int, reason: str, name: str, detail: str) -> None:
        self.found.append(Refused(int(self._index[row]), reason, name, detail))


def _require(good: Bools, condition: Bools, refusals: _Refusals, reason: str, name: str, detail: str) -> None:
    """Refuse good rows that miss a condition; they are good no more."""
    failed = good & ~condition
    if failed.any():
        for i in np.flatnonzero(failed).tolist():
            refusals.add(i, reason, name, detail)
        good &= condition


def _check_constant_fields(
    frame: pl.DataFrame, keys: list[bytes], sid: Int64s, series: SeriesTable, good: Bools, refusals: _Refusals
) -> None:
    """The fields that make the series must give the key, and the unit be the catalogue's: compared by hash, in full where a hash is new."""
    found = _fingerprints(frame)
    for i in np.flatnonzero(good & (found != series.fingerprint[sid])).tolist():
        if series.fingerprint[sid[i]] == found[i]:
            continue
        problem = _compare(frame, i, keys[i], series, int(sid[i]))
        if problem:
            refusals.add(i, "contract", *problem)
            good[i] = False
        else:
            series.fingerprint[sid[i]] = found[i]


def _fingerprints(frame: pl.DataFrame) -> UInt64s:
    """One hash per row over the fields that are constant in a series."""
    mixed = frame["figure"].to_physical().cast(pl.UInt64).to_numpy() + np.uint64(1)
    for name in _CONSTANT:
        mixed = (mixed * _MIX) ^ frame[name].hash(_SEED).to_numpy()
    dimensions = frame["dimensions"]
    lengths = dimensions.list.len().cast(pl.Int64).to_numpy()
    if lengths.any():
        pairs = dimensions.filter(dimensions.list.len() > 0).explode().struct.unnest()
        each = (pairs["name"].hash(_SEED).to_numpy() * _MIX) ^ pairs["value"].hash(_SEED).to_numpy()
        used = np.flatnonzero(lengths)
        starts = np.cumsum(lengths[used]) - lengths[used]
        place = np.arange(len(each)) - np.repeat(starts, lengths[used])
        each = each * (_MIX + np.uint64(2) * place.astype(np.uint64))
        mixed[used] = (mixed[used] * _MIX) ^ np.add.reduceat(each, starts)
    return mixed


def _compare(frame: pl.DataFrame, row: int, key: bytes, series: SeriesTable, sid: int) -> tuple[str, str] | None:
    """Field and problem where row and key disagree; None: they agree."""
    spec = series.entries[sid].spec
    record = frame.row(row, named=True)
    dimensions = tuple((d["name"], d["value"]) for d in record["dimensions"])
    parts = (record[f] for f in ("indicator", "component", "territory", "subject_type", "subject_id"))
    try:
        own = Series(*parts, dimensions, record["figure"]).key()
    except ValueError as error:
        return "key", str(error)
    if own.encode() != key:
        return "key", "differs from the series that the record's fields give"
    if spec is None:
        return "indicator", "in no catalogue"
    if record["measure_unit"] != spec.measure_unit:
        return "measure_unit", f"{spec.measure_unit} is expected"
    if not {name for name, _ in dimensions} <= set(spec.dimensions):
        return "dimensions", "a name that the catalogue does not give"
    if record["figure"] not in spec.figures:
        return "figure", "not a figure of this indicator"
    return None


def _check_values(frame: pl.DataFrame, sid: Int64s, series: SeriesTable, deleted: Bools, good: Bools, refusals: _Refusals) -> Wide:
    """Values as 128-bit integers; refused: none where one is needed, beyond the door's limit, outside the catalogue's bounds, sentinels."""
    column = frame["value"]
    _require(good, deleted | column.is_not_null().to_numpy(), refusals, "validation", "value", "missing")
    value = Wide.from_polars(column)
    fits = value.fits_int64()
    number = value.lo.astype(np.int64)
    if not fits.all():
        limit, floor = Wide.from_ints([_LIMIT]), Wide.from_ints([-_LIMIT])
        inside = fits | ~((limit < value) | (value < floor))
        _require(good, inside, refusals, "out_of_range", "value", "beyond 10^20")
        number = np.where(fits, number, np.where(value.hi < 0, np.iinfo(np.int64).min, np.iinfo(np.int64).max))
    bounded = series.bounded[sid] & ~deleted
    if bounded.any():
        low, high = series.low[sid], series.high[sid]
        _refuse_sentinels(number, sid, series, good & bounded & ((number < low) | (number > high)), good, refusals)
        _require(good, ~bounded | ((number >= low) & (number <= high)), refusals, "out_of_range", "value", "outside the catalogue's bounds")
    return value


def _refuse_sentinels(number: Int64s, sid: Int64s, series: SeriesTable, outside: Bools, good: Bools, refusals: _Refusals) -> None:
    """A value outside the bounds that is one of the indicator's sentinels is named as such."""
    for i in np.flatnonzero(outside).tolist():
        spec = series.entries[sid[i]].spec
        if spec and any(int(s.scaleb(SCALE)) == number[i] for s in spec.sentinels):
            refusals.add(i, "sentinel", "value", "the device's mark for «no reading»")
            good[i] = False


def _identity(frame: pl.DataFrame, record_id: pl.Series) -> UInt64s:
    """64-bit identity of each record: its id and its source system (the series is compared beside it)."""
    mixed: UInt64s = record_id.hash(_SEED).to_numpy() ^ (frame["source_system"].hash(_SEED).to_numpy() * _MIX)
    return mixed


PERIOD_HOURLY = frozenset(PERIOD_TYPES.index(name) for name in ("instant", "hour"))
