"""Dimension sets in stage 1: of every set that a series is a part of, the sum over this partition's series, pane by pane.

A row of exports has thousands of series a month; forwarding each of their panes to stage 2 would cost more than folding them. So each
partition adds up its own share and forwards one operand a set and pane, a *part*; stage 2 adds the parts of all partitions. What a pane
has contributed so far lies beside it (`told_…`), so a change moves the share by the difference.

A share that changes is forwarded FORWARD_SECONDS later, with what has changed by then: a live feed touches the same shares in every chunk,
and stage 2 would work on nothing else. While a lane works off a backlog nobody misses the sums in between: then LONGEST_SECONDS.

Shares are no state of their own. The position row of each transaction carries the `floor`: every change by an input below it is forwarded.
After a restart the shares are added up from the panes, and those that an input at or above the floor touched are forwarded again;
stage 2 drops what it knows, by (generation, through).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.dimension_sets import PART, pane_of, results_of
from indicators.observation import STATUSES
from indicators.spec import SeriesSpec
from indicators.wide import Wide
from stream_processors.calendar_panes import KINDS, Kind, budget_year_of, end_ms, start_ms
from stream_processors.columns import Columns
from stream_processors.hash_index import HashIndex
from stream_processors.panes import PaneTable, pane_keys
from stream_processors.result_rules import decimal
from stream_processors.series_table import SeriesTable
from transport.columnar_writer import AvroEncoder
from transport.partitioner import partition_of
from transport.registry import Registry
from transport.topics import GROUPS
from transport.transactions import Header, Rows

Int64s = NDArray[np.int64]

log = structlog.get_logger(__name__)

FORWARD_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 60.0
BACKLOG_RECORDS: Final = 5_000
"""A chunk of so many inputs says that the lane is behind."""
_PERIOD: Final = {Kind.HOUR: "hour", Kind.DAY: "day", Kind.MONTH: "month", Kind.BUDGET_YEAR: "year"}
_STATUS: Final = tuple(f"status{n}" for n in range(len(STATUSES)))
_NUMBERS: Final = ("set", "kind", "pane", "count", "inexact", "last_time", "generation", "through", "caused_at", "waits", *_STATUS)
_COLUMNS: Final = dict.fromkeys(_NUMBERS, "i8") | {"sum": "wide"}


class SetPanes:
    """Shares of one partition. `source`: topic and partition of the input; `clock`: monotonic seconds."""

    def __init__(
        self, series: SeriesTable, formulas: FormulaBook, registry: Registry, prefix: str, source: tuple[str, int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._series, self._formulas, self._prefix, self._source = series, formulas, prefix, source
        self._clock, self._told_to = clock, 0
        self._due: float | None = None
        self._encoder = AvroEncoder("operand", registry.id_of("operand"))
        self._numbers: dict[Result, int] = {}
        self._results: list[Result] = []
        self._per_set: dict[tuple[str, str], int] = {}
        self._kind = np.full(1024, -1, np.int64)
        self._first, self._many = np.zeros(1024, np.int64), np.zeros(1024, np.int64)
        self._sets: list[int] = []
        self._ways: dict[tuple[int, int], tuple[str, int, bytes, str]] = {}
        self._seen = 0
        self._columns = Columns(_COLUMNS)
        self._index = HashIndex(1024)

    def __len__(self) -> int:
        return self._columns.count

    def take(self, touched: dict[Kind, Int64s], tables: dict[Kind, PaneTable], appended: int) -> None:
        """Move the shares of these panes; `appended`: when the newest input behind them was, epoch ms."""
        self._meet_new_series()
        for kind, rows in touched.items():
            changed = self._move(kind, tables[kind], rows)
            if changed.size:
                self._columns.array("caused_at")[changed] = appended
                self._wait(changed, self._clock() + FORWARD_SECONDS)

    def due_at(self) -> float | None:
        """When the shares that changed are to be forwarded, on the monotonic clock; None: none has."""
        return self._due

    def floor(self, next_offset: int) -> int:
        """The position row's floor in a transaction that folds up to `next_offset`."""
        return next_offset if self._due is None else self._told_to

    def parts(self, next_offset: int, folded: int = 0) -> list[Rows]:
        """The shares that changed, addressed to their results, if it is time; they go into the transaction that folds `folded` inputs, to
        `next_offset`.
        """
        later = LONGEST_SECONDS - FORWARD_SECONDS if folded >= BACKLOG_RECORDS else 0.0
        if self._due is None or self._clock() < self._due + later:
            return []
        self._due, self._told_to = None, next_offset
        return self._forward(np.flatnonzero(self._columns.array("waits")[: len(self)]), [])

    def rebuilt(
        self, touched: dict[Kind, Int64s], tables: dict[Kind, PaneTable], appended: int, position: int, headers: list[Header]
    ) -> list[Rows]:
        """After a replay changed these panes: every share that waits is forwarded now, in the transaction that publishes the panes. Shares
        that only the replay changed carry `headers`."""
        waits = self._columns.array("waits")[: len(self)].copy()
        self.take(touched, tables, appended)
        live = np.zeros(len(self), bool)
        live[: len(waits)] = waits > 0
        mine = np.flatnonzero(self._columns.array("waits")[: len(self)])
        out = self._forward(mine[live[mine]], []) + self._forward(mine[~live[mine]], headers)
        self._due, self._told_to = None, position
        return out

    def _forward(self, shares: Int64s, headers: list[Header]) -> list[Rows]:
        """Shares addressed to their results; they wait no more."""
        out: dict[tuple[str, int], Rows] = {}
        for row in shares.tolist():
            topic, partition, key, value = self._part(row)
            out.setdefault((topic, partition), Rows(topic, partition)).add(key, value, headers or None)
        self._columns.array("waits")[shares] = 0
        return list(out.values())

    def restore(self, tables: dict[Kind, PaneTable], floor: int) -> None:
        """Add the shares up from the panes that were restored; what inputs from `floor` on touched is forwarded at once."""
        self._meet_new_series()
        self._told_to = floor
        for kind in Kind:
            changed = self._move(kind, tables[kind], np.arange(len(tables[kind])))
            c = self._columns
            c.array("caused_at")[changed] = c.array("last_time")[changed]
            self._wait(changed[c.array("through")[changed] >= floor], self._clock())

    def _wait(self, shares: Int64s, due: float) -> None:
        if shares.size:
            self._columns.array("waits")[shares] = 1
            self._due = due if self._due is None else self._due

    def _move(self, kind: Kind, table: PaneTable, rows: Int64s) -> Int64s:
        """Move shares by what these panes have become since they last contributed; returns the shares that changed."""
        c = table.columns
        rows = rows[self._kind[c.array("sid")[rows]] == int(kind)]
        if not rows.size:
            return rows
        sid = c.array("sid")[rows]
        live = c.array("count")[rows] > 0
        number = Wide.where(live & self._series.stock[sid], c.wide("last").take(rows), c.wide("sum").take(rows))
        number = Wide.where(live, number, Wide.zeros(len(rows)))
        status = np.where(live, c.array("status")[rows], -1)
        facts = {"count": live.astype(np.int64), "inexact": c.array("inexact")[rows]}
        facts |= {name: (status == n).astype(np.int64) for n, name in enumerate(_STATUS)}
        told = self._told(c, rows, facts, number)
        many = self._many[sid]
        member = np.repeat(np.arange(len(rows)), many)
        step = np.arange(len(member)) - np.repeat(np.cumsum(many) - many, many)
        sets = np.array(self._sets, np.int64)[self._first[sid][member] + step]
        shares = self._shares(kind, sets, c.array("pane")[rows][member])
        s = self._columns
        order = np.argsort(shares, kind="stable")
        starts = np.flatnonzero(np.diff(shares[order], prepend=-1))
        unique = shares[order][starts]
        s.wide("sum").put(unique, s.wide("sum").take(unique) + (number - told["number"]).take(member[order]).sum_by_starts(starts))
        for name, column in facts.items():
            np.add.at(s.array(name), shares, (column - told[name])[member])
        for name in ("last_time", "through"):
            np.maximum.at(s.array(name), shares, c.array(name)[rows][member])
        np.maximum.at(s.array("generation"), shares, self._series.generation[sid][member])
        return unique

    def _told(self, c: Columns, rows: Int64s, facts: dict[str, Int64s], number: Wide) -> dict[str, Any]:
        """What these panes contributed before; from now on it is what they are."""
        packed = c.array("told")[rows]
        status = (packed >> 2) - 1
        told: dict[str, Any] = {"number": c.wide("told_number").take(rows), "count": packed & 1, "inexact": packed >> 1 & 1}
        told |= {name: (status == n).astype(np.int64) for n, name in enumerate(_STATUS)}
        now = np.zeros(len(rows), np.int64)
        for n, name in enumerate(_STATUS):
            now[facts[name] == 1] = n + 1
        c.array("told")[rows] = (now << 2) | (facts["inexact"] << 1) | facts["count"]
        c.wide("told_number").put(rows, number)
        return told

    def _shares(self, kind: Kind, sets: Int64s, pane: Int64s) -> Int64s:
        """Row of each (set, pane) share; missing ones are made. A set has panes of one kind alone (`pane_of`)."""
        keys = pane_keys(sets, pane)
        found = self._index.get(keys)
        if (found < 0).any():
            missing = np.flatnonzero(found < 0)
            _, first = np.unique(keys[missing], return_index=True)
            fresh = missing[first]
            made = self._columns.append(len(fresh))
            self._columns.array("set")[made], self._columns.array("pane")[made] = sets[fresh], pane[fresh]
            self._columns.array("through")[made] = -1
            self._columns.array("kind")[made] = int(kind)
            self._index.put(keys[fresh], made)
            found = self._index.get(keys)
        return found

    def _meet_new_series(self) -> None:
        """Sets of the series entered since the last chunk."""
        entries = self._series.entries
        while len(entries) > len(self._kind):
            self._kind = np.concatenate([self._kind, np.full(len(self._kind), -1, np.int64)])
            self._first, self._many = np.concatenate([self._first, self._first * 0]), np.concatenate([self._many, self._many * 0])
        for sid in range(self._seen, len(entries)):
            spec, series = entries[sid].spec, entries[sid].series
            if spec is None or series is None or series.figure != "actual":
                continue
            mine = [n for names, result in results_of(spec, series) if (n := self._number(spec, names, result)) >= 0]
            if mine:
                self._kind[sid], self._first[sid], self._many[sid] = int(KINDS[pane_of(spec)]), len(self._sets), len(mine)
                self._sets += mine
        self._seen = len(entries)

    def _number(self, spec: SeriesSpec, names: str, result: Result) -> int:
        """Number of a result; -1 where its set has as many as the catalogue allows."""
        found = self._numbers.get(result)
        if found is None:
            which = result.formula, names
            self._per_set[which] = self._per_set.get(which, 0) + 1
            if self._per_set[which] > spec.max_series:
                if self._per_set[which] == spec.max_series + 1:
                    log.warning("a dimension set is full: see max_series in catalogue", formula=result.formula, set=names)
                return -1
            found = self._numbers[result] = len(self._results)
            self._results.append(result)
        return found

    def _part(self, row: int) -> tuple[str, int, bytes, bytes]:
        c = self._columns
        kind = Kind(int(c.array("kind")[row]))
        code, through = int(c.array("pane")[row]), int(c.array("through")[row])
        year = budget_year_of(kind, code)
        to_topic, to_partition, key_bytes, key = self._way(int(c.array("set")[row]), year)
        pane = code // 4 if kind == Kind.MONTH else code
        topic, partition = self._source
        count = int(c.array("count")[row])
        weakest = next((n for n, name in enumerate(_STATUS) if c.array(name)[row] > 0), len(STATUSES) - 1)
        record = {
            "result": key, "role": PART, "series": f"{PART}|{topic}|{partition}|||", "period_type": _PERIOD[kind],
            "period_start": start_ms(kind, pane), "period_end": end_ms(kind, pane), "deleted": count == 0,
            "inexact": int(c.array("inexact")[row] > 0), "status": STATUSES[weakest], "budget_year": year,
            "value": decimal(c.wide("sum").take(np.array([row])).to_ints()[0]), "count": count, "topic": topic, "partition": partition,
            "generation": int(c.array("generation")[row]), "through": through, "event_time": int(c.array("last_time")[row]),
            "caused_at": int(c.array("caused_at")[row]),
        }  # fmt: skip
        return to_topic, to_partition, key_bytes, self._encoder.encode(record)

    def _way(self, number: int, year: int) -> tuple[str, int, bytes, str]:
        """Where parts of a result go: topic, partition, key as bytes and as text. Hashing and joining them anew cost more than the fold."""
        found = self._ways.get((number, year))
        if found is None:
            result = self._results[number]._replace(budget_year=year)
            key, group = result.key(), self._formulas[result.formula].group
            to = partition_of(key.encode(), GROUPS[group])
            found = self._ways[number, year] = f"{self._prefix}operands.{group}", to, key.encode(), key
        return found
