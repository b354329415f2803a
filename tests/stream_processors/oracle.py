"""The oracle: the same job one record at a time, with Python integers and no cleverness. It shares no code with the stages but the
vocabulary.

It is given the observations of one partition in offset order and says what the newest pane, aggregate and condition rows must be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from indicators.observation import STATUSES, Observation
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary

VN = timezone(timedelta(hours=7))
DAY = 86_400_000


def unscaled(value: Decimal) -> int:
    """The integer behind a value with six places."""
    return int(value.scaleb(6))


def local(ms: int) -> datetime:
    """Instant as wall time in Vietnam."""
    return datetime.fromtimestamp(ms / 1000, VN)


def month_number(ms: int) -> int:
    """Months since January 1970."""
    at = local(ms)
    return (at.year - 1970) * 12 + at.month - 1


@dataclass
class Rec:
    """A remembered record."""

    series: str
    time: int
    value: int
    revision: int
    status: int
    offset: int
    year: int
    alive: bool


@dataclass
class Oracle:
    """State after the records given so far."""

    vocabulary: Vocabulary
    rules: RuleBook
    records: dict[tuple[str, str], Rec] = field(default_factory=dict)
    of_series: dict[str, dict[str, Rec]] = field(default_factory=lambda: defaultdict(dict))
    reports: dict[tuple[str, str, int], Rec] = field(default_factory=dict)
    watermark: dict[str, int] = field(default_factory=dict)
    touched: dict[tuple[str, str, int], int] = field(default_factory=dict)
    inexact: set[tuple[str, str, int]] = field(default_factory=set)
    late: int = 0
    readings: list[tuple[str, int, int, bool, int]] = field(default_factory=list)

    def add(self, o: Observation, offset: int) -> None:
        """Fold one valid observation."""
        key = o.series().key()
        spec = self.vocabulary.series_spec(o.indicator, o.component)
        assert spec is not None
        value = unscaled(o.value) if o.value is not None else 0
        rec = Rec(key, o.event_time, value, o.revision, STATUSES.index(o.status), offset, o.budget_year, o.status != "deleted")
        if spec.fold_of(o.figure) == "reported":
            self._report(rec, o, spec.panes)
        else:
            self._event(rec, o, spec)

    def _report(self, rec: Rec, o: Observation, panes: tuple[str, ...]) -> None:
        kind, code = self._period(o)
        self.watermark[rec.series] = max(self.watermark.get(rec.series, -1), o.event_time)
        known = self.reports.get((rec.series, kind, code))
        if known is None or rec.revision > known.revision:
            self.reports[rec.series, kind, code] = rec

    def _period(self, o: Observation) -> tuple[str, int]:
        if o.period_type in ("instant", "hour"):
            return "hour", (o.period_start + 7 * 3_600_000) // 3_600_000
        if o.period_type in ("day", "week", "on_decision"):
            return "day", (o.period_start + 7 * 3_600_000) // DAY
        if o.period_type in ("year", "budget_year_to_date", "multi_year"):
            return "budget_year", o.budget_year or local(o.period_start).year
        return "month", self._month(o.period_start, o.budget_year)

    def _month(self, ms: int, year: int) -> int:
        return month_number(ms) * 4 + (3 if not year else min(max(year - local(ms).year + 1, 0), 2))

    def panes_of(self, rec: Rec, kinds: tuple[str, ...]) -> list[tuple[str, int]]:
        """(kind, code) of every pane a record lies in."""
        all_ = {
            "hour": (rec.time + 7 * 3_600_000) // 3_600_000, "day": (rec.time + 7 * 3_600_000) // DAY,
            "month": self._month(rec.time, rec.year), "budget_year": rec.year,
        }  # fmt: skip
        return [(k, all_[k]) for k in kinds if k != "budget_year" or rec.year]

    def _event(self, rec: Rec, o: Observation, spec: Any) -> None:
        day_end = ((rec.time + 7 * 3_600_000) // DAY + 1) * DAY - 7 * 3_600_000
        if day_end + spec.horizon_ms <= self.watermark.get(rec.series, -(1 << 60)):
            self.late += 1
            for pane in self.panes_of(rec, spec.panes):
                self.inexact.add((rec.series, *pane))
            return
        self.watermark[rec.series] = max(self.watermark.get(rec.series, -1), rec.time)
        identity = (rec.series, f"{o.source_system}\0{o.source_record_id}")
        known = self.records.get(identity)
        if known is not None and rec.revision <= known.revision:
            return
        before = self.newest(rec.series)
        for r in (known, rec):
            if r is not None and r.alive:
                for pane in self.panes_of(r, spec.panes):
                    self.touched[(rec.series, *pane)] = rec.offset
        self.records[identity] = self.of_series[rec.series][identity[1]] = rec
        after = self.newest(rec.series)
        if after is not None and after is not before:
            self.readings.append((rec.series, after.time, after.value, known is not None, rec.offset))

    def newest(self, series: str) -> Rec | None:
        """The newest live record of a series."""
        return max((r for r in self.of_series[series].values() if r.alive), key=lambda r: (r.time, r.offset), default=None)

    def panes(self) -> dict[tuple[str, str, int], tuple[int, int, int, int, int]]:
        """(series, kind, code) → count, sum, min, max, last of every touched pane."""
        groups: dict[tuple[str, str, int], list[Rec]] = defaultdict(list)
        for r in self.records.values():
            spec = self.vocabulary.series_spec(*r.series.split("|")[:2])
            assert spec is not None
            if r.alive:
                for pane in self.panes_of(r, spec.panes):
                    groups[(r.series, *pane)].append(r)
        out = {}
        for key in self.touched:
            rs = sorted(groups.get(key, []), key=lambda r: (r.time, r.offset))
            values = [r.value for r in rs]
            out[key] = (len(rs), sum(values), min(values), max(values), values[-1]) if rs else (0, 0, 0, 0, 0)
        for key, r in self.reports.items():
            v = r.value if r.alive else 0
            out[key] = (int(r.alive), v, v, v, v)
        return out

    def windows(self, series: str) -> dict[str, tuple[int, int, int, int]]:
        """Window → count, sum, min, max of an event series, at its newest event time, straight from the records."""
        newest = self.newest(series)
        assert newest is not None
        spec = self.vocabulary.series_spec(*series.split("|")[:2])
        assert spec is not None
        at = newest.time
        hour, day, month = (at + 7 * 3_600_000) // 3_600_000, (at + 7 * 3_600_000) // DAY, month_number(at)
        live = [r for r in self.of_series[series].values() if r.alive]

        def h(r: Rec) -> int:
            return (r.time + 7 * 3_600_000) // 3_600_000

        def d(r: Rec) -> int:
            return (r.time + 7 * 3_600_000) // DAY

        tests: dict[str, tuple[str, Callable[[Rec], bool]]] = {
            "h1": ("hour", lambda r: h(r) == hour), "h24": ("hour", lambda r: hour - 24 < h(r) <= hour),
            "d7": ("day", lambda r: day - 7 < d(r) <= day), "d30": ("day", lambda r: day - 30 < d(r) <= day),
            "month": ("month", lambda r: month_number(r.time) == month),
            "quarter": ("month", lambda r: month // 3 == month_number(r.time) // 3 and month_number(r.time) <= month),
            "ytd": ("budget_year", lambda r: r.year == newest.year and r.year > 0),
        }  # fmt: skip
        out = {}
        for name, (kind, test) in tests.items():
            values = [r.value for r in live if test(r)] if kind in spec.panes else []
            out[name] = (len(values), sum(values), min(values, default=0), max(values, default=0))
        return out
