"""All rules of one partition of stage 1: over readings, over reported periods, over silence; and the rows of what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indicators.emergency import Span
from indicators.heartbeat import BEATING_KEY
from indicators.rule import Rule
from stream_processors.admission import Admitted
from stream_processors.beats import Beats
from stream_processors.calendar_panes import Kind
from stream_processors.composites import member_operands
from stream_processors.context import Context
from stream_processors.emergency_gate import EmergencyGate, evidence_of_end, over
from stream_processors.panes import PaneTable
from stream_processors.reported_rules import ReportedRules
from stream_processors.rule_state import Ladder, RuleState
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
        emergencies = context.emergencies
        self.gate = EmergencyGate(lambda: emergencies.book, lambda: emergencies.seen_at, series, context.vocabulary)
        self._gated = {rule.id: rule for rule in context.rules if rule.at_work and rule.scope.emergency}
        self.readings = SeriesRules(series, self.gate)
        self.states: dict[int, dict[str, RuleState]] = self.readings.states
        self.reports = ReportedRules(series, self.states, self.gate)
        self.silences = Silences(context.rules.silences, context.expected, series, (group, *self._source), self.states, self.gate)
        self._silent = frozenset(rule.id for rule in context.rules.silences)
        self.beats = Beats(context.rules.watchdogs)
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
        self.readings.bands.forget(sid)

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
        said += self._beaten(admitted, records)
        if self.silences:
            appended = np.array([r.timestamp for r in records], np.int64)
            said += self.silences.fold(appended, np.array([r.offset for r in records], np.int64), arrivals)
            self._moved_at = self._clock()
        return said

    def _beaten(self, admitted: Admitted, records: Sequence[Any]) -> Said:
        """Beats on their way to the alert process."""
        entries, sids = self._series.entries, admitted.arrivals.sid
        if not self.beats or not any(entries[sid].key == BEATING_KEY for sid in np.unique(sids).tolist()):
            return []
        some = np.array([i for i, sid in enumerate(sids.tolist()) if entries[sid].key == BEATING_KEY])
        evidence = evidence_of(admitted.decoded, admitted.rows[some], self._source, admitted.arrivals.offset[some], records)
        return [(-1, row) for row in self.beats.rows(np.arange(len(some)), evidence)]

    def due_at(self) -> float | None:
        """When a series has been silent too long though nothing at all came in, or to look whether an emergency has ended, on the
        monotonic clock; None: never."""
        look = self.gate.due(self._clock()) if self._gated else None
        return min((at for at in (self._silence_due(), look) if at is not None), default=None)

    def _silence_due(self) -> float | None:
        wait = self.silences.due_in()
        return None if wait is None else max(self._moved_at + max(wait, GRACE_SECONDS), self._looked_at + GRACE_SECONDS)

    def idle(self, position: int) -> Said:
        """Alerts whose emergency has ended, and series that fell silent while nothing at all came in; the latter asked at most every
        GRACE_SECONDS, for it asks the broker."""
        return [*self._emergencies_over(position), *self._fallen_silent(position)]

    def _emergencies_over(self, position: int) -> Said:
        if not self._gated:
            return []
        ended = self.gate.ended(self.states, self._gated, self._clock())
        if not ended or not self.at_end(position):
            return []
        return [(sid, self._cleared(sid, rule, span, position)) for sid, rule, span in ended]

    def _cleared(self, sid: int, rule: Rule, span: Span, position: int) -> dict[str, Any]:
        """The row that clears an alert with its emergency, and no state left."""
        entry, state = self._series.entries[sid], self.states[sid][rule.id]
        assert entry.series is not None
        assert entry.spec is not None
        evidence = evidence_of_end(entry.series, rule, span, (*self._source, position - 1), entry.spec.measure_unit)
        evidence["generation"] = int(self._series.generation[sid])
        self.reports.forget(sid, rule)
        self.silences.reload()
        return over(rule, entry.key.decode(), state, Ladder(rule, self._series.limits(sid)), evidence, span)

    def _fallen_silent(self, position: int) -> Said:
        now, due = self._clock(), self._silence_due()
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
