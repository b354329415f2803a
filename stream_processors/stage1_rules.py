"""All rules of one partition of stage 1: over readings, over reported periods, over silence; and the rows of what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream_processors.admission import Admitted
from stream_processors.calendar_panes import Kind
from stream_processors.composites import member_operands
from stream_processors.context import Context
from stream_processors.panes import PaneTable
from stream_processors.reported_rules import ReportedRules
from stream_processors.rule_state import RuleState
from stream_processors.series_rules import SeriesRules, evidence_of
from stream_processors.series_table import SeriesTable
from stream_processors.silences import GRACE_SECONDS, Silences
from transport.columnar_writer import AvroEncoder
from transport.partitioner import partition_of
from transport.state_reader import at_end
from transport.topics import GROUPS, conditions_topic
from transport.transactions import Rows

Int64s = NDArray[np.int64]
Said = list[tuple[int, dict[str, Any]]]
"""(Series number, condition row)."""


class Stage1Rules:
    """Rules of one partition; `states`: of every rule by series and rule id, as the series' rows keep them."""

    def __init__(self, context: Context, group: str, partition: int, series: SeriesTable, clock: Callable[[], float]) -> None:
        self._context, self._group, self._series, self._clock = context, group, series, clock
        self._source = f"{context.prefix}obs.{group}", partition
        self._operand = AvroEncoder("operand", context.registry.id_of("operand"))
        self.readings = SeriesRules(series)
        self.states: dict[int, dict[str, RuleState]] = self.readings.states
        self.reports = ReportedRules(series, self.states)
        self.silences = Silences(context.rules.silences, context.vocabulary, series, (group, *self._source), self.states)
        self._silent = frozenset(rule.id for rule in context.rules.silences)
        self._moved_at, self._looked_at = clock(), -math.inf

    def go_on(self) -> None:
        """The state is restored: from now on silence is counted."""
        self._moved_at = self._clock()

    def is_silence(self, rule: str) -> bool:
        """Does this rule judge silence?"""
        return rule in self._silent

    def of_figures(self, sid: int) -> dict[str, RuleState]:
        """States of the rules on a series' figures, without those on its silence."""
        return {name: state for name, state in self.states.get(sid, {}).items() if not self.is_silence(name)}

    def adopt(self, sid: int, states: dict[str, RuleState]) -> None:
        """From now on these are the states of the rules on a series' figures."""
        kept = {name: state for name, state in self.states.get(sid, {}).items() if self.is_silence(name)}
        self.states.pop(sid, None)
        if states or kept:
            self.states[sid] = states | kept

    def go_on_from(self, tables: Mapping[Kind, PaneTable], some: Int64s) -> None:
        """Panes, watermarks and states of some series were replaced: judge on from there."""
        self.reports.reload(tables, some)
        self.silences.reload()

    def judged(self, admitted: Admitted, reported: NDArray[np.bool_], records: Sequence[Any]) -> Said:
        """What is said of reported periods, and of series that were silent or speak again."""
        said: Said = []
        arrivals = admitted.arrivals
        some = np.flatnonzero(reported & self._series.judged[arrivals.sid])
        if some.size:
            mine = arrivals.take(some)
            evidence = evidence_of(admitted.decoded, admitted.rows[some], self._source, mine.offset, records)
            said += self.reports.step(mine, admitted.period_type[some], admitted.period_start[some], evidence)
        if self.silences:
            appended = np.array([r.timestamp for r in records], np.int64)
            said += self.silences.fold(appended, np.array([r.offset for r in records], np.int64), arrivals)
            self._moved_at = self._clock()
        return said

    def due_at(self) -> float | None:
        """When a series has been silent too long though nothing at all came in, on the monotonic clock; None: never."""
        wait = self.silences.due_in()
        return None if wait is None else max(self._moved_at + max(wait, GRACE_SECONDS), self._looked_at + GRACE_SECONDS)

    def idle(self, position: int) -> Said:
        """Series that fell silent while nothing at all came in; asked at most every GRACE_SECONDS, for it asks the broker."""
        now, due = self._clock(), self.due_at()
        if due is None or now < due:
            return []
        self._looked_at = now
        if not self.at_end(position):
            return []
        quiet, self._moved_at = now - self._moved_at, now
        return self.silences.idle(quiet, position)

    def at_end(self, position: int) -> bool:
        """Is every input folded that lies in the topic by now? Blocking; no where the broker does not say."""
        return at_end(self._context.settings, *self._source, position)

    def rows(self, conditions: list[dict[str, Any]]) -> list[Rows]:
        """Condition rows, and what they mean for the composites over their rules."""
        if not conditions:
            return []
        context = self._context
        rows = Rows(f"{context.prefix}{conditions_topic(self._group)}", self._source[1])
        for row in conditions:
            rows.add(row["alert_id"].encode(), context.conditions.encode(row))
        out: dict[tuple[str, int], Rows] = {}
        for row in {row["rule"] + row["series"]: row for row in conditions}.values():
            for formula, key, record in member_operands(context.rules, context.formulas, row, self._source):
                where = f"{context.prefix}operands.{formula.group}", partition_of(key.encode(), GROUPS[formula.group])
                out.setdefault(where, Rows(*where)).add(key.encode(), self._operand.encode(record))
        return [rows, *out.values()]
