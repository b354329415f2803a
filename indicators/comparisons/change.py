"""K1–K3: a figure against another of its own series: previous period, December of last year, same period of last year.

Sources: Decision 1012 appendix II A.I (the three bases of the CPI); guide 7146 §4.7.2 (v) and §3.5.2. The guide notes that prices jump at
Tết, which moves between January and February: `same_period_by_tet` compares days equally far from Tết and refuses to compare a January
with Tết to one without.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from indicators import period as periods
from indicators.comparisons.figures import Figures, NoComparison, percent, six
from indicators.derived.alignment import december_before
from indicators.instant import DAY_MS, day_start, local_day
from indicators.lunar import LunarDay, day_of, from_tet, new_year
from indicators.period import Period

NEAR_TET_DAYS = 45
"""How far Tết reaches into what people buy and offices do; beyond it the same calendar day is the better base (proposal)."""


class Change(NamedTuple):
    """A figure and its base. `difference` in the unit of the figures; of two percentages it is points («điểm %») and `percent` says little.
    `percent`: growth in percent of the base; None where the base is not above zero, for a growth from less than nothing means nothing.
    """

    value: Decimal
    base: Decimal
    base_period: Period
    difference: Decimal
    percent: Decimal | None

    @property
    def as_index(self) -> Decimal | None:
        """The figure with the base as 100, as price indices are published."""
        return None if self.percent is None else self.percent + 100


def against(figures: Figures, period: Period, base: Period) -> Change | NoComparison:
    """The figure of a period against that of any base period."""
    value, before = figures.get(period), figures.get(base)
    if value is None:
        return NoComparison("no_figure")
    if before is None:
        return NoComparison("no_base")
    difference = Fraction(value) - Fraction(before)
    growth = percent(difference, Fraction(before)) if before > 0 else None
    return Change(value, before, base, six(difference), growth)


def previous_period(figures: Figures, period: Period) -> Change | NoComparison:
    """K1: against the period just before (tháng trước, kỳ liền kề)."""
    return against(figures, period, periods.previous(period))


def december(figures: Figures, period: Period) -> Change | NoComparison:
    """K2: against December of last year; for monthly figures."""
    return against(figures, period, december_before(period))


def same_period(figures: Figures, period: Period) -> Change | NoComparison:
    """K3: against the same period of last year by the calendar (cùng kỳ)."""
    return against(figures, period, periods.same_period_last_year(period))


def same_period_by_tet(figures: Figures, period: Period) -> Change | NoComparison:
    """K3, aligned with Tết: a day against the day equally far from last year's Tết, within 45 days of it.

    January and February compare as they are where Tết fell into the same month in both years; else February stands for the first two
    months together, in both years, and January alone is not comparable. All other periods compare by the calendar.
    """
    first = local_day(period.start_ms)
    if period.type == "day":
        lunar = from_tet(first)
        if abs(lunar.offset) > NEAR_TET_DAYS:
            return same_period(figures, period)
        return against(figures, period, _day(day_of(LunarDay(lunar.year - 1, lunar.offset))))
    if period.type != "month" or first.month > 2 or new_year(first.year).month == new_year(first.year - 1).month:
        return same_period(figures, period)
    return NoComparison("not_comparable") if first.month == 1 else _two_months(figures, first.year)


def _two_months(figures: Figures, year: int) -> Change | NoComparison:
    """January and February together; `base_period` is February of last year."""
    months = {(y, m): periods.period_of("month", day_start(date(y, m, 1))) for y in (year - 1, year) for m in (1, 2)}
    both = {}
    for y in (year, year - 1):
        parts = [figures.get(months[y, m]) for m in (1, 2)]
        if None in parts:
            return NoComparison("no_figure" if y == year else "no_base")
        both[months[y, 2]] = sum((part for part in parts if part is not None), Decimal(0))
    return against(both, months[year, 2], months[year - 1, 2])


def _day(day: date) -> Period:
    start = day_start(day)
    return Period("day", start, start + DAY_MS)
