"""Month, quarter and budget year to date of reported series, which have one value a month.

A flow adds up over the months. A running total («lũy kế đến kỳ báo cáo») is never added: the month's own value is the difference to the
total before it, negative after a correction downwards (domain.md §12.3), and the year to date is the newest total itself.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.calendar_panes import day_of, month_code, month_of_day
from stream_processors.panes import PaneTable
from stream_processors.series_table import SeriesTable

Int64s = NDArray[np.int64]

WINDOWS: Final = ("month", "quarter", "ytd")


def set_totals(columns: dict[str, Any], series: SeriesTable, months: PaneTable, sid: Int64s, at: Int64s, year: Int64s) -> None:
    """Overwrite count, sum, min and max of WINDOWS for the monthly reported series among `sid`. `at`: newest period's start, epoch ms."""
    for i in np.flatnonzero(series.reported[sid] & series.panes[int(months.kind), sid]).tolist():
        month = int(month_of_day(day_of(at[i : i + 1]))[0])
        totals = _totals(months, int(sid[i]), month, int(year[i]), running=bool(series.cumulative[sid[i]]))
        place = np.array([i])
        for window, (count, total) in zip(WINDOWS, totals, strict=True):
            columns[f"{window}_count"][i] = count
            value = Wide.from_ints([total])
            columns[f"{window}_sum"].put(place, value)
            if window != "ytd":
                columns[f"{window}_min"].put(place, value)
                columns[f"{window}_max"].put(place, value)


def _totals(months: PaneTable, sid: int, month: int, year: int, *, running: bool) -> list[tuple[int, int]]:
    """(panes, unscaled value) of month, quarter and year to date."""
    begins = (year - 1970) * 12 if year else month // 12 * 12
    known = _live(months, sid, np.arange(begins, month + 1), year)
    out = []
    for first in (month, month // 3 * 3, begins):
        inside = [m for m in known if m >= first]
        if not running:
            out.append((len(inside), sum(known[m] for m in inside)))
            continue
        before = [m for m in known if m < first]
        newest = known[max(known)] if known else 0
        out.append((len(inside), newest - (known[max(before)] if before else 0)))
    return out


def _live(months: PaneTable, sid: int, numbers: Int64s, year: int) -> dict[int, int]:
    """Month → unscaled value of the live panes of one budget year (0: of none)."""
    rows = months.find(np.full(len(numbers), sid), month_code(numbers, np.full(len(numbers), year)))
    there = np.flatnonzero(rows >= 0)
    there = there[months.columns.array("count")[rows[there]] > 0]
    values = months.columns.wide("last").take(rows[there]).to_ints()
    return dict(zip(numbers[there].tolist(), values, strict=True))
