"""Corrections as differences: records taken out of panes and put in, and which panes can take them without looking at their other records.

Counts and sums always move by the difference. Extremes, last value, weakest status and highest revision do so only where the record taken
out decided none of them; a pane for which that is not certain is `unsettled` and made anew from the record memory (event_fold.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.arrivals import Arrivals, Correction
from stream_processors.panes import PaneTable, pane_keys

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(slots=True)
class Deltas:
    """One entry per record taken out (`sign` -1) or put in (+1). `offset`: that of the input which did it."""

    sid: Int64s
    time: Int64s
    budget_year: Int64s
    offset: Int64s
    status: Int64s
    revision: Int64s
    sign: Int64s
    value: Wide

    def __len__(self) -> int:
        return len(self.sid)

    def take(self, rows: NDArray[np.generic]) -> Deltas:
        """Some of the entries."""
        return Deltas(
            self.sid[rows], self.time[rows], self.budget_year[rows], self.offset[rows], self.status[rows], self.revision[rows],
            self.sign[rows], self.value.take(rows),
        )  # fmt: skip


def deltas_of(arrivals: Arrivals, corrections: list[Correction]) -> Deltas:
    """What corrections take out and put in, in their order."""
    which = np.array([c.arrival for c in corrections], np.int64)
    out = [(c.old_time, c.old_budget_year, c.old_status, c.old_revision) for c in corrections]
    old_time, old_year, old_status, old_revision = np.array(out, np.int64).reshape(-1, 4).T
    new = arrivals.take(which)
    gone = np.flatnonzero([c.was_alive for c in corrections])
    come = np.flatnonzero(new.alive)
    old_value = Wide.from_ints([corrections[i].old_value for i in gone.tolist()])
    signs = np.concatenate([np.full(len(gone), -1), np.full(len(come), 1)])
    return Deltas(
        np.concatenate([new.sid[gone], new.sid[come]]),
        np.concatenate([old_time[gone], new.time[come]]),
        np.concatenate([old_year[gone], new.budget_year[come]]),
        np.concatenate([new.offset[gone], new.offset[come]]),
        np.concatenate([old_status[gone], new.status[come]]),
        np.concatenate([old_revision[gone], new.revision[come]]),
        signs,
        Wide.join([old_value, new.value.take(come)]),
    )


def unsettled(table: PaneTable, deltas: Deltas, code: Int64s, added: tuple[Int64s, Int64s] | None) -> Bools:
    """Which entries concern a pane that must be made anew. `code`: pane of each entry; `added`: rows of the table to which the same chunk
    added new records, and the weakest status among those: they bear witness that such a record is still there.
    """
    rows = table.find(deltas.sid, code)
    at, c = np.maximum(rows, 0), table.columns
    status = c.array("status")[at]
    witness = np.full(max(len(table), 1), -1, np.int64)  # `at` is 0 where the table is still empty
    if added is not None:
        witness[added[0]] = added[1]
    inside = (c.wide("min").take(at) < deltas.value) & (deltas.value < c.wide("max").take(at))
    weak = (deltas.status < status) | ((deltas.status == status) & (witness[at] != status))
    high = (deltas.revision >= c.array("revision")[at]) & (deltas.revision > 0)
    decides = ~inside | weak | high
    bad = (rows < 0) | (c.array("count")[at] == 0) | (deltas.time >= c.array("last_time")[at]) | ((deltas.sign < 0) & decides)
    _, pane = np.unique(pane_keys(deltas.sid, code), return_inverse=True)
    return (np.bincount(pane, bad) > 0)[pane]


def shift(table: PaneTable, deltas: Deltas, code: Int64s) -> Int64s:
    """Move settled panes by their differences; returns their rows."""
    order = np.argsort(pane_keys(deltas.sid, code), kind="stable")
    deltas, code = deltas.take(order), code[order]
    starts = np.flatnonzero(np.append(True, (deltas.sid[1:] != deltas.sid[:-1]) | (code[1:] != code[:-1])))
    rows, c = table.find(deltas.sid[starts], code[starts]), table.columns
    out = deltas.sign < 0
    value = Wide.where(out, -deltas.value, deltas.value)
    c.array("count")[rows] += np.add.reduceat(deltas.sign, starts)
    c.wide("sum").put(rows, c.wide("sum").take(rows) + value.sum_by_starts(starts))
    # What is taken out lies inside the extremes: it may be counted among the others.
    c.wide("min").put(rows, c.wide("min").take(rows).minimum(deltas.value.min_by_starts(starts)))
    c.wide("max").put(rows, c.wide("max").take(rows).maximum(deltas.value.max_by_starts(starts)))
    status, revision, through = c.array("status"), c.array("revision"), c.array("through")
    status[rows] = np.minimum(status[rows], np.minimum.reduceat(deltas.status, starts))
    revision[rows] = np.maximum(revision[rows], np.maximum.reduceat(deltas.revision, starts))
    through[rows] = np.maximum(through[rows], np.maximum.reduceat(deltas.offset, starts))
    return rows
