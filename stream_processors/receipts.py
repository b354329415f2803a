"""Receipts in stage 1: of each figure that somebody owes, when it came and when it was taken back; and the days, by the heartbeat.

A figure is there while the pane of its period holds a live report. Every time that changes, the results it is owed to get an operand: there
or gone, and when the record was appended. A correction of a figure that is there changes nothing. A figure that is held until its
publication came when its receipt says (indicators/receipt.py): that too is an operand, beside the figure's own. Stepped record by record
in offset order, so that what is said does not depend on chunks: a report and its correction in one chunk came when the report came.

State: whether each pane is there follows from the panes; the last day forwarded from the newest beat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indicators.assigned_task import TASK
from indicators.heartbeat import BEATING_KEY
from indicators.instant import DAY_MS, day_start, local_day
from indicators.period import Period, PeriodError, period_of
from indicators.receipt import RECEIPT, told_of
from indicators.series import SeriesError
from stream_processors.admission import Admitted
from stream_processors.assigned import of_series, operand
from stream_processors.calendar_panes import Kind, budget_year_of, pane_start
from stream_processors.dues import BEAT, Address, Dues
from stream_processors.operand import MEMBER
from stream_processors.panes import PaneTable
from stream_processors.reported_fold import kind_of_period, pane_codes
from stream_processors.series_table import NEVER, SeriesTable
from transport.columnar_writer import AvroEncoder
from transport.transactions import Rows

Int64s = NDArray[np.int64]
Pane = tuple[int, Kind, int]
"""Series number, kind and code."""
Stamp = Callable[[int], int]
"""Offset of an input → when it was appended, epoch ms."""
_OFFICIAL: Final = "official"
_INTO_REPORTING_MONTH: Final = 20 * DAY_MS
"""A reporting month begins on the 15th of the month in whose pane it lies."""


class Receipts:
    """Of one partition. `source`: full name of its input topic, partition; `prefix` before the names of topics."""

    def __init__(self, dues: Dues, series: SeriesTable, encoder: AvroEncoder, source: tuple[str, int], prefix: str) -> None:
        self._dues, self._series, self._encoder, self._source, self._prefix = dues, series, encoder, source, prefix
        self._owed, self._tasks, self._receipts = np.zeros(0, bool), np.zeros(0, bool), np.zeros(0, bool)
        self._there: dict[Pane, tuple[int, bool]] = {}
        self._beats, self._day = -1, NEVER

    def reload(self, tables: Mapping[Kind, PaneTable]) -> None:
        """Take panes and watermarks as they were restored."""
        self._there.clear()
        for kind, table in tables.items():
            c, n = table.columns, len(table)
            for row in np.flatnonzero(self._of_debts(c.array("sid")[:n])).tolist():
                self._there[_pane(table, kind, row)] = _standing(table, row)
        if self._beats >= 0:
            newest = int(self._series.watermark[self._beats])
            self._day = NEVER if newest == NEVER else day_start(local_day(newest))

    def step(self, admitted: Admitted, stamp: Stamp) -> list[Rows]:
        """Operands of what came and went, of tasks, and of a day that began."""
        out: dict[tuple[str, int], Rows] = {}
        arrivals, period_type, period_start = admitted.arrivals, admitted.period_type, admitted.period_start
        for i in np.flatnonzero(self._of_debts(arrivals.sid)).tolist():
            kind, code = pane_codes(period_type[i : i + 1], period_start[i : i + 1], arrivals.budget_year[i : i + 1])
            pane = int(arrivals.sid[i]), kind, code
            known, revision, alive = self._there.get(pane, (-1, False)), int(arrivals.revision[i]), bool(arrivals.alive[i])
            if pane in self._there and revision <= known[0]:
                continue
            self._there[pane] = revision, alive
            if alive != known[1]:
                self._forward(pane, int(arrivals.offset[i]), int(arrivals.time[i]), stamp, out)
        for i in np.flatnonzero(self._tasks[arrivals.sid]).tolist():
            self._task(admitted, i, stamp, out)
        for i in np.flatnonzero(self._receipts[arrivals.sid]).tolist():
            self._receipt(admitted, i, stamp, out)
        for i in np.flatnonzero(arrivals.sid == self._beats).tolist() if self._beats >= 0 else ():
            self._beat(int(arrivals.time[i]), int(arrivals.offset[i]), stamp, out)
        return list(out.values())

    def adopted(self, touched: Mapping[Kind, Int64s], tables: Mapping[Kind, PaneTable], stamp: Stamp) -> list[Rows]:
        """Operands of panes that are others than the records folded here made them: a replay replaced them."""
        out: dict[tuple[str, int], Rows] = {}
        for kind, rows in touched.items():
            table = tables[kind]
            c = table.columns
            for row in rows[self._of_debts(c.array("sid")[rows])].tolist():
                pane, standing = _pane(table, kind, row), _standing(table, row)
                known = self._there.get(pane, (-1, False))
                self._there[pane] = standing
                if standing[1] != known[1]:
                    self._forward(pane, int(c.array("through")[row]), int(c.array("last_time")[row]), stamp, out)
        return list(out.values())

    def _of_debts(self, sids: Int64s) -> NDArray[np.bool_]:
        """Which of these series are owed to somebody."""
        entries = self._series.entries
        if len(self._owed) < len(entries):
            new = entries[len(self._owed) :]
            owed = [bool(e.spec and e.series and e.spec.fold == "reported" and self._dues.paid_by(e.series)) for e in new]
            beats = [n for n, e in enumerate(new, len(self._owed)) if e.key == BEATING_KEY]
            self._beats = beats[0] if beats and (self._dues.rules or self._dues.of_tasks) else self._beats
            tasks = [bool(self._dues.of_tasks and e.spec and e.spec.indicator == TASK) for e in new]
            self._owed = np.concatenate([self._owed, np.array(owed, bool)])
            self._tasks = np.concatenate([self._tasks, np.array(tasks, bool)])
            receipts = [bool(self._dues.rules and e.spec and e.spec.indicator == RECEIPT) for e in new]
            self._receipts = np.concatenate([self._receipts, np.array(receipts, bool)])
        found: NDArray[np.bool_] = self._owed[sids]
        return found

    def _forward(self, pane: Pane, offset: int, time: int, stamp: Stamp, out: dict[tuple[str, int], Rows]) -> None:
        sid, kind, code = pane
        series = self._series.entries[sid].series
        assert series is not None  # it is owed
        for to in self._dues.paid_by(series):
            period = _period(_owed_type(to), kind, code)
            if period is not None:
                name = self._series.entries[sid].key.decode()
                about = {"role": MEMBER, "series": name, "budget_year": budget_year_of(kind, code), "deleted": not self._there[pane][1]}
                self._write(to, about, period, (offset, time, stamp(offset), int(self._series.generation[sid])), out)

    def _task(self, admitted: Admitted, i: int, stamp: Stamp, out: dict[tuple[str, int], Rows]) -> None:
        """A record of a task, to the results of its agency."""
        arrivals, fields = admitted.arrivals, admitted.decoded.record(int(admitted.rows[i]))
        sid, value = int(arrivals.sid[i]), arrivals.value.take(np.array([i])).to_ints()[0]
        series = self._series.entries[sid].series
        period = Period(str(fields["period_type"]), _whole(fields["period_start"]), _whole(fields["period_end"]))
        mark = int(arrivals.offset[i]), int(arrivals.time[i]), stamp(int(arrivals.offset[i])), int(self._series.generation[sid])
        for to in of_series(series) if series is not None else ():
            self._write(to, operand(fields, value if arrivals.alive[i] else 0), period, mark, out)

    def _receipt(self, admitted: Admitted, i: int, stamp: Stamp, out: dict[tuple[str, int], Rows]) -> None:
        """A figure that was delivered before its publication, to the results it is owed to. The receipt was appended when it was published,
        again after a crash; it came when it says, and never after that."""
        arrivals, fields = admitted.arrivals, admitted.decoded.record(int(admitted.rows[i]))
        try:
            series, name = told_of(str(fields["reference"] or ""))
        except SeriesError:
            return  # not of our making: it speaks of no figure
        offset, at = int(arrivals.offset[i]), int(arrivals.time[i])
        mark = offset, at, min(at, stamp(offset)), int(self._series.generation[int(arrivals.sid[i])])
        type_ = str(fields["period_type"])
        period = Period(type_, _whole(fields["period_start"]), _whole(fields["period_end"]))
        for to in self._dues.paid_by(series):
            if _owed_type(to) == type_:
                about = {"role": MEMBER, "series": name, "budget_year": 0, "deleted": not bool(arrivals.alive[i])}
                self._write(to, about, period, mark, out)

    def _beat(self, at: int, offset: int, stamp: Stamp, out: dict[tuple[str, int], Rows]) -> None:
        day = day_start(local_day(at))
        if day <= self._day:
            return
        self._day = day
        about = {"role": BEAT, "series": BEATING_KEY.decode(), "budget_year": 0, "deleted": False}
        for to in self._dues.everyone():
            self._write(to, about, Period("instant", 0, 1), (offset, at, stamp(offset), int(self._series.generation[self._beats])), out)

    def _write(
        self, to: Address, about: dict[str, Any], period: Period, mark: tuple[int, int, int, int], out: dict[tuple[str, int], Rows]
    ) -> None:
        """`mark`: offset, event time, append time, generation."""
        topic, partition = self._source
        record = {"value": Decimal(1), "count": 1} | about | {
            "result": to.result, "period_type": period.type, "period_start": period.start_ms, "period_end": period.end_ms, "inexact": 0,
            "status": _OFFICIAL, "topic": topic, "partition": partition, "generation": mark[3],
            "through": mark[0], "event_time": mark[1], "caused_at": mark[2],
        }  # fmt: skip
        where = f"{self._prefix}{to.topic}", to.partition
        out.setdefault(where, Rows(*where)).add(to.result.encode(), self._encoder.encode(record))


def _whole(field: object) -> int:
    assert isinstance(field, int)  # an instant of an admitted record
    return field


def _owed_type(to: Address) -> str:
    """The type of the periods of a result: its only dimension."""
    return to.result.split("|")[3].partition("=")[2]


def _period(type_: str, kind: Kind, code: int) -> Period | None:
    """The period of this type that starts with a pane; None where none does: a year is no report of its January."""
    if kind_of_period(type_) != kind:
        return None
    start = pane_start(kind, code)
    try:
        found = period_of(type_, start + _INTO_REPORTING_MONTH if type_ == "reporting_month" else start)
    except PeriodError:
        return None
    return found if found.start_ms >= start else None


def _pane(table: PaneTable, kind: Kind, row: int) -> Pane:
    return int(table.columns.array("sid")[row]), kind, int(table.columns.array("pane")[row])


def _standing(table: PaneTable, row: int) -> tuple[int, bool]:
    """(revision, is it there?)."""
    return int(table.columns.array("revision")[row]), int(table.columns.array("count")[row]) > 0


