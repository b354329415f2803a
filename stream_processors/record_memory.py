"""The record memory: which records are folded, at which revision, with which value, so that corrections are exact.

Identity of a record: series, source system and source record id, kept as a 64-bit hash. Two records of different series with one hash
are told
apart (overflow table); two of one series would be taken for one: with ten million records in memory that is a chance of about 3·10⁻⁶.

A record is remembered while the day of its event time ends later than the partition's watermark minus the series' horizon; the same
condition admits a record, so every live record of a pane that may still change is here. `docs/guarantees.md` says what follows beyond it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_processors.arrivals import Arrivals, Correction, Remembered
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


MOST_TURNS = 4
"""A record that comes more often in one batch is taken one by one."""


class Seen(NamedTuple):
    """Of each arrival: the row under its identity's hash (-1: none), and whether the hash comes more than once in the batch."""

    rows: Int64s
    repeated: Bools

    @property
    def suspects(self) -> Bools:
        """Which arrivals may be more than new records."""
        return (self.rows >= 0) | self.repeated


class RecordMemory:
    """All remembered records of one partition."""

    def __init__(self) -> None:
        self.columns = Columns(COLUMNS)
        self._index = HashIndex()
        self._overflow: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return self.columns.count

    def look_up(self, arrivals: Arrivals) -> Seen:
        """Which arrivals may be more than new records. Look up before `remember`, which takes what was found."""
        return Seen(self._index.get(arrivals.hash), _repeated(arrivals.hash))

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

    def remember(self, arrivals: Arrivals, seen: Seen | None = None) -> Remembered:
        """Enter arrivals in offset order; tells which add, which correct and which repeat. `seen`: what `look_up` just found."""
        seen = seen or self.look_up(arrivals)
        suspects = seen.suspects
        if not suspects.any():
            fresh, ignored = np.arange(len(arrivals)), 0
            corrections: list[Correction] = []
            self._enter(arrivals)
        else:
            fresh = np.flatnonzero(~suspects)
            if fresh.size:
                self._enter(arrivals.take(fresh))
            corrections, ignored = self._in_turns(arrivals, np.flatnonzero(suspects), seen.rows)
        orphans = fresh[arrivals.revision[fresh] > 0]
        return Remembered(fresh[arrivals.alive[fresh]], corrections, ignored, orphans)

    def _enter(self, arrivals: Arrivals) -> None:
        """All of these arrivals as new records."""
        rows = self.columns.append(len(arrivals))
        place = slice(self.columns.count - len(arrivals), self.columns.count)
        for name in ("hash", "sid", "time", "revision", "status", "offset", "budget_year", "alive"):
            self.columns.array(name)[place] = getattr(arrivals, name)
        value = self.columns.wide("value")
        value.hi[place], value.lo[place] = arrivals.value.hi, arrivals.value.lo
        self._index.put(arrivals.hash, rows)

    def _in_turns(self, arrivals: Arrivals, which: Int64s, rows: Int64s) -> tuple[list[Correction], int]:
        """The suspects: of each identity the first, then of each the second, … so that all of a turn concern different records."""
        order, turn, strange = _turns(arrivals.hash[which], arrivals.sid[which])
        which = which[order]
        strange |= (rows[which] >= 0) & (self.columns.array("sid")[rows[which]] != arrivals.sid[which])
        strange = np.maximum.reduceat(strange, np.flatnonzero(turn == 0))[np.cumsum(turn == 0) - 1]
        corrections, ignored = self._one_by_one(arrivals, np.sort(which[strange]))
        which, turn = which[~strange], turn[~strange]
        for number in range(int(turn.max(initial=-1)) + 1):
            mine = which[turn == number]
            found = rows[mine] if number == 0 else self._index.get(arrivals.hash[mine])
            new = mine[found < 0]
            if new.size:
                self._enter(arrivals.take(new))
                corrections += [Correction(i, False, 0, 0, 0, 0, 0) for i in new[arrivals.alive[new]].tolist()]
            more, repetitions = self._known(arrivals, mine[found >= 0], found[found >= 0])
            corrections, ignored = corrections + more, ignored + repetitions
        return sorted(corrections, key=lambda c: c.arrival), ignored

    def _known(self, arrivals: Arrivals, which: Int64s, rows: Int64s) -> tuple[list[Correction], int]:
        """Arrivals of different known records, which lie at `rows`: a higher revision replaces."""
        c = self.columns
        newer = arrivals.revision[which] > c.array("revision")[rows]
        ignored = len(which) - int(newer.sum())
        which, rows = which[newer], rows[newer]
        old = [c.array(name)[rows].tolist() for name in ("alive", "time", "budget_year", "status", "revision")]
        corrections = [Correction(*one) for one in zip(which.tolist(), *old, c.wide("value").take(rows).to_ints(), strict=True)]
        for name in ("time", "revision", "status", "offset", "budget_year", "alive"):
            c.array(name)[rows] = getattr(arrivals, name)[which]
        c.wide("value").put(rows, arrivals.value.take(which))
        return corrections, ignored

    def _one_by_one(self, arrivals: Arrivals, which: Int64s) -> tuple[list[Correction], int]:
        """Arrivals whose hash is also that of a record of another series, or comes very often in the batch: in offset order, exactly."""
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


def _turns(hashes: UInt64s, sids: Int64s) -> tuple[Int64s, Int64s, Bools]:
    """An order in which equal hashes stand together, as they came; how many of its hash came before each; and marks on some of those whose
    hash is of several series or comes more than MOST_TURNS times.
    """
    order = np.argsort(hashes, kind="stable")
    hashes, sids = hashes[order], sids[order]
    first = np.append(True, hashes[1:] != hashes[:-1])
    starts = np.flatnonzero(first)
    turn = np.arange(len(order)) - starts[np.cumsum(first) - 1]
    mixed = np.append(False, ~first[1:] & (sids[1:] != sids[:-1]))
    return order, turn, mixed | (turn >= MOST_TURNS)


def _repeated(hashes: UInt64s) -> Bools:
    """Which hashes come more than once in the batch."""
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.isin(hashes, twice) if twice.size else np.zeros(len(hashes), bool)
