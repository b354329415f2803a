"""The door of stage 1: decoded observations become arrivals, or are refused with a reason. Whole columns at a time; exact for each record.

Whether a record is admitted depends on it and on its series' prefix alone (the newest event time before it), never on how the prefix
was cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indicators.observation import SCALE, STATUSES, VALUE_LIMIT
from indicators.series import Series
from indicators.wide import Wide
from stream_processors.arrivals import Arrivals
from stream_processors.calendar_panes import DAY_MS, OFFSET_MS
from stream_processors.head_facts import MIX, SEED, HeadFacts
from stream_processors.series_table import SeriesTable
from transport.columnar_reader import Decoded, Refused

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

DELETED = STATUSES.index("deleted")
EARLIEST_MS = 631_152_000_000  # 1990-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01
AHEAD_MS = DAY_MS
"""An actual figure may lie at most a day after its intake: one reading from a wrong clock must not push the watermark and make the
rest late.
"""

_LIMIT = int(VALUE_LIMIT.scaleb(SCALE))
NO_WATERMARK = -(1 << 62)


@dataclass(slots=True)
class Admitted:
    """`decoded`: the rows looked at; `rows`: indices into it, one per arrival, in offset order; `late`: refused as too late, their panes
    are inexact.
    """

    decoded: Decoded
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


class Door:
    """The checks of one partition. What they found out about heads is kept."""

    def __init__(self, series: SeriesTable) -> None:
        self._series, self._facts = series, HeadFacts(series)

    def admit(self, decoded: Decoded, keys: list[bytes], offsets: Int64s, appended: Callable[[], Int64s]) -> Admitted:
        """Check decoded observations. `keys`, `offsets` and `appended` (time stamps) belong to the rows, in order."""
        series, facts, head = self._series, self._facts, decoded.head
        sid = series.numbers(keys)
        facts.learn(decoded.heads)
        tail = _tail(decoded.tail)
        refusals = _Refusals(decoded.tail)
        good = series.known[sid].copy()
        for i in np.flatnonzero(~good).tolist():
            entry = series.entries[sid[i]]
            refusals.add(i, entry.reason, "key", entry.detail)
        self._check_heads(decoded, keys, sid, good, refusals)
        time, status, budget_year = tail["event_time"], facts.status[head], facts.budget_year[head]
        if series.timed:
            _check_times_of_sets(time, appended(), sid, series, good, refusals)
        _check_dates(tail, budget_year, sid, series, good, refusals)
        _require(good, tail["revision"] >= 0, refusals, "validation", "revision", "negative")
        _require(good, tail["has_id"], refusals, "validation", "source_record_id", "empty")
        alive = status != DELETED
        value = _check_values(decoded.tail["value"], sid, series, ~alive, good, refusals)
        late = good & ~series.reported[sid] & _late(time, sid, good, series)
        _require(good, ~late, refusals, "too_late", "event_time", "older than the indicator's horizon: kept, not folded")
        series.note(sid[good], time[good])
        identity = tail["#source_record_id"] ^ (facts.source[head] * MIX)
        every = Arrivals(sid, time, value, tail["revision"], status, offsets, budget_year, identity, alive)
        lates, whole = np.flatnonzero(late), bool(good.all())
        rows = np.arange(len(good)) if whole else np.flatnonzero(good)
        return Admitted(
            decoded, rows, every if whole else every.take(rows), facts.period_type[head[rows]], tail["period_start"][rows],
            refusals.found, Late(sid[lates], time[lates], offsets[lates]),
        )  # fmt: skip

    def _check_heads(self, decoded: Decoded, keys: list[bytes], sid: Int64s, good: Bools, refusals: _Refusals) -> None:
        """The fields that make the series must give the key, and the unit be the catalogue's: looked at once a head and series, by hash
        where the series knows it, else in full. The responsible agency must be in the registry."""
        facts, head = self._facts, decoded.head
        strange = np.flatnonzero(good & (facts.checked[head] != sid))
        if strange.size:
            problems: dict[tuple[int, int], tuple[str, str] | None] = {}
            for i, pair in zip(strange.tolist(), zip(head[strange].tolist(), sid[strange].tolist(), strict=True), strict=True):
                if pair not in problems:
                    problems[pair] = self._belongs(decoded, pair, keys[i])
                if problem := problems[pair]:
                    refusals.add(i, "contract", *problem)
                    good[i] = False
        _require(good, facts.agency_known[head], refusals, "unknown_agency", "agency", "not in the registry of agencies")

    def _belongs(self, decoded: Decoded, pair: tuple[int, int], key: bytes) -> tuple[str, str] | None:
        """Does a head belong to a series? Field and problem where it does not."""
        (head, sid), series = pair, self._series
        found = self._facts.constant[head]
        if series.fingerprint[sid] != found:
            problem = _compare(decoded.heads.frame.row(head, named=True), key, series, sid)
            if problem:
                return problem
            series.fingerprint[sid] = found
        self._facts.checked[head] = sid
        return None


_TIMES = ("event_time", "ingested_at", "period_start", "period_end")
_NO_ID = np.uint64(pl.Series([""]).hash(SEED)[0])


def _tail(frame: pl.DataFrame) -> dict[str, NDArray[Any]]:
    """What the checks look at, as arrays: the record's id as a 64-bit hash. No query: each costs a small chunk 0.2 ms."""
    tail: dict[str, NDArray[Any]] = {name: frame[name].to_numpy() for name in _TIMES}
    tail["revision"] = frame["revision"].to_numpy().astype(np.int64)
    identity = tail["#source_record_id"] = frame["source_record_id"].hash(SEED).to_numpy()
    tail["has_id"] = identity != _NO_ID
    if not tail["has_id"].all():  # the hash of no id: look at the id itself
        tail["has_id"] = (frame["source_record_id"].str.len_bytes() > 0).to_numpy()
    return tail


