"""Rules on reported series: one value a period, stepped once per report in offset order, by the evaluator of periods.

A report with a higher revision replaces its period's figure and has it judged again. State: the panes, which hold every period's figure in
force, and the last word, which lies in the series' own row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indicators.emergency import Span
from indicators.instant import day_start
from indicators.observation import PERIOD_TYPES, SCALE, STATUSES
from indicators.period import Period, PeriodError, period_of
from indicators.rule import Rule
from indicators.rules.finding import Finding, Said, ladder_of
from indicators.rules.ladder import Ladder
from indicators.rules.series_rule import Reading, SeriesRule, SeriesState
from stream_processors.arrivals import Arrivals
from stream_processors.calendar_panes import Kind, budget_year_of, pane_start
from stream_processors.conditions import change_of, condition_row, identity_of, measured
from stream_processors.emergency_gate import EmergencyGate, over
from stream_processors.panes import NO_STATUS, PaneTable
from stream_processors.rule_state import Phase, RuleState
from stream_processors.series_rules import Evidence
from stream_processors.series_table import SeriesTable

Int64s = NDArray[np.int64]

_TYPE = {Kind.HOUR: "hour", Kind.DAY: "day", Kind.MONTH: "month", Kind.BUDGET_YEAR: "year"}


class ReportedRules:
    """State of every rule on every reported series of one partition. `states`: shared with the other rules of the stage."""

    def __init__(self, series: SeriesTable, states: dict[int, dict[str, RuleState]], gate: EmergencyGate) -> None:
        self._series, self._states, self._gate = series, states, gate
        self._machines: dict[tuple[int, str], tuple[SeriesRule, Ladder]] = {}
        self._courses: dict[tuple[int, str], SeriesState] = {}

    def reload(self, tables: Mapping[Kind, PaneTable], some: Int64s | None = None) -> None:
        """Take the courses from the panes and `states` as they are now; `some`: of these series alone."""
        wanted = self._series.judged.copy()
        if some is not None:
            wanted[:] = False
            wanted[some] = self._series.judged[some]
        for sid, name in [key for key in self._courses if wanted[key[0]]]:
            del self._courses[sid, name]
        figures: dict[int, list[tuple[Kind, int, int]]] = {}
        for kind, table in tables.items():
            sids = table.columns.array("sid")[: len(table)]
            for row in np.flatnonzero(wanted[sids]).tolist():
                figures.setdefault(int(sids[row]), []).append((kind, row, int(table.columns.array("pane")[row])))
        for sid, rows in figures.items():
            for rule in self._series.entries[sid].rules:
                readings = [reading for one in rows if (reading := _of_pane(rule, tables[one[0]], *one))]
                said = self._states.get(sid, {}).get(rule.id, RuleState())
                machine, _ = self._machine(sid, rule)
                course = {r.period: r for r in sorted(readings, key=lambda r: r.revision)}
                self._courses[sid, rule.id] = machine.resumed(course, Said(said.severity, said.since))

    def step(
        self, arrivals: Arrivals, period_type: Int64s, period_start: Int64s, evidence: Evidence
    ) -> list[tuple[int, dict[str, Any]]]:
        """(Series number, condition row) of what these reports change, in offset order; call it before or after the panes take them in."""
        out: list[tuple[int, dict[str, Any]]] = []
        some = np.flatnonzero(self._series.judged[arrivals.sid])
        values = arrivals.value.take(some).to_ints()
        for i, value in zip(some.tolist(), values, strict=True):
            sid = int(arrivals.sid[i])
            for rule in self._series.entries[sid].rules:
                period = _period(rule, PERIOD_TYPES[int(period_type[i])], int(period_start[i]), int(arrivals.budget_year[i]))
                if period is None:
                    continue
                status = STATUSES[int(arrivals.status[i])]
                figure = Decimal(value).scaleb(-SCALE) if arrivals.alive[i] else None
                reading = Reading(period, figure, status, int(arrivals.revision[i]), int(arrivals.time[i]), int(arrivals.budget_year[i]))
                out += [(sid, row) for row in self._judge(sid, rule, reading, i, evidence)]
        return out

    def _judge(self, sid: int, rule: Rule, reading: Reading, i: int, evidence: Evidence) -> Iterator[dict[str, Any]]:
        drill = False
        if rule.scope.emergency:
            if not self._gate.ever(sid, rule):
                return
            span = self._gate.at(sid, rule, evidence(i), reading.event_time)
            yield from self._ended(sid, rule, span, i, evidence)
            if span is None:
                return
            drill = span.exercise
        machine, ladder = self._machine(sid, rule)
        course = self._courses.get((sid, rule.id), SeriesState())
        known = course.readings.get(reading.period)
        if known is not None and known.revision >= reading.revision:
            return  # the pane keeps the first of two with one revision, so does the rule
        course, finding = machine.step(course, reading)
        self._courses[sid, rule.id] = course
        if finding is not None and rule.valid_at(reading.event_time):
            yield self._said(sid, rule, finding, course, ladder, evidence(i), drill)

    def _ended(self, sid: int, rule: Rule, span: Span | None, i: int, evidence: Evidence) -> Iterator[dict[str, Any]]:
        """The clearing of an alert whose emergency is over by this report; the course begins anew with the next one."""
        state = self._states.get(sid, {}).get(rule.id, RuleState())
        if state.severity and (span is None or state.since < span.begin):
            key, opened_under = self._series.entries[sid].key.decode(), self._gate.of_alert(sid, rule, state)
            yield over(rule, key, state, self._machine(sid, rule)[1], evidence(i), opened_under)
            self.forget(sid, rule)

    def forget(self, sid: int, rule: Rule) -> None:
        """Nothing stands any more."""
        self._courses.pop((sid, rule.id), None)
        self._states.setdefault(sid, {})[rule.id] = RuleState()

    def _said(
        self, sid: int, rule: Rule, finding: Finding, course: SeriesState, ladder: Ladder, fields: dict[str, Any], drill: bool = False
    ) -> dict[str, Any]:
        key = self._series.entries[sid].key.decode()
        former = self._states.get(sid, {}).get(rule.id, RuleState())
        identity = identity_of(rule.id, key, finding, former)
        state = RuleState()
        if finding.severity:
            state = RuleState(identity, Phase.ACTIVE, finding.severity, finding.since)
        about = course.readings[finding.period] if finding.period else None
        if about is not None:
            state = replace(state, evaluated=about.event_time)
            fields |= {"period_type": about.period.type, "period_start": about.period.start_ms, "period_end": about.period.end_ms}
            fields |= {"event_time": about.event_time, "status": about.status, "budget_year": about.budget_year}
        self._states.setdefault(sid, {})[rule.id] = state
        change = change_of(finding, ladder)
        figure, at, year = (about.value, about.event_time, about.budget_year) if about else (finding.value, fields["event_time"], 0)
        fields |= {"numerator": None, "denominator": None} | measured(rule, change, finding.number, figure, at, year)
        fields |= {"alert_id": identity, "since": finding.since}
        return condition_row(rule, key, change, state, fields, corrected=False, exercise=drill)

    def _machine(self, sid: int, rule: Rule) -> tuple[SeriesRule, Ladder]:
        found = self._machines.get((sid, rule.id))
        if found is None:
            limits = self._series.limits(sid)
            found = self._machines[sid, rule.id] = SeriesRule(rule, limits, day_start(rule.valid_from)), ladder_of(rule, limits)
        return found


def _period(rule: Rule, type_: str, start: int, budget_year: int) -> Period | None:
    """The period of a report as the rule sees it; None: the rule judges periods of another type, or the calendar has none there."""
    if rule.period not in ("", type_):
        return None
    try:
        return period_of(type_, start, budget_year or None)
    except PeriodError:
        return None


def _of_pane(rule: Rule, table: PaneTable, kind: Kind, row: int, code: int) -> Reading | None:
    """The figure of a pane; its period is of the rule's type, or where that names none, of the pane's kind."""
    c, year = table.columns, budget_year_of(kind, code)
    period = _period(rule, rule.period or _TYPE[kind], pane_start(kind, code), year)
    if period is None:
        return None
    status, live = int(c.array("status")[row]), int(c.array("count")[row]) > 0
    value = Decimal(c.wide("last").take(np.array([row])).to_ints()[0]).scaleb(-SCALE) if live else None
    name = STATUSES[status] if status != NO_STATUS and live else "deleted"
    return Reading(period, value, name, int(c.array("revision")[row]), int(c.array("last_time")[row]), year)
