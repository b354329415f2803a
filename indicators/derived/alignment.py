"""Which values of a series are the operands of a period: the rules for unequal periods (cumulative days against an annual estimate …).

Every value of a year to date must be there: a month that was not reported is not a month of nothing, so the sum is absent and says so. Only
where values are of a finer period than asked (a feed of single days, which has none on days without an event) is their sum what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from indicators import period as periods
from indicators.derived.definition import Term
from indicators.derived.derived_indicator import DerivedIndicator
from indicators.instant import day_start, local_day
from indicators.period import Period, PeriodError
from indicators.trading_calendar import TradingCalendar

Values = Mapping[Period, Decimal]
"""The newest revision of each period of one series, in the unit of the series; where a budget year is asked for, of that year alone: in
January entries of two budget years carry the same days."""
Read = Callable[[Term], Values]
"""The values a term asks for (territory, subject and dimensions are the caller's), those of `across` already reduced over territories."""


def operands_of(derived: DerivedIndicator, period: Period, read: Read) -> dict[str, Decimal | Fraction | None]:
    """The operand of every role at a period; None where there is no figure. Terms of other definitions (`of`) are left to the caller."""
    return {role: operand(term, period, read(term)) for role, term in derived.definition.terms.items() if not term.of}


def operand(term: Term, period: Period, values: Values, calendar: TradingCalendar | None = None) -> Decimal | None:
    """The operand of one term at a period; `calendar`: whose sessions the series follows. Raises PeriodError where the period's type has no
    calendar."""
    at = shifted(term, period, calendar)
    match term.take:
        case "period":
            return values.get(at)
        case "newest":
            year = year_start(at)
            known = [p for p in values if year <= p.start_ms < at.end_ms]
            return values[max(known, key=lambda p: (p.start_ms, -p.end_ms))] if known else None
        case "year_to_date":
            return _year_to_date(term.period_type or at.type, at, values)


def shifted(term: Term, period: Period, calendar: TradingCalendar | None = None) -> Period:
    """The period a term speaks of when `period` is asked for. Raises PeriodError where the calendar has none."""
    match term.at:
        case "this":
            return period
        case "previous":
            return periods.previous(period)
        case "same_period":
            return periods.same_period_last_year(period)
        case "december":
            return december_before(period)
        case "previous_session":
            return session_before(period, calendar)


def session_before(period: Period, calendar: TradingCalendar | None) -> Period:
    """The day of the session before a day of a market. Raises PeriodError where there is none, or no calendar to ask."""
    day = calendar.previous_day(local_day(period.start_ms)) if calendar is not None and period.type == "day" else None
    if day is None:
        raise PeriodError(f"{period.type}: only the days of a market have a session before them (catalogue/trading-calendars.yaml)")
    return periods.period_of("day", day_start(day))


def december_before(period: Period) -> Period:
    """December of the year before the period's."""
    return periods.period_of("month", day_start(date(local_day(period.start_ms).year - 1, 12, 1)))


def year_start(period: Period) -> int:
    """1 January of the period's year, epoch ms UTC; a reporting month belongs to the year it ends in."""
    day = local_day(period.end_ms - 1 if period.type == "reporting_month" else period.start_ms)
    return day_start(date(day.year, 1, 1))


def _year_to_date(type: str, at: Period, values: Values) -> Decimal | None:
    start = year_start(at)
    inside = [p for p in values if p.type == type and start <= p.start_ms and p.end_ms <= at.end_ms]
    if type == at.type and len(inside) < _count(at, start):
        return None
    return sum((values[p] for p in inside), Decimal(0)) if inside else None


def _count(at: Period, start: int) -> int:
    """How many periods of its type the year has up to and with `at`."""
    count = 0
    while at.start_ms >= start:
        count, at = count + 1, periods.previous(at)
    return count