def _check_dates(
    tail: dict[str, NDArray[Any]], budget_year: Int64s, sid: Int64s, series: SeriesTable, good: Bools, refusals: _Refusals
) -> None:
    """Impossible dates, and budget years that are not the event's year, the one before or the one after."""
    time, start, end = tail["event_time"], tail["period_start"], tail["period_end"]
    _require(good, (time >= EARLIEST_MS) & (time < LATEST_MS), refusals, "impossible_date", "event_time", "outside 1990–2100")
    ahead = (time <= tail["ingested_at"] + AHEAD_MS) | ~series.actual[sid]
    _require(good, ahead, refusals, "impossible_date", "event_time", "more than a day after ingested_at")
    _require(good, (end > start) & (start >= EARLIEST_MS), refusals, "impossible_date", "period_end", "not after period_start")
    near = (budget_year == 0) | (np.abs(budget_year - _years(time)) <= 1) | series.reported[sid]
    _require(good, near, refusals, "impossible_date", "budget_year", "more than a year from the event's")


def _check_times_of_sets(time: Int64s, appended: Int64s, sid: Int64s, series: SeriesTable, good: Bools, refusals: _Refusals) -> None:
    """Series that are ordered for a time: nothing before the order is in effect, nothing of after its end date."""
    _require(good, appended >= series.opens[sid], refusals, "unknown_indicator", "key", "the set that orders it was not in effect yet")
    ends = series.ends[sid]
    _require(good, (ends == 0) | (time < ends), refusals, "validation", "event_time", "after the end date of the set that orders it")


def _years(time: Int64s) -> Int64s:
    """Calendar years (UTC) of instants; one look where all lie in one year, the usual case."""
    inside = np.clip(time, 0, LATEST_MS)
    ends = np.array([inside.min(initial=LATEST_MS), inside.max(initial=0)])
    first, last = _calendar_years(ends).tolist()
    return np.full(len(time), first) if first == last else _calendar_years(inside)


def _calendar_years(time: Int64s) -> Int64s:
    years: Int64s = 1970 + time.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64)
    return years


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


def _compare(record: dict[str, Any], key: bytes, series: SeriesTable, sid: int) -> tuple[str, str] | None:
    """Field and problem where a head's fields and the key disagree; None: they agree."""
    spec = series.entries[sid].spec
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


def _check_values(column: pl.Series, sid: Int64s, series: SeriesTable, deleted: Bools, good: Bools, refusals: _Refusals) -> Wide:
    """Values as 128-bit integers; refused: none where one is needed, beyond the door's limit, outside the catalogue's bounds, sentinels."""
    if column.null_count():
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
