"""K4 and K5: the year to date: the average of indices, the total of flows; and the flow inside a series of running totals.

K4 is the mean of fixed-base monthly indices of the year so far over the mean of the same months of last year, never a mean of
year-on-year indices (guide 7146 §5.3.1 (1); Decision 1012 A.I.2–5). K5 is «lũy kế đến kỳ báo cáo» (A.II.1–2).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from indicators import period as periods
from indicators.comparisons.change import Change
from indicators.comparisons.figures import Figures, NoComparison, mean, percent, six
from indicators.derived.alignment import year_start
from indicators.period import Period


def year_so_far(period: Period) -> list[Period]:
    """The periods of this type from the first of the year up to and with this one, in order."""
    start, found = year_start(period), []
    while period.start_ms >= start:
        found.append(period)
        period = periods.previous(period)
    return found[::-1]


def average_to_date(figures: Figures, period: Period) -> Decimal | NoComparison:
    """The mean of the year's figures up to the period; a missing period makes it absent."""
    values = [figures[p] for p in year_so_far(period) if p in figures]
    if len(values) < len(year_so_far(period)):
        return NoComparison("no_figure")
    return six(mean([Fraction(v) for v in values]))


def average_against_last_year(figures: Figures, period: Period) -> Change | NoComparison:
    """K4: the average of the year to date against the average of the same months of last year, of a fixed-base index."""
    this = year_so_far(period)
    last = [periods.same_period_last_year(p) for p in this]
    if any(p not in figures for p in this):
        return NoComparison("no_figure")
    if any(p not in figures for p in last):
        return NoComparison("no_base")
    value, base = (mean([Fraction(figures[p]) for p in some]) for some in (this, last))
    growth = percent(value - base, base) if base > 0 else None
    return Change(six(value), six(base), last[-1], six(value - base), growth)


def cumulative(figures: Figures, period: Period) -> Decimal | NoComparison:
    """K5: the total of an additive flow from the first period of the year; a missing period makes it absent."""
    parts = year_so_far(period)
    if any(p not in figures for p in parts):
        return NoComparison("no_figure")
    return sum((figures[p] for p in parts), Decimal(0))


def flow_of_running_totals(totals: Figures, period: Period) -> Decimal | NoComparison:
    """The period's own flow where reports are running totals of the year: the difference; after a correction it may be below zero."""
    if period not in totals:
        return NoComparison("no_figure")
    before = periods.previous(period)
    if before.start_ms < year_start(period):
        return totals[period]
    return totals[period] - totals[before] if before in totals else NoComparison("no_base")
