"""The newest value of each series of a partition: of event series by event time, of reported series by the period that starts last."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.arrivals import Arrivals
from stream_processors.calendar_panes import Kind, budget_year_of, pane_start
from stream_processors.panes import PaneTable
from stream_processors.record_memory import RecordMemory
from stream_processors.reported_fold import newest_panes
from stream_processors.series_table import NEVER, SeriesTable

Int64s = NDArray[np.int64]


class NewestValues:
    """Arrays by series number: `value`, `time` (event time, epoch ms; NEVER: none), `year` (budget year, 0: none).

    `anchors` of reported series: start (epoch ms), kind and code of the newest live pane.
    """

    def __init__(self, series: SeriesTable, tables: Mapping[Kind, PaneTable], memory: RecordMemory) -> None:
        self._series, self._tables, self._memory = series, tables, memory
        self.value = Wide.zeros(1024)
        self.time = np.full(1024, NEVER, np.int64)
        self.year = np.zeros(1024, np.int64)
        self.anchors: dict[int, tuple[int, Kind, int]] = {}

    def reserve(self) -> None:
        """Room for every series known by now."""
        while len(self._series) > len(self.time):
            n = len(self.time)
            self.value = Wide.join([self.value, Wide.zeros(n)])
            self.time = np.concatenate([self.time, np.full(n, NEVER, np.int64)])
            self.year = np.concatenate([self.year, np.zeros(n, np.int64)])

    def moments(self, sid: Int64s) -> Int64s:
        """Where the windows of these series end, epoch ms: the newest event time; of reported series the newest period's start. 0: none."""
        at: Int64s = np.maximum(self.time[sid], 0)
        for i in np.flatnonzero(self._series.reported[sid]).tolist():
            at[i] = max(self.anchors.get(int(sid[i]), (0,))[0], 0)
        return at

    def take_events(self, events: Arrivals, fresh: Int64s, corrected: list[int]) -> None:
        """After the event series were folded: `fresh` arrivals, ordered by (series, event time, offset), add; `corrected` ones changed
        known records.
        """
        if fresh.size:
            sids = events.sid[fresh]
            last = fresh[np.append(sids[1:] != sids[:-1], True)]
            last = last[events.time[last] >= self.time[events.sid[last]]]
            sid = events.sid[last]
            self.value.put(sid, events.value.take(last))
            self.time[sid], self.year[sid] = events.time[last], events.budget_year[last]
        if corrected:
            self._recompute(np.unique(events.sid[corrected]))

    def _recompute(self, sids: Int64s) -> None:
        """After corrections: the newest live record of the memory; a series without one keeps the last value of its newest day pane."""
        live = self._memory.live_of(sids, len(self._series))
        ends = np.flatnonzero(np.append(live.sid[1:] != live.sid[:-1], True)) if len(live) else np.zeros(0, np.int64)
        found = live.take(ends)
        self.value.put(found.sid, found.value)
        self.time[found.sid], self.year[found.sid] = found.time, found.budget_year
        lost = np.setdiff1d(sids, found.sid)
        if lost.size:
            days = self._tables[Kind.DAY].columns
            panes = newest_panes({Kind.DAY: self._tables[Kind.DAY]}, lost, len(self._series))
            for sid in lost.tolist():
                row = np.array([panes[sid][1]]) if sid in panes else None
                self.value.put(np.array([sid]), days.wide("last").take(row) if row is not None else Wide.zeros(1))
                self.time[sid] = int(days.array("last_time")[row[0]]) if row is not None else NEVER

    def take_reports(self, touched: Mapping[Kind, Int64s]) -> None:
        """After the reported series were folded: rows of the pane tables that changed."""
        lost: list[int] = []
        for kind, some in touched.items():
            c = self._tables[kind].columns
            rows = some[self._series.reported[c.array("sid")[some]]]
            for row, sid in zip(rows.tolist(), c.array("sid")[rows].tolist(), strict=True):
                code = int(c.array("pane")[row])
                start = pane_start(kind, code)
                former = self.anchors.get(sid)
                if c.array("count")[row] > 0 and (former is None or start >= former[0]):
                    self._anchor(sid, start, kind, row)
                elif former is not None and former[1:] == (kind, code):
                    lost.append(sid)
        if lost:
            self.reanchor(np.array(lost))

    def reanchor(self, sids: Int64s) -> None:
        """Search the newest live pane of these reported series."""
        panes = newest_panes(self._tables, sids, len(self._series))
        for sid in sids.tolist():
            self.anchors.pop(sid, None)
            self.time[sid] = NEVER
            if sid in panes:
                kind, row = panes[sid]
                self._anchor(sid, pane_start(kind, int(self._tables[kind].columns.array("pane")[row])), kind, row)

    def _anchor(self, sid: int, start: int, kind: Kind, row: int) -> None:
        c = self._tables[kind].columns
        code = int(c.array("pane")[row])
        self.anchors[sid] = (start, kind, code)
        self.value.put(np.array([sid]), c.wide("last").take(np.array([row])))
        self.time[sid] = c.array("last_time")[row]
        self.year[sid] = budget_year_of(kind, code)
