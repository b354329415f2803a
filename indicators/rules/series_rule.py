"""Rules of one series of periods: threshold, pacing, year on year, change, outlier. Pure: a state and a reading in, a state and a finding
out.

The standing is a function of the set of readings (the newest revision of each period), never of the order they arrived in: a late value or
a correction re-judges its period and those that lean on it. So any order of arrival ends in the same standing, and a correction that takes
the reason away says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from indicators import period as periods
from indicators.comparisons.change import Change, against, same_period, same_period_by_tet
from indicators.comparisons.figures import Figures, NoComparison
from indicators.comparisons.trend import against_trend
from indicators.period import Period
from indicators.rule import Rule
from indicators.rules.finding import NOTHING_SAID, Finding, Said, change, ladder_of, said_after
from indicators.rules.ladder import Number

KEPT = 800
"""Periods remembered of a series: two years of days, and more than any rule looks back."""
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one period. `value` None or status `deleted`: the value was taken back. `event_time`: epoch ms."""

    period: Period
    value: Decimal | None
    status: str
    revision: int
    event_time: int
    budget_year: int


@dataclass(frozen=True, slots=True)
class SeriesState:
    """What is remembered between readings: the newest reading and the measured number of each period, and the last word."""

    readings: Mapping[Period, Reading] = field(default_factory=dict)
    numbers: Mapping[Period, Decimal | None] = field(default_factory=dict)
    said: Said = NOTHING_SAID

    def content(self) -> dict[str, Any]:
        """As JSON takes it; numbers are measured again when it is read."""
        rows = [[*r.period, None if r.value is None else str(r.value), r.status, r.revision, r.event_time, r.budget_year]
                for r in self.readings.values()]  # fmt: skip
        return {"readings": rows, "said": [self.said.severity, self.said.since]}


class SeriesRule:
    """One rule on series of one kind; `limits`: named limits of the subject."""

    def __init__(self, rule: Rule, limits: dict[str, Decimal] | None = None) -> None:
        self.rule = rule
        self.ladder = ladder_of(rule, limits)

    def state_of(self, content: Mapping[str, Any]) -> SeriesState:
        """The state of `SeriesState.content`. Raises KeyError, TypeError, ValueError where it is not one."""
        readings: dict[Period, Reading] = {}
        for kind, start, end, value, status, revision, event_time, budget_year in content["readings"]:
            period = Period(kind, start, end)
            readings[period] = Reading(period, None if value is None else Decimal(value), status, revision, event_time, budget_year)
        figures = _figures(readings)
        numbers = {period: self._number(figures, reading) for period, reading in readings.items()}
        return SeriesState(readings, numbers, Said(*content["said"]))

    def step(self, state: SeriesState, reading: Reading) -> tuple[SeriesState, Finding | None]:
        """Take one reading in. One whose status the rule does not accept, or that an equal or newer revision has overtaken, changes
        nothing."""
        known = state.readings.get(reading.period)
        if reading.status not in (*self.rule.accept_status, DELETED) or (known is not None and known.revision >= reading.revision):
            return state, None
        newest = max((p.start_ms for p in state.readings), default=-1)
        readings = _kept({**state.readings, reading.period: reading})
        numbers = self._measured(state, readings, reading.period)
        ordered = sorted(readings.items(), key=_by_start)
        course = [Number(r.event_time, p.start_ms, numbers[p], self._follows(p, numbers)) for p, r in ordered]
        fresh = known is None and reading.period.start_ms > newest
        number = numbers.get(reading.period)
        finding = change(self.ladder, state.said, self.ladder.standing(course), corrected=not fresh, number=number, value=reading.value)
        if finding is None and self._restated(state, known, reading, newest):
            finding = self._corrected(state.said, number, reading.value)
        return replace(state, readings=readings, numbers=numbers, said=said_after(finding, state.said)), finding

    def _follows(self, period: Period, numbers: Mapping[Period, Decimal | None]) -> bool:
        """Was the period just before it measured? Readings without a calendar follow one another as they come."""
        return not self.rule.period or numbers.get(periods.previous(period)) is not None

    def _restated(self, state: SeriesState, known: Reading | None, reading: Reading, newest: int) -> bool:
        """Has the very figure people were told of changed, the severity staying?"""
        return bool(state.said.severity) and known is not None and reading.period.start_ms == newest and known.value != reading.value

    def _corrected(self, said: Said, number: Decimal | None, value: Decimal | None) -> Finding:
        step = self.ladder.step(said.severity)
        limit = step.raise_at * self.ladder.sign
        return Finding("corrected", said.severity, said.severity, step.name, said.since, number, value, limit)

    def _measured(self, state: SeriesState, readings: Mapping[Period, Reading], changed: Period) -> dict[Period, Decimal | None]:
        """Numbers of all periods: those before the changed one lean on nothing that changed."""
        figures = _figures(readings)
        return {
            period: state.numbers[period] if period.start_ms < changed.start_ms and period in state.numbers else self._number(figures, r)
            for period, r in readings.items()
        }

    def _number(self, figures: Figures, reading: Reading) -> Decimal | None:
        """What the rule measures in a period; None where nothing can be measured."""
        value, rule = figures.get(reading.period), self.rule
        if value is None:
            return None
        if rule.pacing is not None:
            return rule.pacing.measured(value, reading.event_time, reading.budget_year)
        if rule.year_on_year is not None:
            return self._growth(figures, reading.period)
        if rule.change is not None:
            return self._change(figures, reading.period)
        return self._score(figures, reading.period) if rule.outlier is not None else value

    def _growth(self, figures: Figures, period: Period) -> Decimal | None:
        policy = self.rule.year_on_year
        found = (same_period_by_tet if policy and policy.align == "tet" else same_period)(figures, period)
        if policy is None or isinstance(found, NoComparison) or found.base < policy.min_base:
            return None
        return found.percent

    def _change(self, figures: Figures, period: Period) -> Decimal | None:
        policy = self.rule.change
        if policy is None:
            return None
        if policy.measure in ("rises", "falls"):
            return Decimal(_in_a_row(figures, period, 1 if policy.measure == "rises" else -1, policy.periods))
        base = period
        for _ in range(policy.periods):
            base = periods.previous(base)
        found = against(figures, period, base)
        if isinstance(found, NoComparison):
            return None
        return found.percent if policy.measure == "percent" else found.difference

    def _score(self, figures: Figures, period: Period) -> Decimal | None:
        policy = self.rule.outlier
        found = against_trend(figures, period, policy.window) if policy else None
        if policy is None or found is None or isinstance(found, NoComparison) or found.score is None:
            return None
        return abs(found.score) if policy.side == "both" else found.score if policy.side == "above" else -found.score


def _in_a_row(figures: Figures, period: Period, sign: int, most: int) -> int:
    """How many rises (sign 1) or falls (−1) lead up to a period without a break, at most `most`."""
    count = 0
    while count < most:
        before = periods.previous(period)
        step: Change | NoComparison = against(figures, period, before)
        if isinstance(step, NoComparison) or step.difference * sign <= 0:
            break
        count, period = count + 1, before
    return count


def _figures(readings: Mapping[Period, Reading]) -> dict[Period, Decimal]:
    return {p: r.value for p, r in readings.items() if r.value is not None and r.status != DELETED}


def _kept(readings: dict[Period, Reading]) -> dict[Period, Reading]:
    """The newest ones."""
    return dict(sorted(readings.items(), key=_by_start)[-KEPT:]) if len(readings) > KEPT else readings


def _by_start(item: tuple[Period, Reading]) -> int:
    return item[0].start_ms
