"""K16: supply against forecast demand, release against need; and where a series will be, with an interval.

The forecast extends the robust line of the trend. Its interval holds the middle share of what the line missed in the past, widened with
the distance: an honest band from the series' own errors, without a bell curve assumed. It is a projection for early warning, not a plan.
Sources: guide 7146 table 10 (supply against forecast demand), §5.3.1 (2) (rice against need), §5.1.2 (targets at risk).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from indicators import period as periods
from indicators.comparisons.figures import Figures, NoComparison, percent, six
from indicators.comparisons.trend import LEAST_PERIODS, line_of
from indicators.period import Period

SHARE = Decimal("0.8")
"""Default share of past errors inside the interval (proposal)."""


class Balance(NamedTuple):
    """Supply less demand; `coverage` in percent of the demand, None where the demand is zero."""

    balance: Decimal
    coverage: Decimal | None
    short: bool


class Forecast(NamedTuple):
    """The expected figure of a period, with the interval [low, high]; `steps` periods after the newest figure."""

    expected: Decimal
    low: Decimal
    high: Decimal
    steps: int


def balance(supply: Decimal | None, demand: Decimal | None) -> Balance | NoComparison:
    """K16: supply against demand, or what is released against what is needed."""
    if supply is None:
        return NoComparison("no_figure")
    if demand is None:
        return NoComparison("no_plan")
    left = Fraction(supply) - Fraction(demand)
    return Balance(six(left), percent(Fraction(supply), Fraction(demand)), left < 0)


def forecast(figures: Figures, period: Period, most: int = 24, share: Decimal = SHARE) -> Forecast | NoComparison:
    """The figure of a coming period from the last `most` figures of its type, without gaps; at least six are needed.

    The interval at k steps: the smallest distance that holds `share` (above 0, to 1) of the line's past errors, times the root of k in
    hundredths. Raises PeriodError where the period's type has no calendar.
    """
    known = {p for p in figures if p.type == period.type and p.start_ms < period.start_ms}
    if not known:
        return NoComparison("too_few")
    newest = max(known, key=lambda p: p.start_ms)
    run = _unbroken(known, newest, most)
    if len(run) < LEAST_PERIODS:
        return NoComparison("too_few")
    steps, at = 0, newest
    while at.start_ms < period.start_ms:
        steps, at = steps + 1, periods.next(at)
    values = [Fraction(figures[p]) for p in run]
    line = line_of(values)
    errors = sorted(abs(value - line.at(place)) for place, value in enumerate(values))
    held = errors[max(ceil(len(errors) * share), 1) - 1]
    reach = held * _root(steps)
    expected = line.at(len(values) - 1 + steps)
    return Forecast(six(expected), six(expected - reach), six(expected + reach), steps)


def _unbroken(known: set[Period], newest: Period, most: int) -> list[Period]:
    """The periods up to the newest without a gap, oldest first."""
    run: list[Period] = []
    at = newest
    while at in known and len(run) < most:
        run.append(at)
        at = periods.previous(at)
    return run[::-1]


def _root(steps: int) -> Fraction:
    """The square root of a count, in hundredths, rounded up: exact and the same on every machine."""
    hundredths = 0
    while hundredths * hundredths < steps * 10_000:
        hundredths += 1
    return Fraction(hundredths, 100)
