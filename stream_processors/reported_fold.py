"""Folding reported series: one value a period, a higher revision replaces it; the pane is the memory.

Of two reports with the same revision the first counts: a source that sends other figures under an old revision is at fault, and the result
must not depend on how often it repeats itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from indicators.observation import PERIOD_TYPES
from indicators.wide import Wide
from stream_processors.arrivals import Arrivals
from stream_processors.calendar_panes import Kind, day_of, hour_of, month_code, month_of_day, pane_start
from stream_processors.event_fold import Touched
from stream_processors.panes import Groups, PaneTable, Records

Int64s = NDArray[np.int64]

_KIND_OF_PERIOD = {
    "instant": Kind.HOUR, "hour": Kind.HOUR, "day": Kind.DAY, "week": Kind.DAY, "on_decision": Kind.DAY,
    "month": Kind.MONTH, "reporting_month": Kind.MONTH, "quarter": Kind.MONTH, "half_year": Kind.MONTH, "nine_months": Kind.MONTH,
    "july_november": Kind.MONTH, "year": Kind.BUDGET_YEAR, "budget_year_to_date": Kind.BUDGET_YEAR, "multi_year": Kind.BUDGET_YEAR,
}  # fmt: skip
KIND_OF_PERIOD = np.array([_KIND_OF_PERIOD[name] for name in PERIOD_TYPES], np.int64)
"""Kind of pane by number of the Avro enum PeriodType: a report lies in the pane in which its period starts."""


def kind_of_period(period_type: str) -> Kind:
    """Kind of pane that reports of this type lie in."""
    return _KIND_OF_PERIOD[period_type]


def pane_codes(period_type: Int64s, period_start: Int64s, budget_year: Int64s) -> tuple[Kind, int]:
    """Kind and code of the pane of one report, given as arrays of length one."""
    kind = Kind(int(KIND_OF_PERIOD[period_type][0]))
    return kind, int(_code(kind, period_start, budget_year)[0])


class ReportedFold:
    """Reported series of one partition over its pane tables."""

    def __init__(self, tables: Mapping[Kind, PaneTable]) -> None:
        self._tables = tables

    def fold(self, arrivals: Arrivals, period_type: Int64s, period_start: Int64s, touched: Touched) -> None:
        """Replace the panes whose period got a higher revision."""
        kinds = KIND_OF_PERIOD[period_type]
        for kind, table in self._tables.items():
            some = np.flatnonzero(kinds == kind)
            if some.size:
                code = _code(kind, period_start[some], arrivals.budget_year[some])
                rows = self._replace(table, arrivals.records(some), arrivals.alive[some], code)
                if rows.size:
                    touched[kind].append(rows)

    def _replace(self, table: PaneTable, records: Records, alive: NDArray[np.bool_], code: Int64s) -> Int64s:
        """The winner of each pane in the chunk, where it beats what is stored; returns the rows replaced."""
        order = np.lexsort((records.offset, -records.revision, code, records.sid))
        sid, pane = records.sid[order], code[order]
        first = np.flatnonzero(np.append(True, (sid[1:] != sid[:-1]) | (pane[1:] != pane[:-1])))
        winners = order[first]
        stored = table.find(records.sid[winners], code[winners])
        newer = (stored < 0) | (records.revision[winners] > table.columns.array("revision")[np.maximum(stored, 0)])
        winners = winners[newer]
        if not winners.size:
            return winners
        best, live = records.take(winners), alive[winners]
        value = Wide.where(live, best.value, Wide.zeros(len(winners)))
        groups = Groups(
            best.sid, code[winners], live.astype(np.int64), value, value, value, value, best.time, best.revision, best.status, best.offset
        )
        return table.replace(groups)


def _code(kind: Kind, period_start: Int64s, budget_year: Int64s) -> Int64s:
    if kind == Kind.HOUR:
        return hour_of(period_start)
    if kind == Kind.DAY:
        return day_of(period_start)
    month = month_of_day(day_of(period_start))
    if kind == Kind.MONTH:
        return month_code(month, budget_year)
    return np.where(budget_year > 0, budget_year, 1970 + month // 12)


def newest_panes(tables: Mapping[Kind, PaneTable], sids: Int64s, known_series: int) -> dict[int, tuple[Kind, int]]:
    """Of each reported series the live pane that starts last (the finer one of two): (kind, row). Series without one are left out."""
    wanted = np.zeros(known_series, bool)
    wanted[sids] = True
    newest: dict[int, tuple[int, Kind, int]] = {}
    for kind, table in tables.items():
        n = len(table)
        c = table.columns
        rows = np.flatnonzero(wanted[c.array("sid")[:n]] & (c.array("count")[:n] > 0))
        for sid, pane, row in zip(c.array("sid")[rows].tolist(), c.array("pane")[rows].tolist(), rows.tolist(), strict=True):
            start = pane_start(kind, pane)
            if sid not in newest or start > newest[sid][0]:
                newest[sid] = (start, kind, row)
    return {sid: (kind, row) for sid, (_, kind, row) in newest.items()}
