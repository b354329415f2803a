"""Panes of one width for all series of a partition: exact counts, sums, extremes and last values, merged whole arrays at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.calendar_panes import Kind
from stream_processors.columns import Columns
from stream_processors.hash_index import HashIndex

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_STATUS = 9
"""Status of a pane without live records, weaker than none: min() over statuses leaves it alone."""

COLUMNS = {
    "sid": "i8",
    "pane": "i8",
    "count": "i8",
    "sum": "wide",
    "min": "wide",
    "max": "wide",
    "last": "wide",
    "last_time": "i8",
    "revision": "i8",
    "status": "i8",
    "inexact": "i8",
    "through": "i8",
    "told_number": "wide",
    "told": "i8",
}
"""`told_number`, `told`: what the pane has contributed to dimension sets (stream_processors/set_panes.py); not in its row."""


@dataclass(slots=True)
class Groups:
    """Contributions to panes, one row per (series, pane), all live records. `status`: weakest among them."""

    sid: Int64s
    pane: Int64s
    count: Int64s
    sum: Wide
    min: Wide
    max: Wide
    last: Wide
    last_time: Int64s
    revision: Int64s
    status: Int64s
    through: Int64s

    def __len__(self) -> int:
        return len(self.sid)


@dataclass(slots=True)
class Records:
    """Live records to be grouped: series, event time, value, revision, status, offset, budget year."""

    sid: Int64s
    time: Int64s
    value: Wide
    revision: Int64s
    status: Int64s
    offset: Int64s
    budget_year: Int64s

    def take(self, rows: NDArray[Any]) -> Records:
        """Some of the records, in the order given."""
        return Records(
            self.sid[rows],
            self.time[rows],
            self.value.take(rows),
            self.revision[rows],
            self.status[rows],
            self.offset[rows],
            self.budget_year[rows],
        )

    def __len__(self) -> int:
        return len(self.sid)


def pane_keys(sid: Int64s, pane: Int64s) -> NDArray[np.uint64]:
    """One 64-bit key per (series, pane); panes are not negative and below 2^32."""
    return (sid.astype(np.uint64) << np.uint64(32)) | pane.astype(np.uint64)


def group(records: Records, pane: Int64s) -> Groups:
    """Records ordered by (series, event time, offset) into their panes; `pane` beside each record, rising within a series or nearly so."""
    n = len(records)
    keys = pane_keys(records.sid, pane)
    if n > 1 and (keys[1:] < keys[:-1]).any():
        order = np.argsort(keys, kind="stable")
        records, pane = records.take(order), pane[order]
    new = np.empty(n, bool)
    new[:1] = True
    new[1:] = (records.sid[1:] != records.sid[:-1]) | (pane[1:] != pane[:-1])
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], n) - 1
    return Groups(
        records.sid[starts],
        pane[starts],
        ends - starts + 1,
        records.value.sum_by_starts(starts),
        records.value.min_by_starts(starts),
        records.value.max_by_starts(starts),
        records.value.take(ends),
        records.time[ends],
        np.maximum.reduceat(records.revision, starts),
        np.minimum.reduceat(records.status, starts),
        np.maximum.reduceat(records.offset, starts),
    )


class PaneTable:
    """All panes of one kind. Rows are numbered; `find` gives the row of a (series, pane)."""

    def __init__(self, kind: Kind, capacity: int = 1024) -> None:
        self.kind = kind
        self.columns = Columns(COLUMNS, capacity)
        self._index = HashIndex(capacity)

    def __len__(self) -> int:
        return self.columns.count

    def find(self, sid: Int64s, pane: Int64s) -> Int64s:
        """Row of each (series, pane), -1 where there is none."""
        return self._index.get(pane_keys(sid, pane))

    def rows_for(self, sid: Int64s, pane: Int64s) -> Int64s:
        """Row of each (series, pane); those that are missing are made, empty. The pairs must all be different."""
        rows = self.find(sid, pane)
        missing = np.flatnonzero(rows < 0)
        if missing.size:
            made = self.columns.append(len(missing))
            rows[missing] = made
            c = self.columns
            c.array("sid")[made], c.array("pane")[made] = sid[missing], pane[missing]
            c.array("status")[made] = NO_STATUS
            c.array("through")[made] = -1
            self._index.put(pane_keys(sid[missing], pane[missing]), made)
        return rows

    def add(self, groups: Groups) -> Int64s:
        """Merge contributions (different panes, newer offsets than anything folded); returns their rows."""
        rows = self.rows_for(groups.sid, groups.pane)
        c = self.columns
        count = c.array("count")[rows]
        had = count > 0
        c.array("count")[rows] = count + groups.count
        c.wide("sum").put(rows, c.wide("sum").take(rows) + groups.sum)
        low, high = c.wide("min").take(rows), c.wide("max").take(rows)
        c.wide("min").put(rows, Wide.where(had & (low < groups.min), low, groups.min))
        c.wide("max").put(rows, Wide.where(had & (groups.max < high), high, groups.max))
        time = c.array("last_time")[rows]
        newer = ~had | (groups.last_time >= time)
        c.wide("last").put(rows, Wide.where(newer, groups.last, c.wide("last").take(rows)))
        c.array("last_time")[rows] = np.where(newer, groups.last_time, time)
        for name, more in (("revision", groups.revision), ("through", groups.through)):
            column = c.array(name)
            column[rows] = np.maximum(column[rows], more)
        status = c.array("status")
        status[rows] = np.minimum(status[rows], groups.status)
        return rows

    def replace(self, groups: Groups) -> Int64s:
        """Set panes to exactly these contents (recomputed from the record memory, or reported anew); returns their rows."""
        rows = self.rows_for(groups.sid, groups.pane)
        c = self.columns
        for name in ("count", "last_time", "revision", "status", "through"):
            c.array(name)[rows] = getattr(groups, name)
        for name in ("sum", "min", "max", "last"):
            c.wide(name).put(rows, getattr(groups, name))
        return rows

    def clear(self, sid: Int64s, pane: Int64s, through: Int64s) -> Int64s:
        """Panes that lost their last live record: count 0, numbers 0; returns their rows."""
        rows = self.rows_for(sid, pane)
        c = self.columns
        for name in ("count", "last_time"):
            c.array(name)[rows] = 0
        c.array("status")[rows] = NO_STATUS
        for name in ("sum", "min", "max", "last"):
            c.wide(name).put(rows, Wide.zeros(len(rows)))
        c.array("through")[rows] = np.maximum(c.array("through")[rows], through)
        return rows

    def groups_at(self, rows: Int64s) -> Groups:
        """The contents of some rows, as contributions."""
        c = self.columns
        return Groups(
            c.array("sid")[rows],
            c.array("pane")[rows],
            c.array("count")[rows],
            c.wide("sum").take(rows),
            c.wide("min").take(rows),
            c.wide("max").take(rows),
            c.wide("last").take(rows),
            c.array("last_time")[rows],
            c.array("revision")[rows],
            c.array("status")[rows],
            c.array("through")[rows],
        )

    def drop(self, rows: Int64s) -> None:
        """Forget panes whose horizon has ended; the others are renumbered."""
        keep = np.ones(self.columns.count, bool)
        keep[rows] = False
        self.columns.keep(np.flatnonzero(keep))
        n = self.columns.count
        self._index = HashIndex(max(n, 1024))
        self._index.put(pane_keys(self.columns.array("sid")[:n], self.columns.array("pane")[:n]), np.arange(n))
