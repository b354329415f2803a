"""The door of stage 1: decoded observations become arrivals, or are refused with a reason. Whole columns at a time; exact for each record.

Whether a record is admitted depends on it and on its series' prefix alone (the newest event time before it), never on how the prefix
was cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indicators.observation import SCALE, STATUSES, VALUE_LIMIT
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
"""An actual figure may lie at most a day after its intake: one reading from a wrong clock must not push the watermark and make the
rest late.
"""

_LIMIT = int(VALUE_LIMIT.scaleb(SCALE))
_SEED = 7
_MIX = np.uint64(0x9E3779B97F4A7C15)
_CONSTANT = ("indicator", "component", "territory", "subject_type", "subject_id", "measure_unit")
NO_WATERMARK = -(1 << 62)


@dataclass(slots=True)
class Admitted:
    """`frame`: the decoded rows; `rows`: indices into it, one per arrival, in offset order; `late`: refused as too late, their panes
    are inexact.
    """

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
    facts = _facts(frame)
    refusals = _Refusals(frame)
    good = series.known[sid].copy()
    for i in np.flatnonzero(~good).tolist():
        entry = series.entries[sid[i]]
        refusals.add(i, entry.reason, "key", entry.detail)
    _check_constant_fields(frame, facts, keys, sid, series, good, refusals)
    _check_agencies(frame, series, good, refusals)
    time, period_start, status = facts["event_time"], facts["period_start"], facts["status"]
    _check_dates(facts, sid, series, good, refusals)
    _require(good, facts["revision"] >= 0, refusals, "validation", "revision", "negative")
    _require(good, facts["id_bytes"] > 0, refusals, "validation", "source_record_id", "empty")
    value = _check_values(frame, sid, series, status == DELETED, good, refusals)
    late = good & ~series.reported[sid] & _late(time, sid, good, series)
    _require(good, ~late, refusals, "too_late", "event_time", "older than the indicator's horizon: kept, not folded")
    rows = np.flatnonzero(good)
    taken = sid[rows]
    np.maximum.at(series.watermark, taken, time[rows])
    np.minimum.at(series.first_time, taken, time[rows])
    identity = facts["#source_record_id"] ^ (facts["#source_system"] * _MIX)
    arrivals = Arrivals(
        identity[rows], taken, time[rows], value.take(rows), facts["revision"][rows], status[rows], offsets[rows],
        facts["budget_year"][rows],
        status[rows] != DELETED,
    )  # fmt: skip
    lates = np.flatnonzero(late)
    late_rows = Late(sid[lates], time[lates], offsets[lates])
    return Admitted(frame, rows, arrivals, facts["period_type"][rows], period_start[rows], refusals.found, late_rows)


_HASHED = (*_CONSTANT, "source_record_id", "source_system")
_NUMBERS = ("event_time", "ingested_at", "period_start", "period_end", "revision", "budget_year")
_CODES = ("figure", "status", "period_type")
_FACTS = [
    *(pl.col(n).hash(_SEED).alias(f"#{n}") for n in _HASHED),
    *(pl.col(n).cast(pl.Int64) for n in _NUMBERS),
    *(pl.col(n).to_physical().cast(pl.Int64) for n in _CODES),
    pl.col("source_record_id").str.len_bytes().cast(pl.Int64).alias("id_bytes"),
    pl.col("dimensions").list.len().cast(pl.Int64).alias("dimension_count"),
]


def _facts(frame: pl.DataFrame) -> dict[str, NDArray[Any]]:
    """What the checks look at, as arrays: identities as 64-bit hashes, enums as numbers. One query: each costs a small chunk 0.2 ms."""
    return {column.name: column.to_numpy() for column in frame.select(_FACTS).get_columns()}


def _check_dates(facts: dict[str, NDArray[Any]], sid: Int64s, series: SeriesTable, good: Bools, refusals: _Refusals) -> None:
    """Impossible dates, and budget years that are not the event's year, the one before or the one after."""
    time, start, end = facts["event_time"], facts["period_start"], facts["period_end"]
    actual = series.actual[sid]
    _require(good, (time >= EARLIEST_MS) & (time < LATEST_MS), refusals, "impossible_date", "event_time", "outside 1990–2100")
    ahead = ~actual | (time <= facts["ingested_at"] + AHEAD_MS)
    _require(good, ahead, refusals, "impossible_date", "event_time", "more than a day after ingested_at")
    _require(good, (end > start) & (start >= EARLIEST_MS), refusals, "impossible_date", "period_end", "not after period_start")
    budget_year = facts["budget_year"]
    year = 1970 + np.clip(time, 0, LATEST_MS).astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64)
    near = (budget_year == 0) | (np.abs(budget_year - year) <= 1) | series.reported[sid]
    _require(good, near, refusals, "impossible_date", "budget_year", "more than a year from the event's")


def _check_agencies(frame: pl.DataFrame, series: SeriesTable, good: Bools, refusals: _Refusals) -> None:
    """The responsible agency must be in the registry."""
    unknown = [a for a in frame["agency"].unique().to_list() if not series.knows_agency(a)]
    if unknown:
        known = ~frame["agency"].is_in(unknown).to_numpy()
        _require(good, known, refusals, "unknown_agency", "agency", "not in the registry of agencies")


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
    frame: pl.DataFrame,
    facts: dict[str, NDArray[Any]],
    keys: list[bytes],
    sid: Int64s,
    series: SeriesTable,
    good: Bools,
    refusals: _Refusals,
) -> None:
    """The fields that make the series must give the key, and the unit be the catalogue's: compared by hash, in full where a hash is new."""
    found = _fingerprints(frame, facts)
    for i in np.flatnonzero(good & (found != series.fingerprint[sid])).tolist():
        if series.fingerprint[sid[i]] == found[i]:
            continue
        problem = _compare(frame, i, keys[i], series, int(sid[i]))
        if problem:
            refusals.add(i, "contract", *problem)
            good[i] = False
        else:
            series.fingerprint[sid[i]] = found[i]


def _fingerprints(frame: pl.DataFrame, facts: dict[str, NDArray[Any]]) -> UInt64s:
    """One hash per row over the fields that are constant in a series."""
    mixed: UInt64s = facts["figure"].astype(np.uint64) + np.uint64(1)
    for name in _CONSTANT:
        mixed = (mixed * _MIX) ^ facts[f"#{name}"]
    lengths = facts["dimension_count"]
    if lengths.any():
        dimensions = frame["dimensions"]
        filled = dimensions if lengths.all() else dimensions.filter(pl.Series(lengths > 0))
        pairs = filled.explode().struct.unnest().select(pl.all().hash(_SEED))
        each = (pairs["name"].to_numpy() * _MIX) ^ pairs["value"].to_numpy()
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
    names = ("indicator", "component", "territory", "subject_type", "subject_id", "figure")
    try:
        own = Series(dimensions=dimensions, **{name: record[name] for name in names}).key()
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
