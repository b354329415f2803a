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
    """One rule on series of one kind; `limits`: named limits of the subject; `judged_from`: event time (epoch ms) before which figures are
    a base for later ones and no reason for an alert."""

    def __init__(self, rule: Rule, limits: Mapping[str, Decimal] | None = None, judged_from: int = 0) -> None:
        self.rule, self._from = rule, judged_from
        self.ladder = ladder_of(rule, limits)

    def state_of(self, content: Mapping[str, Any]) -> SeriesState:
        """The state of `SeriesState.content`. Raises KeyError, TypeError, ValueError where it is not one."""
        readings: dict[Period, Reading] = {}
        for kind, start, end, value, status, revision, event_time, budget_year in content["readings"]:
            period = Period(kind, start, end)
            readings[period] = Reading(period, None if value is None else Decimal(value), status, revision, event_time, budget_year)
        return self.resumed(readings, Said(*content["said"]))

    def resumed(self, readings: Mapping[Period, Reading], said: Said) -> SeriesState:
        """The state after these readings and this last word."""
        figures = self._figures(readings)
        return SeriesState(dict(readings), {period: self._number(figures, r) for period, r in readings.items()}, said)

    def step(self, state: SeriesState, reading: Reading) -> tuple[SeriesState, Finding | None]:
        """Take one reading in. One that an equal or newer revision has overtaken changes nothing; one whose status the rule does not accept
        takes its period's figure away."""
        known = state.readings.get(reading.period)
        if known is not None and known.revision >= reading.revision and (known.revision > reading.revision or self._accepts(known)):
            return state, None
        readings = _kept({**state.readings, reading.period: reading})
        numbers = self._measured(state, readings, reading.period)
        course = self._course(readings, numbers)
        at = self._about(reading.period, course)
        figure, number = readings[at].value, numbers.get(at)
        again = at == reading.period and self._again(state, known, reading)
        standing = self.ladder.standing(course.values())
        finding = change(self.ladder, state.said, standing, corrected=again, number=number, value=figure, period=at)
        if finding is None and again and self._restated(state, known, reading):
            finding = self._corrected(state.said, number, reading)
        return replace(state, readings=readings, numbers=numbers, said=said_after(finding, state.said)), finding

    def _course(self, readings: Mapping[Period, Reading], numbers: Mapping[Period, Decimal | None]) -> dict[Period, Number]:
        """The numbers to judge in the order of their periods; where only whole periods count, without those that still run."""
        newest = max(r.event_time for r in readings.values())
        return {
            p: Number(r.event_time, p.start_ms, numbers[p], self._follows(p, numbers), self.rule.highest(r.status))
            for p, r in sorted(readings.items(), key=_by_start)
            if (p.end_ms <= newest or not self.rule.whole_periods) and r.event_time >= self._from
        }

    def _about(self, period: Period, course: dict[Period, Number]) -> Period:
        """The period a change is about: the reading's own; where there is nothing to judge in it, the newest one with a number."""
        if period in course and course[period].value is not None:
            return period
        return next((p for p, number in reversed(course.items()) if number.value is not None), period)

    def _accepts(self, reading: Reading) -> bool:
        return reading.status in self.rule.accept_status

    def _again(self, state: SeriesState, known: Reading | None, reading: Reading) -> bool:
        """Is a period judged anew: an older one, or the newest at the very instant it was judged at? As an instant moves on, it goes on."""
        newest = max((p.start_ms for p in state.readings), default=-1)
        if known is not None and known.event_time >= reading.event_time:
            return True
        return reading.period.start_ms < newest

    def _follows(self, period: Period, numbers: Mapping[Period, Decimal | None]) -> bool:
        """Was the period just before it measured? Readings without a calendar follow one another as they come."""
        return not self.rule.period or numbers.get(periods.previous(period)) is not None

    def _restated(self, state: SeriesState, known: Reading | None, reading: Reading) -> bool:
        """Has the very figure people were told of changed, the severity staying?"""
        newest = max((p.start_ms for p in state.readings), default=-1)
        return bool(state.said.severity) and known is not None and reading.period.start_ms == newest and known.value != reading.value

    def _corrected(self, said: Said, number: Decimal | None, reading: Reading) -> Finding:
        step = self.ladder.step(said.severity)
        limit = step.raise_at * self.ladder.sign
        return Finding("corrected", said.severity, said.severity, step.name, said.since, number, reading.value, limit, reading.period)

    def _measured(self, state: SeriesState, readings: Mapping[Period, Reading], changed: Period) -> dict[Period, Decimal | None]:
        """Numbers of all periods: those before the changed one lean on nothing that changed."""
        figures = self._figures(readings)
        return {
            period: state.numbers[period] if period.start_ms < changed.start_ms and period in state.numbers else self._number(figures, r)
            for period, r in readings.items()
        }

    def _figures(self, readings: Mapping[Period, Reading]) -> dict[Period, Decimal]:
        return {p: r.value for p, r in readings.items() if r.value is not None and self._accepts(r)}

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


def _kept(readings: dict[Period, Reading]) -> dict[Period, Reading]:
    """The newest ones."""
    return dict(sorted(readings.items(), key=_by_start)[-KEPT:]) if len(readings) > KEPT else readings


def _by_start(item: tuple[Period, Reading]) -> int:
    return item[0].start_ms
