"""The record memory: which records are folded, at which revision, with which value, so that corrections are exact.

Identity of a record: series, source system and source record id, kept as a 64-bit hash. Two records of different series with one hash
are told
apart (overflow table); two of one series would be taken for one: with ten million records in memory that is a chance of about 3·10⁻⁶.

A record is remembered while the day of its event time ends later than the partition's watermark minus the series' horizon; the same
condition admits a record, so every live record of a pane that may still change is here. `docs/guarantees.md` says what follows beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.columns import Columns
from stream_processors.hash_index import HashIndex
from stream_processors.panes import Records

Int64s = NDArray[np.int64]
UInt64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]

COLUMNS = {
    "hash": "u8",
    "sid": "i4",
    "time": "i8",
    "value": "wide",
    "revision": "i4",
    "status": "i1",
    "offset": "i8",
    "budget_year": "i2",
    "alive": "?",
}


@dataclass(slots=True)
class Arrivals:
    """Admitted records in offset order. `alive`: not a deletion."""

    hash: UInt64s
    sid: Int64s
    time: Int64s
    value: Wide
    revision: Int64s
    status: Int64s
    offset: Int64s
    budget_year: Int64s
    alive: Bools

    def __len__(self) -> int:
        return len(self.hash)

    def take(self, rows: Int64s) -> Arrivals:
        """Some of the arrivals, in the order given."""
        return Arrivals(
            self.hash[rows],
            self.sid[rows],
            self.time[rows],
            self.value.take(rows),
            self.revision[rows],
            self.status[rows],
            self.offset[rows],
            self.budget_year[rows],
            self.alive[rows],
        )

    def records(self, rows: Int64s) -> Records:
        """Some of them as records to be grouped."""
        return Records(
            self.sid[rows],
            self.time[rows],
            self.value.take(rows),
            self.revision[rows],
            self.status[rows],
            self.offset[rows],
            self.budget_year[rows],
        )


@dataclass(slots=True)
class Remembered:
    """What a batch of arrivals did.

    `fresh`: indices of arrivals that were never seen (they add). `corrections`: effective changes of known records, in offset order.
    `ignored`: how many repeat what is known, or come with a lower revision. `orphans`: fresh ones that claim to revise something unknown.
    """

    fresh: Int64s
    corrections: list[Correction]
    ignored: int
    orphans: Int64s


@dataclass(frozen=True, slots=True)
class Correction:
    """One effective change of a known record, or a record that came twice in one batch. `was_alive` False: nothing to take out."""

    arrival: int
    was_alive: bool
    old_time: int
    old_budget_year: int
    old_status: int
    old_revision: int
    old_value: int


class RecordMemory:
    """All remembered records of one partition."""

    def __init__(self) -> None:
        self.columns = Columns(COLUMNS)
        self._index = HashIndex()
        self._overflow: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return self.columns.count

    def suspects(self, arrivals: Arrivals) -> Bools:
        """Which arrivals `remember` will look at one by one: their identity is known already, or comes twice in the batch."""
        return (self._index.get(arrivals.hash) >= 0) | _repeated(arrivals.hash)

    def hashes_of(self, sid: int) -> dict[int, tuple[int, int, int]]:
        """Live records of one series: identity → (event time, offset, unscaled value)."""
        n = self.columns.count
        c = self.columns
        rows = np.flatnonzero((c.array("sid")[:n] == sid) & c.array("alive")[:n])
        values = c.wide("value").take(rows).to_ints()
        return dict(
            zip(
                c.array("hash")[rows].tolist(),
                zip(c.array("time")[rows].tolist(), c.array("offset")[rows].tolist(), values, strict=True),
                strict=True,
            )
        )

    def remember(self, arrivals: Arrivals) -> Remembered:
        """Enter arrivals in offset order; tells which add, which correct and which repeat."""
        slow = self.suspects(arrivals)
        fresh = np.flatnonzero(~slow)
        if fresh.size:
            self._enter(arrivals, fresh)
        corrections, ignored = self._one_by_one(arrivals, np.flatnonzero(slow)) if slow.any() else ([], 0)
        orphans = fresh[arrivals.revision[fresh] > 0]
        return Remembered(fresh[arrivals.alive[fresh]], corrections, ignored, orphans)

    def _enter(self, arrivals: Arrivals, which: Int64s) -> None:
        rows = self.columns.append(len(which))
        for name in ("hash", "sid", "time", "revision", "status", "offset", "budget_year", "alive"):
            self.columns.array(name)[rows] = getattr(arrivals, name)[which]
        self.columns.wide("value").put(rows, arrivals.value.take(which))
        self._index.put(arrivals.hash[which], rows)

    def _one_by_one(self, arrivals: Arrivals, which: Int64s) -> tuple[list[Correction], int]:
        """Arrivals whose hash is known, or comes twice in the batch: in offset order, exactly."""
        corrections: list[Correction] = []
        ignored = 0
        for i in which.tolist():
            row = self._row_of(int(arrivals.hash[i]), int(arrivals.sid[i]))
            if row < 0:
                self._enter_one(arrivals, i)
                if arrivals.alive[i]:
                    corrections.append(Correction(i, False, 0, 0, 0, 0, 0))
                continue
            c = self.columns
            if arrivals.revision[i] <= c.array("revision")[row]:
                ignored += 1
                continue
            old = c.wide("value").take(np.array([row])).to_ints()[0]
            time, year, status, revision = (int(c.array(name)[row]) for name in ("time", "budget_year", "status", "revision"))
            corrections.append(Correction(i, bool(c.array("alive")[row]), time, year, status, revision, old))
            self._overwrite(row, arrivals, i)
        return corrections, ignored

    def _row_of(self, hash_: int, sid: int) -> int:
        row = int(self._index.get(np.array([hash_], np.uint64))[0])
        if row >= 0 and self.columns.array("sid")[row] != sid:
            return self._overflow.get((hash_, sid), -1)
        return row

    def _enter_one(self, arrivals: Arrivals, i: int) -> None:
        hash_, sid = int(arrivals.hash[i]), int(arrivals.sid[i])
        row = self.columns.append(1)
        self.columns.array("hash")[row] = arrivals.hash[i]
        self._overwrite(int(row[0]), arrivals, i)
        if self._index.get(arrivals.hash[i : i + 1])[0] >= 0:
            self._overflow[hash_, sid] = int(row[0])
        else:
            self._index.put(arrivals.hash[i : i + 1], row)

    def _overwrite(self, row: int, arrivals: Arrivals, i: int) -> None:
        for name in ("sid", "time", "revision", "status", "offset", "budget_year", "alive"):
            self.columns.array(name)[row] = getattr(arrivals, name)[i]
        self.columns.wide("value").put(np.array([row]), arrivals.value.take(np.array([i])))

    def live_of(self, sids: Int64s, known_series: int) -> Records:
        """Every live record of these series, ordered by (series, event time, offset)."""
        wanted = np.zeros(known_series, bool)
        wanted[sids] = True
        n = self.columns.count
        rows = np.flatnonzero(wanted[self.columns.array("sid")[:n]] & self.columns.array("alive")[:n])
        c = self.columns
        sid, time, offset = c.array("sid")[rows].astype(np.int64), c.array("time")[rows], c.array("offset")[rows]
        order = np.lexsort((offset, time, sid))
        rows = rows[order]
        return Records(
            sid[order],
            time[order],
            c.wide("value").take(rows),
            c.array("revision")[rows].astype(np.int64),
            c.array("status")[rows].astype(np.int64),
            offset[order],
            c.array("budget_year")[rows].astype(np.int64),
        )

    def forget(self, rows: Int64s) -> None:
        """Drop rows whose horizon has ended."""
        keep = np.ones(self.columns.count, bool)
        keep[rows] = False
        self.rebuild(np.flatnonzero(keep))

    def rebuild(self, keep: Int64s) -> None:
        """Keep these rows and index them anew."""
        self.columns.keep(keep)
        n = self.columns.count
        hashes = self.columns.array("hash")[:n]
        _, first = np.unique(hashes, return_index=True)
        self._index = HashIndex(max(n, 1024))
        self._index.put(hashes[first], first)
        self._overflow = {}
        if len(first) < n:
            rest = np.setdiff1d(np.arange(n), first)
            sids = self.columns.array("sid")
            self._overflow = {(int(hashes[r]), int(sids[r])): int(r) for r in rest.tolist()}


def _repeated(hashes: UInt64s) -> Bools:
    """Which hashes come more than once in the batch."""
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.isin(hashes, twice) if twice.size else np.zeros(len(hashes), bool)
