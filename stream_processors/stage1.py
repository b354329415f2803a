"""Stage 1 on one input partition: observations in; panes, aggregates, operands, conditions, dead letters and the position out.

Pure but for `restore`: every row is a function of the partition's prefix, whatever the chunks were (conditions included: series_rules.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stream_processors.admission import Admitted, Door
from stream_processors.calendar_panes import DAY_MS, Kind, budget_year_of
from stream_processors.conditions import rule_state_record
from stream_processors.context import Context
from stream_processors.dead_rows import add_letter
from stream_processors.event_fold import EventFold, Touched
from stream_processors.newest_values import NewestValues
from stream_processors.panes import PaneTable
from stream_processors.receipts import Receipts
from stream_processors.record_memory import RecordMemory
from stream_processors.reported_fold import ReportedFold
from stream_processors.reported_totals import set_totals
from stream_processors.series_rules import evidence_of
from stream_processors.series_table import SeriesTable
from stream_processors.set_panes import SetPanes
from stream_processors.stage1_restore import restore_stage1
from stream_processors.stage1_rows import POSITION, AggregateRows, OperandRows, PaneRows
from stream_processors.stage1_rules import Stage1Rules
from stream_processors.windows import windows
from transport.columnar_reader import ColumnarReader, Refused
from transport.columnar_writer import AvroEncoder
from transport.refusal_limit import RefusalLimit
from transport.transactions import Rows

Int64s = NDArray[np.int64]

STAGE: Final = "stage1"
HOUR_PANES_MS: Final = 8 * DAY_MS
DAY_PANES_MS: Final = 400 * DAY_MS
PANE_HORIZONS: Final = ((Kind.HOUR, HOUR_PANES_MS), (Kind.DAY, DAY_PANES_MS))
SWEEP_RECORDS: Final = 200_000
"""Records after which what passed its horizon is swept out."""


class Stage1:
    """State and fold of one partition of `obs.<group>`."""

    def __init__(self, context: Context, group: str, partition: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.context, self.group, self.partition = context, group, partition
        self.topic = f"{context.prefix}obs.{group}"
        registry = context.registry
        self.series = SeriesTable(context.vocabulary, context.formulas, context.rules, context.prefix)
        self.tables = {kind: PaneTable(kind) for kind in Kind}
        self.memory = RecordMemory()
        self.rules = Stage1Rules(context, group, partition, self.series, clock)
        self.reader = ColumnarReader("observation", registry.schema)
        self._door = Door(self.series)
        self.pane_rows = PaneRows(registry, self.series)
        self.aggregate_rows = AggregateRows(registry, self.series)
        self._operands = OperandRows(registry, self.series, self.topic, partition)
        encoder = AvroEncoder("operand", registry.id_of("operand"))
        self.receipts = Receipts(context.dues, self.series, encoder, (self.topic, partition), context.prefix)
        self.sets = SetPanes(self.series, context.formulas, registry, context.prefix, (self.topic, partition), clock)
        self._events = EventFold(self.series, self.tables, self.memory)
        self._reported = ReportedFold(self.tables)
        self.newest = NewestValues(self.series, self.tables, self.memory)
        self.through = np.full(1024, -1, np.int64)
        self.poison: AbstractSet[int] = frozenset()
        """Offsets that are never folded: each ended the process (transport/trial.py)."""
        self._limit = RefusalLimit(f"{self.topic} [{partition}]", context.settings.refused_share, context.settings.refused_run)
        self.folded = 0
        """Next input offset after the last fold; ahead of the committed position while a commit is under way."""
        self.saved = 0
        self._unswept = 0

    def restore(self) -> int:
        """State rows, then the record memory; returns the next input offset. Blocking."""
        self.folded, floor = restore_stage1(self)
        self.rules.go_on()
        self.sets.restore(self.tables, floor)
        return self.folded

    def refuse(self, record: Any, first: int, next_offset: int) -> list[Rows]:
        """One record that ends the process goes to the dead letters unread."""
        self.folded = next_offset
        aggregates = Rows(f"{self.context.prefix}agg.{self.group}", self.partition)
        aggregates.add(POSITION, self.position_row(first, next_offset))
        return [aggregates, *self._letters([record], [Refused(0, "poison_crash", "", "the process ended each time it was folded")])]

    @property
    def live(self) -> int:
        """Panes held."""
        return sum(len(table) for table in self.tables.values())

    def due_at(self) -> float | None:
        """When sums over dimensions are to be forwarded, or a series has been silent too long though nothing else came in."""
        return min((at for at in (self.sets.due_at(), self.rules.due_at()) if at is not None), default=None)

    def settle(self, position: int) -> list[Rows]:
        """What became due without input, with the position row that says so: sums over dimensions to forward, series that fell silent."""
        self.reserve()
        silent, parts = self.rules.idle(position), self.sets.parts(position)
        if not parts and not silent:
            return []
        aggregates = Rows(f"{self.context.prefix}agg.{self.group}", self.partition)
        if silent:
            for key, value in zip(*self._aggregates(np.unique([sid for sid, _ in silent])), strict=True):
                aggregates.add(key, value)
        aggregates.add(POSITION, self.position_row(position, position))
        return [aggregates, *self.rules.rows([row for _, row in silent]), *parts]

    def fold(self, records: Sequence[Any], first: int, next_offset: int) -> list[Rows]:
        """Fold consumer records (offset order) into the rows of one transaction."""
        admitted, refused = self.admit(records)
        self._limit.note(len(records), ((one.index, one.reason) for one in refused))
        self.folded = next_offset
        arrivals = admitted.arrivals
        touched: Touched = {kind: [] for kind in Kind}
        self.reserve()
        reported = self.series.reported[arrivals.sid]
        events = arrivals if not reported.any() else arrivals.take(np.flatnonzero(~reported))
        seen = self.memory.look_up(events)
        before = self.rules.readings.before(events, seen, self.memory)
        remembered = self.memory.remember(events, seen)
        fresh = self._events.fold(events, remembered, touched)
        if len(admitted.late.sid):
            self._events.mark_late(admitted.late.sid, admitted.late.time, admitted.late.offset, touched)
        newest = self.newest.time.copy() if self.series.ruled.any() else self.newest.time
        self.newest.take_events(events, fresh, [c.arrival for c in remembered.corrections])
        if reported.any():
            some = np.flatnonzero(reported)
            self._reported.fold(arrivals.take(some), admitted.period_type[some], admitted.period_start[some], touched)
        rows = {kind: np.unique(np.concatenate(parts)) for kind, parts in touched.items() if parts}
        self.newest.take_reports(rows)
        where = admitted.rows if not reported.any() else admitted.rows[np.flatnonzero(~reported)]
        evidence = evidence_of(admitted.decoded, where, (self.topic, self.partition), events.offset, records)
        said = [(-1, row) for row in self.rules.readings.step(events, remembered, before, newest, evidence)]
        said += self.rules.judged(admitted, reported, records)
        owed = self.receipts.step(admitted, stamp_of(records))
        out = self._rows(rows, [row for _, row in said], records, [sid for sid, _ in said if sid >= 0]) + owed
        out += self._letters(records, refused)
        self._sweep(len(records), out)
        self.sets.take(rows, self.tables, int(records[-1].timestamp))
        out += self.sets.parts(next_offset, len(records))
        out[0].add(POSITION, self.position_row(first, next_offset))
        self.context.metrics.folded(STAGE, self.group, len(records), refused)
        return out

    def position_row(self, first: int, next_offset: int) -> bytes:
        """Value of the position row of a transaction that folds inputs [first, next_offset)."""
        watermark, clock = int(self.series.watermark.max()), (self.rules.silences.appended, self.rules.silences.clock)
        return self.aggregate_rows.position(first, next_offset, watermark, self.sets.floor(next_offset), clock)

    def admit(self, records: Sequence[Any]) -> tuple[Admitted, list[Refused]]:
        """Decode and check; what is refused by either."""
        keys = [r.key or b"" for r in records]
        decoded = self.reader.read([r.value for r in records], keys)
        first, last = records[0].offset, records[-1].offset
        dense = last - first + 1 == len(records)  # `obs` holds no control records; a shadow takes some series alone
        offsets = np.arange(first, last + 1) if dense else np.fromiter((r.offset for r in records), np.int64, len(records))
        if len(decoded.head) < len(records):
            index = decoded.tail["index"].to_numpy()
            keys, offsets = [keys[i] for i in index.tolist()], offsets[index]

        def appended() -> Int64s:
            """Time stamps of the records behind the decoded rows."""
            return np.array([records[i].timestamp for i in decoded.tail["index"].to_list()], np.int64)

        admitted = self._door.admit(decoded, keys, offsets, appended)
        return admitted, decoded.refused + admitted.refused

    def reserve(self) -> None:
        """Room for every series known by now."""
        self.newest.reserve()
        while len(self.series) > len(self.through):
            self.through = np.concatenate([self.through, np.full(len(self.through), -1, np.int64)])

    def _rows(
        self, touched: dict[Kind, Int64s], conditions: list[dict[str, Any]], records: Sequence[Any], more: list[int]
    ) -> list[Rows]:
        """Rows of what a chunk touched; `more`: series whose rules said something though no pane of theirs may have changed."""
        for kind, rows in touched.items():
            c = self.tables[kind].columns
            np.maximum.at(self.through, c.array("sid")[rows], c.array("through")[rows])
        return self.state_rows(touched, conditions, stamp_of(records), np.array(more, np.int64) if more else None)

    def state_rows(
        self, touched: dict[Kind, Int64s], conditions: list[dict[str, Any]], stamp: Callable[[int], int], more: Int64s | None = None
    ) -> list[Rows]:
        """Rows of these panes as they are now, of their series (and of `more`), of the results that use them, and conditions. The first
        are the aggregates. `stamp`: offset of an input → when it was appended, epoch ms.
        """
        prefix, p = self.context.prefix, self.partition
        aggregates, panes = Rows(f"{prefix}agg.{self.group}", p), Rows(f"{prefix}panes.{self.group}", p)
        panes.keys, values_ = self.pane_rows.write({self.tables[kind]: rows for kind, rows in touched.items()})
        panes.values += values_
        sids = [self.tables[kind].columns.array("sid")[rows] for kind, rows in touched.items()]
        if more is not None:
            sids.append(more)
        if sids:
            keys, values = self._aggregates(np.unique(np.concatenate(sids)))
            aggregates.keys += keys
            aggregates.values += values
        adopted = self.receipts.adopted(touched, self.tables, stamp)
        return [aggregates, panes, *self._operand_rows(touched, stamp), *adopted, *self.rules.rows(conditions)]

    def _aggregates(self, sid: Int64s) -> tuple[list[bytes], list[bytes]]:
        newest = self.newest
        at, year = newest.moments(sid), newest.year[sid]
        columns, inexact = windows(self.tables, self.series.panes, sid, at, year)
        set_totals(columns, self.series, self.tables[Kind.MONTH], sid, at, year)
        columns |= {
            "latest": newest.value.take(sid), "latest_time": np.maximum(newest.time[sid], 0), "budget_year": year,
            "watermark": self.series.watermark[sid], "first_time": self.series.first_time[sid], "inexact": inexact.astype(np.int64),
            "generation": self.series.generation[sid], "through": self.through[sid],
        }  # fmt: skip
        states = self.rules.states
        rules = {s: [rule_state_record(r, x) for r, x in states[s].items()] for s in sid[self.series.stateful(sid)].tolist() if s in states}
        return self.aggregate_rows.write(sid, columns, rules)

    def _operand_rows(self, touched: dict[Kind, Int64s], stamp: Callable[[int], int]) -> list[Rows]:
        """Touched panes of series that formulas use, addressed to each result."""
        out: dict[tuple[str, int], Rows] = {}
        for kind, rows in touched.items():
            table = self.tables[kind]
            c = table.columns
            for row in rows[self.series.used[c.array("sid")[rows]]].tolist():
                sid, code, through = int(c.array("sid")[row]), int(c.array("pane")[row]), int(c.array("through")[row])
                year = budget_year_of(kind, code)
                for consumer in self.series.consumers(sid, year):
                    if kind.name.lower() in consumer.use.input.panes:
                        where = consumer.topic, consumer.partition
                        out.setdefault(where, Rows(*where)).add(*self._operands.write(table, row, consumer, stamp(through)))
        return list(out.values())

    def _letters(self, records: Sequence[Any], refused: list[Refused]) -> list[Rows]:
        if not refused:
            return []
        rows = Rows(f"{self.context.prefix}dead.{STAGE}", self.partition % 2)
        for one in refused:
            why = one.reason, one.field, one.detail
            add_letter(rows, self.context.letters, (self.topic, self.partition), records[one.index], why)
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
        for kind, horizon in PANE_HORIZONS:
            self._drop_panes(kind, horizon, out[1])

    def expired(self, kind: Kind, pane_horizon: int, horizon: Int64s) -> NDArray[np.bool_]:
        """Which panes of hours or days passed their horizon. `horizon`: of each series, ms."""
        n = len(self.tables[kind])
        c = self.tables[kind].columns
        sid = c.array("sid")[:n]
        starts = c.array("pane")[:n] * (DAY_MS if kind == Kind.DAY else DAY_MS // 24)
        kept_for = np.maximum(pane_horizon, horizon[sid] + 2 * DAY_MS)
        past: NDArray[np.bool_] = (starts + kept_for <= self.series.watermark[sid]) & ~self.series.reported[sid]
        return past

    def _drop_panes(self, kind: Kind, horizon: int, panes: Rows) -> None:
        table = self.tables[kind]
        c = table.columns
        old = np.flatnonzero(self.expired(kind, horizon, self.series.horizon))
        if old.size:
            keys = self.pane_rows.keys(kind, c.array("sid")[old], c.array("pane")[old])
            written = dict.fromkeys(keys)
            kept = [(k, v) for k, v in zip(panes.keys, panes.values, strict=True) if k not in written]
            panes.keys, panes.values = [k for k, _ in kept] + keys, [v for _, v in kept] + [None] * len(keys)
            table.drop(old)


def stamp_of(records: Sequence[Any]) -> Callable[[int], int]:
    """Offset of an input of this chunk → when it was appended; of an older one, when the last of the chunk was."""
    base, last = records[0].offset, records[-1].timestamp

    def stamp(offset: int) -> int:
        at = offset - base
        return int(records[at].timestamp if 0 <= at < len(records) and records[at].offset == offset else last)

    return stamp
