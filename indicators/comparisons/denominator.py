"""K12 and K13: a figure per person, per 1,000 enterprises, per 10,000 people, per area; and the cost of one result.

Denominators have dates: population, area and enterprises are counted at times of their own. The newest count not after the period's end is
taken; one older than the allowed age is refused rather than believed (guide 7146 §4.7.2 (ii), (iii)).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from indicators.comparisons.figures import Figures, NoComparison, percent, six
from indicators.instant import local_day
from indicators.period import Period, same_period_last_year

MAX_AGE_DAYS = 731
"""Two years: annual counts are published in the year after (proposal, the owner of each denominator confirms)."""


class Counted(NamedTuple):
    """One count of a denominator: how many or how much, on which day, where it was published."""

    on: date
    amount: Decimal
    source: str


class Normalised(NamedTuple):
    """The figure for `per` units of the denominator, and the count it stands on."""

    value: Decimal
    per: int
    counted: Counted


class Efficiency(NamedTuple):
    """Cost of one result, and its change in percent of the same period of last year; None where that is not known."""

    cost: Decimal
    change: Decimal | None


def normalised(
    value: Decimal, period: Period, counts: list[Counted], per: int = 1, max_age_days: int = MAX_AGE_DAYS
) -> Normalised | NoComparison:
    """K12: the value for `per` (1, 1000, 10000) of the denominator counted last before the end of the period."""
    end = local_day(period.end_ms - 1)
    known = [c for c in counts if c.on <= end and c.amount > 0]
    if not known:
        return NoComparison("no_denominator")
    newest = max(known, key=lambda c: c.on)
    if (end - newest.on).days > max_age_days:
        return NoComparison("stale_denominator")
    return Normalised(six(Fraction(value) * per / Fraction(newest.amount)), per, newest)


def cost_per_result(costs: Figures, results: Figures, period: Period) -> Efficiency | NoComparison:
    """K13: what one result costs in the period; a period without results has no cost of a result."""
    now = _cost(costs, results, period)
    if isinstance(now, NoComparison):
        return now
    before = _cost(costs, results, same_period_last_year(period))
    change = None if isinstance(before, NoComparison) else percent(now - before, before)
    return Efficiency(six(now), change)


def _cost(costs: Figures, results: Figures, period: Period) -> Fraction | NoComparison:
    if period not in costs or period not in results:
        return NoComparison("no_figure")
    return Fraction(costs[period]) / Fraction(results[period]) if results[period] else NoComparison("zero_base")
