"""Rolling and calendar windows from panes, for many series at once, each ending at its series' newest event time.

1 h and 24 h from hour panes, 7 d and 30 d from day panes, month and quarter from month panes, the budget year to date from its pane. A
window is a merge of panes, never of windows, so a late or corrected value moves every window that holds its pane, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.calendar_panes import Kind, day_of, hour_of, month_of_day
from stream_processors.panes import PaneTable

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]
_LOW32 = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_INT64 = np.iinfo(np.int64)


def windows(
    tables: Mapping[Kind, PaneTable], kept: NDArray[np.bool_], sid: Int64s, at: Int64s, budget_year: Int64s
) -> tuple[dict[str, Any], Bools]:
    """Columns `<window>_count|sum|min|max` per series (ytd: count and sum), and which series have an inexact pane in a window.

    `kept`: (kind × series number) which panes a series keeps; `at`: newest event time, epoch ms.
    """
    columns: dict[str, Any] = {}
    inexact = np.zeros(len(sid), bool)
    hour, day = hour_of(at), day_of(at)
    month = month_of_day(day)
    quarter = month // 3 * 3 + np.arange(3)[:, None]
    codes = (quarter[:, None, :] * 4 + np.arange(4)[None, :, None]).reshape(12, -1)
    plan: tuple[tuple[Kind, Int64s, dict[str, Any]], ...] = (
        (Kind.HOUR, hour - np.arange(24)[:, None], {"h1": slice(0, 1), "h24": slice(0, 24)}),
        (Kind.DAY, day - np.arange(30)[:, None], {"d7": slice(0, 7), "d30": slice(0, 30)}),
        (Kind.MONTH, np.where(codes // 4 <= month, codes, 0), {"month": None, "quarter": slice(0, 12)}),
        (Kind.BUDGET_YEAR, budget_year[None, :], {"ytd": slice(0, 1)}),
    )
    for kind, panes, names in plan:
        some = np.flatnonzero(kept[kind, sid])
        found = _Found(tables[kind], sid[some], panes[:, some]) if some.size else None
        for name, part in names.items():
            if found is None:
                _write(columns, name, len(sid), some, None)
                continue
            used = found.used & (panes[:, some] // 4 == month[some]) if part is None else _rows(found.used, part)
            _write(columns, name, len(sid), some, found.fold(used, extremes=name != "ytd"))
            inexact[some] |= found.inexact(used)
    del columns["ytd_min"], columns["ytd_max"]
    return columns, inexact


def _rows(used: Bools, part: slice) -> Bools:
    """Only these rows of the (pane × series) mask."""
    masked = np.zeros_like(used)
    masked[part] = used[part]
    return masked


class _Found:
    """Contents of a (pane × series) grid of panes; `used`: which of them exist and hold a live record."""

    def __init__(self, table: PaneTable, sid: Int64s, panes: Int64s) -> None:
        shape = panes.shape
        flat = table.find(np.broadcast_to(sid, shape).ravel(), panes.ravel())
        self._rows = np.maximum(flat, 0).reshape(shape)
        self._columns = table.columns
        count = self._columns.array("count")[self._rows]
        self.used: Bools = (flat >= 0).reshape(shape) & (count > 0)
        self._count = count

    def fold(self, used: Bools, *, extremes: bool) -> tuple[Int64s, Wide, Wide, Wide]:
        """Count, sum, min and max over the used panes of each series; 0 where there is none."""
        c = self._columns
        low, high = c.wide("sum").lo[self._rows], c.wide("sum").hi[self._rows]
        bottom = ((low & _LOW32) * used).sum(0)
        middle = ((low >> _32) * used).sum(0) + (bottom >> _32)
        total = Wide((high * used).sum(0) + (middle >> _32).astype(np.int64), (middle << _32) | (bottom & _LOW32))
        count = (self._count * used).sum(0)
        if not extremes:
            return count, total, Wide.zeros(len(count)), Wide.zeros(len(count))
        some: Bools = np.any(used, axis=0)
        return count, total, self._extreme("min", used, some), self._extreme("max", used, some)

    def inexact(self, used: Bools) -> Bools:
        """Which series have an inexact pane among the used ones."""
        marks: Bools = np.any((self._columns.array("inexact")[self._rows] > 0) & used, axis=0)
        return marks

    def _extreme(self, name: str, used: Bools, some: Bools) -> Wide:
        wide = self._columns.wide(name)
        low, high = wide.lo[self._rows], wide.hi[self._rows]
        signed = low.astype(np.int64)
        if bool(((signed >> 63) == high)[used].all()):
            best = np.where(used, signed, _INT64.max).min(0) if name == "min" else np.where(used, signed, _INT64.min).max(0)
            return Wide.from_int64(np.where(some, best, 0))
        return self._wide_extreme(name, low, high, used)

    def _wide_extreme(self, name: str, low: Any, high: Any, used: Bools) -> Wide:
        """Values beyond 64 bits: pane after pane."""
        best, seen = Wide.zeros(used.shape[1]), np.zeros(used.shape[1], bool)
        for i in range(used.shape[0]):
            value = Wide(high[i], low[i])
            better = (value < best) if name == "min" else (best < value)
            best = Wide.where(used[i] & (~seen | better), value, best)
            seen |= used[i]
        return best


def _write(columns: dict[str, Any], name: str, n: int, some: Int64s, folded: tuple[Int64s, Wide, Wide, Wide] | None) -> None:
    count = np.zeros(n, np.int64)
    wides = [Wide.zeros(n) for _ in range(3)]
    if folded is not None:
        count[some] = folded[0]
        for wide, values in zip(wides, folded[1:], strict=True):
            wide.put(some, values)
    columns[f"{name}_count"] = count
    columns[f"{name}_sum"], columns[f"{name}_min"], columns[f"{name}_max"] = wides
