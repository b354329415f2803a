"""Folding event series: many records a period, each with an identity; corrections and deletions exact within the horizon.

What is new adds to its panes. A correction moves a pane by the difference where that is certain (deltas.py). Else hour and day panes are
made anew from the record memory; of coarse panes sums and counts move by the difference, extremes and last values follow from their day
panes (from the memory where months are split by budget year).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.arrivals import Arrivals, Remembered
from stream_processors.calendar_panes import Kind, day_of, first_day_of_month, hour_of, month_code, month_of_day
from stream_processors.deltas import Deltas, deltas_of, shift, unsettled
from stream_processors.panes import PaneTable, Records, group
from stream_processors.record_memory import RecordMemory
from stream_processors.series_table import SeriesTable

Int64s = NDArray[np.int64]

Touched = dict[Kind, list[Int64s]]
"""Rows of pane tables that a chunk changed; a row may come twice."""

Added = dict[Kind, tuple[Int64s, Int64s]]
"""Rows of pane tables to which a chunk added new records, and the weakest status among those."""


def codes_of(kind: Kind, time: Int64s, budget_year: Int64s) -> Int64s:
    """Pane code of records."""
    if kind == Kind.HOUR:
        return hour_of(time)
    if kind == Kind.DAY:
        return day_of(time)
    if kind == Kind.MONTH:
        return month_code(month_of_day(day_of(time)), budget_year)
    return budget_year


class EventFold:
    """Event series of one partition over its pane tables and record memory."""

    def __init__(self, series: SeriesTable, tables: Mapping[Kind, PaneTable], memory: RecordMemory) -> None:
        self._series, self._tables, self._memory = series, tables, memory

    def fold(self, arrivals: Arrivals, remembered: Remembered, touched: Touched) -> Int64s:
        """Apply what `remember` found to the panes; rows changed are noted in `touched`. Returns the fresh arrivals ordered by
        (series, event time, offset).
        """
        fresh = remembered.fresh
        added: Added = {}
        if fresh.size:
            fresh = fresh[np.argsort((arrivals.sid[fresh] << 44) | arrivals.time[fresh], kind="stable")]
            added = self._add(arrivals.records(fresh), touched)
        if remembered.corrections:
            self._correct(deltas_of(arrivals, remembered.corrections), added, touched)
        if remembered.orphans.size:
            self._mark(arrivals.records(self._long_running(arrivals, remembered.orphans)), touched)
        return fresh

    def mark_late(self, sid: Int64s, time: Int64s, offset: Int64s, touched: Touched) -> None:
        """Records came after the horizon: their panes, where they still exist, are inexact from now on."""
        zeros = np.zeros(len(sid), np.int64)
        self._mark(Records(sid, time, Wide.zeros(len(sid)), zeros, zeros, offset, zeros), touched)

    def _add(self, records: Records, touched: Touched) -> Added:
        added: Added = {}
        for kind, table in self._tables.items():
            mine = self._series.panes[kind, records.sid]
            if kind == Kind.BUDGET_YEAR:
                mine = mine & (records.budget_year > 0)
            some = records if mine.all() else records.take(np.flatnonzero(mine))
            if len(some):
                groups = group(some, codes_of(kind, some.time, some.budget_year))
                rows = table.add(groups)
                touched[kind].append(rows)
                added[kind] = rows, groups.status
        return added

    def _correct(self, deltas: Deltas, added: Added, touched: Touched) -> None:
        """Settled panes move by the difference; the others are made anew from the live records of their series, fine ones first."""
        left: dict[Kind, tuple[Deltas, Int64s]] = {}
        for kind, table in self._tables.items():
            code = codes_of(kind, deltas.time, deltas.budget_year)
            mine = np.flatnonzero(self._series.panes[kind, deltas.sid] & ((code > 0) if kind == Kind.BUDGET_YEAR else True))
            some, code = deltas.take(mine), code[mine]
            apart = unsettled(table, some, code, added.get(kind))
            if not apart.all():
                touched[kind].append(shift(table, some.take(~apart), code[~apart]))
            if apart.any():
                left[kind] = some.take(apart), code[apart]
        if not left:
            return
        live = self._memory.live_of(np.unique(np.concatenate([some.sid for some, _ in left.values()])), len(self._series))
        for kind, (some, code) in left.items():
            (self._recompute if kind in (Kind.HOUR, Kind.DAY) else self._replace)(kind, some, code, live, touched)

    def _recompute(self, kind: Kind, deltas: Deltas, code: Int64s, live: Records, touched: Touched) -> None:
        """Panes of the records that changed, anew from every live record in them."""
        sid, code, through = _newest(deltas.sid, code, deltas.offset)
        table = self._tables[kind]
        rows = table.rows_for(sid, code)
        before = table.columns.array("through")[rows]
        touched[kind].append(table.clear(sid, code, through))
        wanted = np.zeros(len(table), bool)
        wanted[rows] = True
        found = table.find(live.sid, codes_of(kind, live.time, live.budget_year))
        some = live.take(np.flatnonzero((found >= 0) & wanted[np.maximum(found, 0)]))
        if len(some):
            groups = group(some, codes_of(kind, some.time, some.budget_year))
            table.replace(groups)
        column = table.columns.array("through")
        column[rows] = np.maximum(before, through)

    def _replace(self, kind: Kind, deltas: Deltas, code: Int64s, live: Records, touched: Touched) -> None:
        """Sums and counts of coarse panes move by the difference; extremes and last values follow from what is finer."""
        totals: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, -1])
        values = deltas.value.to_ints()
        for i, pair in enumerate(zip(deltas.sid.tolist(), code.tolist(), strict=True)):
            total, sign = totals[pair], int(deltas.sign[i])
            total[0] += sign
            total[1] += sign * values[i]
            total[2] = max(total[2], int(deltas.offset[i]))
        pairs = np.array(list(totals), np.int64)
        table = self._tables[kind]
        rows = table.rows_for(pairs[:, 0], pairs[:, 1])
        c = table.columns
        c.array("count")[rows] += np.array([t[0] for t in totals.values()])
        c.wide("sum").put(rows, c.wide("sum").take(rows) + Wide.from_ints([t[1] for t in totals.values()]))
        c.array("through")[rows] = np.maximum(c.array("through")[rows], [t[2] for t in totals.values()])
        touched[kind].append(rows)
        for row, (s, p) in zip(rows.tolist(), totals, strict=True):
            self._extremes(kind, row, s, p, live)

    def _extremes(self, kind: Kind, row: int, sid: int, code: int, live: Records) -> None:
        """Extremes, last value, status and revision of one coarse pane after a correction."""
        if kind == Kind.MONTH and code % 4 == 3:
            month = code // 4
            days = np.arange(*first_day_of_month(np.array([month, month + 1])))
            found = self._tables[Kind.DAY].find(np.full(len(days), sid), days)
            parts = self._tables[Kind.DAY].columns
            rows = found[found >= 0]
            rows = rows[parts.array("count")[rows] > 0]
            columns: tuple[Any, ...] = (parts.wide("min").take(rows), parts.wide("max").take(rows), parts.wide("last").take(rows))
            numbers = (parts.array("last_time")[rows], parts.array("status")[rows], parts.array("revision")[rows])
        else:
            inside = np.flatnonzero((live.sid == sid) & (codes_of(kind, live.time, live.budget_year) == code))
            some = live.take(inside)
            columns, numbers = (some.value, some.value, some.value), (some.time, some.status, some.revision)
        self._set(self._tables[kind], row, columns, numbers)

    def _set(self, table: PaneTable, row: int, wides: tuple[Any, ...], numbers: tuple[Any, ...]) -> None:
        c, at = table.columns, np.array([row])
        if not len(numbers[0]):
            for name in ("min", "max", "last"):
                c.wide(name).put(at, Wide.zeros(1))
            c.array("last_time")[row] = 0
            return
        start = np.array([0])
        c.wide("min").put(at, wides[0].min_by_starts(start))
        c.wide("max").put(at, wides[1].max_by_starts(start))
        c.wide("last").put(at, wides[2].take(np.array([len(numbers[0]) - 1])))
        c.array("last_time")[row] = numbers[0][-1]
        c.array("status")[row] = numbers[1].min()
        c.array("revision")[row] = numbers[2].max()

    def _mark(self, records: Records, touched: Touched) -> None:
        """Existing panes of these records become inexact."""
        for kind, table in self._tables.items():
            rows = table.find(records.sid, codes_of(kind, records.time, records.budget_year))
            there = rows >= 0
            if there.any():
                table.columns.array("inexact")[rows[there]] = 1
                through = table.columns.array("through")
                np.maximum.at(through, rows[there], records.offset[there])
                touched[kind].append(np.unique(rows[there]))

    def _long_running(self, arrivals: Arrivals, which: Int64s) -> Int64s:
        """Orphans whose original may have been forgotten: their series runs for longer than its horizon."""
        sid = arrivals.sid[which]
        s = self._series
        return which[s.watermark[sid] - s.horizon[sid] > s.first_time[sid]]


def _newest(sid: Int64s, code: Int64s, offset: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Each (series, pane) once, with the newest offset that concerns it."""
    order = np.lexsort((offset, code, sid))
    sid, code, offset = sid[order], code[order], offset[order]
    last = np.flatnonzero(np.append((sid[1:] != sid[:-1]) | (code[1:] != code[:-1]), True))
    return sid[last], code[last], offset[last]
