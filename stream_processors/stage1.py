"""Stage 1 on one input partition: observations in; panes, aggregates, operands, conditions, dead letters and the position out.

Pure but for `restore`: every row is a function of the partition's prefix, whatever the chunks were (conditions included: series_rules.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.admission import Admitted, admit
from stream_processors.calendar_panes import DAY_MS, Kind
from stream_processors.calendar_panes import start_ms as pane_start
from stream_processors.conditions import rule_state_record
from stream_processors.context import Context
from stream_processors.event_fold import EventFold, Touched
from stream_processors.panes import PaneTable
from stream_processors.record_memory import Arrivals, RecordMemory
from stream_processors.reported_fold import ReportedFold, newest_panes
from stream_processors.series_rules import SeriesRules, evidence_of
from stream_processors.series_table import NEVER, SeriesTable
from stream_processors.stage1_restore import restore_stage1
from stream_processors.stage1_rows import POSITION, AggregateRows, OperandRows, PaneRows
from stream_processors.windows import windows
from transport.columnar_reader import ColumnarReader, Refused
from transport.dead_letters import Origin
from transport.topics import conditions_topic
from transport.transactions import Rows

Int64s = NDArray[np.int64]

STAGE: Final = "stage1"
HOUR_PANES_MS: Final = 8 * DAY_MS
DAY_PANES_MS: Final = 400 * DAY_MS
SWEEP_RECORDS: Final = 200_000
"""Records after which what passed its horizon is swept out."""


class Stage1:
    """State and fold of one partition of `obs.<group>`."""

    def __init__(self, context: Context, group: str, partition: int) -> None:
        self.context, self.group, self.partition = context, group, partition
        self.topic = f"{context.prefix}obs.{group}"
        registry = context.registry
        self.series = SeriesTable(context.vocabulary, context.formulas, context.rules, context.prefix)
        self.tables = {kind: PaneTable(kind) for kind in Kind}
        self.memory = RecordMemory()
        self.rules = SeriesRules(self.series)
        self.reader = ColumnarReader("observation", registry.schema)
        self.pane_rows = PaneRows(registry, self.series)
        self.aggregate_rows = AggregateRows(registry, self.series)
        self._operands = OperandRows(registry, self.series, self.topic, partition)
        self._events = EventFold(self.series, self.tables, self.memory)
        self._reported = ReportedFold(self.tables)
        self.latest = Wide.zeros(1024)
        self.latest_time = np.full(1024, NEVER, np.int64)
        self.latest_year = np.zeros(1024, np.int64)
        self.through = np.full(1024, -1, np.int64)
        self.anchors: dict[int, tuple[int, Kind, int]] = {}
        self.folded = 0
        """Next input offset after the last fold; ahead of the committed position while a commit is under way."""
        self.saved = 0
        self._unswept = 0

    def restore(self) -> int:
        """State rows, then the record memory; returns the next input offset. Blocking."""
        self.folded = restore_stage1(self)
        return self.folded

    @property
    def live(self) -> int:
        """Panes held."""
        return sum(len(table) for table in self.tables.values())

    def due_at(self) -> float | None:
        """Stage 1 waits for nothing but input."""
        return None

    def settle(self, position: int) -> list[Rows]:
        """Nothing becomes due without input."""
        return []

    def fold(self, records: Sequence[Any], first: int, next_offset: int) -> list[Rows]:
        """Fold consumer records (offset order) into the rows of one transaction."""
        admitted, refused = self.admit(records)
        self.folded = next_offset
        arrivals = admitted.arrivals
        touched: Touched = {kind: [] for kind in Kind}
        self.reserve()
        reported = self.series.reported[arrivals.sid]
        events = arrivals if not reported.any() else arrivals.take(np.flatnonzero(~reported))
        before = self.rules.before(events, self.memory)
        remembered = self.memory.remember(events)
        self._events.fold(events, remembered, touched)
        if len(admitted.late.sid):
            self._events.mark_late(admitted.late.sid, admitted.late.time, admitted.late.offset, touched)
        newest = self.latest_time.copy() if self.rules.states or self.series.ruled.any() else self.latest_time
        self._take_latest(events, remembered.fresh, [c.arrival for c in remembered.corrections])
        if reported.any():
            some = np.flatnonzero(reported)
            self._reported.fold(arrivals.take(some), admitted.period_type[some], admitted.period_start[some], touched)
        rows = {kind: np.unique(np.concatenate(parts)) for kind, parts in touched.items() if parts}
        self._take_anchors(rows)
        where = admitted.rows if not reported.any() else admitted.rows[np.flatnonzero(~reported)]
        evidence = evidence_of(admitted.frame, where, (self.topic, self.partition), events.offset, records)
        conditions = self.rules.step(events, remembered, before, newest, evidence)
        out = self._rows(rows, conditions, {r.offset: r.timestamp for r in (records[0], records[-1])}, records)
        out += self._letters(records, refused)
        self._sweep(len(records), out)
        out[0].add(POSITION, self.aggregate_rows.position(first, next_offset, int(self.series.watermark.max())))
        self.context.metrics.folded(STAGE, self.group, len(records), refused)
        return out

    def admit(self, records: Sequence[Any]) -> tuple[Admitted, list[Refused]]:
        """Decode and check; what is refused by either."""
        decoded = self.reader.read([r.value for r in records])
        index = decoded.frame["index"].to_numpy()
        whole = len(index) == len(records)
        keys = [r.key or b"" for r in records] if whole else [records[i].key or b"" for i in index.tolist()]
        offsets = np.arange(records[0].offset, records[-1].offset + 1)  # `obs` holds no control records: the lane checks for gaps
        admitted = admit(decoded.frame, keys, offsets if whole else offsets[index], self.series)
        return admitted, decoded.refused + admitted.refused

    def reserve(self) -> None:
        """Room for every series known by now."""
        while len(self.series) > len(self.latest_time):
            n = len(self.latest_time)
            self.latest = Wide.join([self.latest, Wide.zeros(n)])
            self.latest_time = np.concatenate([self.latest_time, np.full(n, NEVER, np.int64)])
            self.latest_year = np.concatenate([self.latest_year, np.zeros(n, np.int64)])
            self.through = np.concatenate([self.through, np.full(n, -1, np.int64)])

    def _take_latest(self, events: Arrivals, fresh: Int64s, corrected: list[int]) -> None:
        """Newest event time and its value, per event series."""
        if fresh.size:
            order = fresh[np.argsort((events.sid[fresh] << 44) | events.time[fresh], kind="stable")]
            last = order[np.append(events.sid[order][1:] != events.sid[order][:-1], True)]
            sid, time = events.sid[last], events.time[last]
            newer = time >= self.latest_time[sid]
            sid, last = sid[newer], last[newer]
            self.latest.put(sid, events.value.take(last))
            self.latest_time[sid], self.latest_year[sid] = events.time[last], events.budget_year[last]
        if corrected:
            self._recompute_latest(np.unique(events.sid[corrected]))

    def _recompute_latest(self, sids: Int64s) -> None:
        """After corrections: the newest live record of the memory; a series without one keeps the last value of its newest day pane."""
        live = self.memory.live_of(sids, len(self.series))
        ends = np.flatnonzero(np.append(live.sid[1:] != live.sid[:-1], True)) if len(live) else np.zeros(0, np.int64)
        found = live.take(ends)
        self.latest.put(found.sid, found.value)
        self.latest_time[found.sid], self.latest_year[found.sid] = found.time, found.budget_year
        lost = np.setdiff1d(sids, found.sid)
        if lost.size:
            days = self.tables[Kind.DAY].columns
            panes = newest_panes({Kind.DAY: self.tables[Kind.DAY]}, lost, len(self.series))
            for sid in lost.tolist():
                row = np.array([panes[sid][1]]) if sid in panes else None
                self.latest.put(np.array([sid]), days.wide("last").take(row) if row is not None else Wide.zeros(1))
                self.latest_time[sid] = int(days.array("last_time")[row[0]]) if row is not None else NEVER

    def _take_anchors(self, rows: dict[Kind, Int64s]) -> None:
        """Newest period of each reported series that was touched, and its value."""
        lost: list[int] = []
        for kind, some in rows.items():
            c = self.tables[kind].columns
            sids = c.array("sid")[some]
            for row, sid in zip(some[self.series.reported[sids]].tolist(), sids[self.series.reported[sids]].tolist(), strict=True):
                code = int(c.array("pane")[row])
                start = pane_start(kind, code // 4 if kind == Kind.MONTH else code)
                former = self.anchors.get(sid)
                if c.array("count")[row] > 0 and (former is None or start >= former[0]):
                    self._anchor(sid, start, kind, row)
                elif former is not None and former[1:] == (kind, code):
                    lost.append(sid)
        if lost:
            self.reanchor(np.array(lost))

    def reanchor(self, sids: Int64s) -> None:
        """Search the newest live pane of these reported series."""
        panes = newest_panes(self.tables, sids, len(self.series))
        for sid in sids.tolist():
            self.anchors.pop(sid, None)
            self.latest_time[sid] = NEVER
            if sid in panes:
                kind, row = panes[sid]
                code = int(self.tables[kind].columns.array("pane")[row])
                self._anchor(sid, pane_start(kind, code // 4 if kind == Kind.MONTH else code), kind, row)

    def _anchor(self, sid: int, start: int, kind: Kind, row: int) -> None:
        c = self.tables[kind].columns
        code = int(c.array("pane")[row])
        self.anchors[sid] = (start, kind, code)
        self.latest.put(np.array([sid]), c.wide("last").take(np.array([row])))
        self.latest_time[sid] = c.array("last_time")[row]
        self.latest_year[sid] = code if kind == Kind.BUDGET_YEAR else 0

    def _rows(
        self, touched: dict[Kind, Int64s], conditions: list[dict[str, Any]], stamps: dict[int, int], records: Sequence[Any]
    ) -> list[Rows]:
        prefix, p = self.context.prefix, self.partition
        aggregates, panes = Rows(f"{prefix}agg.{self.group}", p), Rows(f"{prefix}panes.{self.group}", p)
        sids: list[Int64s] = []
        panes.keys, values_ = self.pane_rows.write({self.tables[kind]: rows for kind, rows in touched.items()})
        panes.values += values_
        for kind, rows in touched.items():
            c = self.tables[kind].columns
            mine = c.array("sid")[rows]
            sids.append(mine)
            np.maximum.at(self.through, mine, c.array("through")[rows])
        if sids:
            keys, values = self._aggregates(np.unique(np.concatenate(sids)))
            aggregates.keys += keys
            aggregates.values += values
        out = [aggregates, panes, *self._operand_rows(touched, records)]
        if conditions:
            encoder = self.context.conditions
            rows_ = Rows(f"{prefix}{conditions_topic(self.group)}", p)
            for row in conditions:
                rows_.add(row["alert_id"].encode(), encoder.encode(row))
            out.append(rows_)
        return out

    def _aggregates(self, sid: Int64s) -> tuple[list[bytes], list[bytes]]:
        at = np.maximum(self.latest_time[sid], 0)
        for i in np.flatnonzero(self.series.reported[sid]).tolist():
            at[i] = max(self.anchors.get(int(sid[i]), (0,))[0], 0)
        columns, inexact = windows(self.tables, self.series.panes, sid, at, self.latest_year[sid])
        columns |= {
            "latest": self.latest.take(sid), "latest_time": np.maximum(self.latest_time[sid], 0), "budget_year": self.latest_year[sid],
            "watermark": self.series.watermark[sid], "first_time": self.series.first_time[sid], "inexact": inexact.astype(np.int64),
            "generation": np.zeros(len(sid), np.int64), "through": self.through[sid],
        }  # fmt: skip
        states = self.rules.states
        rules = {s: [rule_state_record(r, x) for r, x in states[s].items()] for s in sid[self.series.ruled[sid]].tolist() if s in states}
        return self.aggregate_rows.write(sid, columns, rules)

    def _operand_rows(self, touched: dict[Kind, Int64s], records: Sequence[Any]) -> list[Rows]:
        """Touched panes of series that formulas use, addressed to each result."""
        out: dict[tuple[str, int], Rows] = {}
        base, last = records[0].offset, records[-1].timestamp
        for kind, rows in touched.items():
            table = self.tables[kind]
            c = table.columns
            for row in rows[self.series.used[c.array("sid")[rows]]].tolist():
                sid, code, through = int(c.array("sid")[row]), int(c.array("pane")[row]), int(c.array("through")[row])
                year = _budget_year(kind, code)
                place = through - base
                stamp = records[place].timestamp if 0 <= place < len(records) and records[place].offset == through else last
                for consumer in self.series.consumers(sid, year):
                    if consumer.use.term.pane == kind.name.lower():
                        where = consumer.topic, consumer.partition
                        out.setdefault(where, Rows(*where)).add(*self._operands.write(table, row, consumer, stamp))
        return list(out.values())

    def _letters(self, records: Sequence[Any], refused: list[Refused]) -> list[Rows]:
        if not refused:
            return []
        letters = self.context.letters
        rows = Rows(f"{self.context.prefix}dead.{STAGE}", self.partition % 2)
        for one in refused:
            r = records[one.index]
            origin = Origin(topic=self.topic, partition=self.partition, offset=r.offset, timestamp=r.timestamp)
            letter = letters.letter(r.key, r.value, origin, (one.reason, one.field, one.detail), first_seen=r.timestamp)
            rows.add(letter.key or b"", letter.value, letter.headers)
        return [rows]

    def _sweep(self, count: int, out: list[Rows]) -> None:
        """Now and then: forget records beyond their horizon, drop panes beyond theirs with a tombstone each."""
        self._unswept += count
        if self._unswept < SWEEP_RECORDS:
            return
        self._unswept = 0
        n = len(self.memory)
        c = self.memory.columns
        sid = c.array("sid")[:n]
        old = c.array("time")[:n] + 2 * DAY_MS + self.series.horizon[sid] <= self.series.watermark[sid]
        if old.any():
            self.memory.forget(np.flatnonzero(old))
        for kind, horizon in ((Kind.HOUR, HOUR_PANES_MS), (Kind.DAY, DAY_PANES_MS)):
            self._drop_panes(kind, horizon, out[1])

    def _drop_panes(self, kind: Kind, horizon: int, panes: Rows) -> None:
        table = self.tables[kind]
        n = len(table)
        c = table.columns
        sid = c.array("sid")[:n]
        starts = c.array("pane")[:n] * (DAY_MS if kind == Kind.DAY else DAY_MS // 24)
        kept_for = np.maximum(horizon, self.series.horizon[sid] + 2 * DAY_MS)
        old = np.flatnonzero((starts + kept_for <= self.series.watermark[sid]) & ~self.series.reported[sid])
        if old.size:
            keys = self.pane_rows.keys(kind, c.array("sid")[old], c.array("pane")[old])
            written = dict.fromkeys(keys)
            kept = [(k, v) for k, v in zip(panes.keys, panes.values, strict=True) if k not in written]
            panes.keys, panes.values = [k for k, _ in kept] + keys, [v for _, v in kept] + [None] * len(keys)
            table.drop(old)


def _budget_year(kind: Kind, code: int) -> int:
    """Budget year of a pane code; 0: none."""
    if kind == Kind.BUDGET_YEAR:
        return code
    if kind == Kind.MONTH and code % 4 != 3:
        return 1970 + code // 48 + code % 4 - 1
    return 0
