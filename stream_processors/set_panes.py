"""Dimension sets in stage 1: of every set that a series is a part of, the sum over this partition's series, pane by pane.

A row of exports has thousands of series a month; forwarding each of their panes to stage 2 would cost more than folding them. So each
partition adds up its own share and forwards one operand a set and pane, a *part*; stage 2 adds the parts of all partitions. What a pane
has contributed so far lies beside it (`told_…`), so a change moves the share by the difference; after a restart the shares are added up
anew from the panes, which are state, and nothing needs to be said again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from indicators.dimension_sets import PART, pane_of, results_of
from indicators.formula import FormulaBook
from indicators.observation import STATUSES
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
from transport.transactions import Rows

Int64s = NDArray[np.int64]

log = structlog.get_logger(__name__)

_PERIOD: Final = {Kind.HOUR: "hour", Kind.DAY: "day", Kind.MONTH: "month", Kind.BUDGET_YEAR: "year"}
_STATUS: Final = tuple(f"status{n}" for n in range(len(STATUSES)))
_NUMBERS: Final = ("set", "pane", "count", "inexact", "last_time", "through", *_STATUS)
_COLUMNS: Final = dict.fromkeys(_NUMBERS, "i8") | {"sum": "wide"}


class SetPanes:
    """Shares of one partition. `topic`, `partition`: the input, named as the source of the parts."""

    def __init__(self, series: SeriesTable, formulas: FormulaBook, registry: Registry, prefix: str, source: tuple[str, int]) -> None:
        self._series, self._formulas, self._prefix, self._source = series, formulas, prefix, source
        self._encoder = AvroEncoder("operand", registry.id_of("operand"))
        self._numbers: dict[Any, int] = {}
        self._results: list[Any] = []
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

    def rows(self, touched: dict[Kind, Int64s], tables: dict[Kind, PaneTable], stamp: Callable[[int], int]) -> list[Rows]:
        """Parts that changed because these panes did, addressed to their results. `stamp`: when the input of an offset was appended."""
        out: dict[tuple[str, int], Rows] = {}
        self._meet_new_series()
        for kind, rows in touched.items():
            for row in self._move(kind, tables[kind], rows).tolist():
                topic, partition, key, value = self._part(kind, row, stamp)
                out.setdefault((topic, partition), Rows(topic, partition)).add(key, value)
        return list(out.values())

    def restore(self, tables: dict[Kind, PaneTable]) -> None:
        """Add the shares up from the panes that were restored."""
        self._meet_new_series()
        for kind in Kind:
            self._move(kind, tables[kind], np.arange(len(tables[kind])))

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
        shares = self._shares(sets, c.array("pane")[rows][member])
        s = self._columns
        order = np.argsort(shares, kind="stable")
        starts = np.flatnonzero(np.diff(shares[order], prepend=-1))
        unique = shares[order][starts]
        s.wide("sum").put(unique, s.wide("sum").take(unique) + (number - told["number"]).take(member[order]).sum_by_starts(starts))
        for name, column in facts.items():
            np.add.at(s.array(name), shares, (column - told[name])[member])
        for name in ("last_time", "through"):
            np.maximum.at(s.array(name), shares, c.array(name)[rows][member])
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

    def _shares(self, sets: Int64s, pane: Int64s) -> Int64s:
        """Row of each (set, pane) share; missing ones are made."""
        keys = pane_keys(sets, pane)
        found = self._index.get(keys)
        if (found < 0).any():
            missing = np.flatnonzero(found < 0)
            _, first = np.unique(keys[missing], return_index=True)
            fresh = missing[first]
            made = self._columns.append(len(fresh))
            self._columns.array("set")[made], self._columns.array("pane")[made] = sets[fresh], pane[fresh]
            self._columns.array("through")[made] = -1
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

    def _number(self, spec: Any, names: str, result: Any) -> int:
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

    def _part(self, kind: Kind, row: int, stamp: Callable[[int], int]) -> tuple[str, int, bytes, bytes]:
        c = self._columns
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
            "generation": 0, "through": through, "event_time": int(c.array("last_time")[row]), "caused_at": stamp(through),
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
