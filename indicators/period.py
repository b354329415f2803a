"""Periods as calendars in Asia/Ho_Chi_Minh, never durations: which period an instant lies in, the one before, the same one of last year.

Bounds are epoch milliseconds UTC, start inclusive, end exclusive. Sources of the calendars: Decision 1012 and the catalogues (hour, day,
month, quarter, half-year, year, «July and November», on decision); Decree 09/2019/NĐ-CP art. 12 (reporting month: the 15th of the month
before to the 14th); the State budget (nine months; budget year to date, whose capital investment is paid until 31 January of the next
year).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from indicators.instant import DAY_MS, FIRST_YEAR, HOUR_MS, LAST_YEAR, VIETNAM, PeriodError, day_start, local, local_day, to_ms
from indicators.observation import PERIOD_TYPES

__all__ = [
    "VIETNAM", "Period", "PeriodError", "budget_year", "day_start", "label_en", "label_vi", "local_day", "next", "period_of", "previous",
    "same_period_last_year", "to_ms", "years",
]  # fmt: skip

REPORTING_DAY = 15
_ROMAN = ("I", "II", "III", "IV")
_MONTHS_EN = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_MONTHS = {"month": 1, "reporting_month": 1, "quarter": 3, "half_year": 6, "nine_months": 12, "year": 12, "budget_year_to_date": 12}
"""Months from the start of one period to the start of the next."""
_LENGTH = {"nine_months": 9, "budget_year_to_date": 13}
"""Months a period covers, where it is not all of the step: nine months of the year; a budget year with its January of payments."""


class Period(NamedTuple):
    """One calendar period: [start_ms, end_ms) in epoch ms UTC."""

    type: str
    start_ms: int
    end_ms: int


def period_of(type: str, at_ms: int, budget_year: int | None = None) -> Period:
    """The period of this type that holds the instant.

    `budget_year_to_date` needs `budget_year`, which the source carries: in January two budget years are open and the instant cannot tell.
    Raises PeriodError where the calendar has no period there: nine months after September, «July and November» in other months, a
    multi-year period (its plan gives the bounds: `years`), years outside 1976–9997.
    """
    day = local_day(at_ms)
    match type:
        case "instant":
            return Period(type, at_ms, at_ms + 1)
        case "hour":
            return Period(type, at_ms - at_ms % HOUR_MS, at_ms - at_ms % HOUR_MS + HOUR_MS)
        case "day" | "on_decision":
            return _days(type, day, 1)
        case "week":
            return _days(type, day - timedelta(days=day.weekday()), 7)
        case "july_november":
            return _july_november(day)
        case "budget_year_to_date":
            return _budget_year(at_ms, budget_year)
    if type not in _MONTHS:
        raise _no_calendar(type)
    found = _from_month(type, _first_month(type, day))
    if at_ms >= found.end_ms:
        raise PeriodError(f"{type}: {day:%d/%m/%Y} lies after the nine months of its year; give an instant from January to September")
    return found


def previous(period: Period) -> Period:
    """The period just before, of the same type. Raises PeriodError for types without a calendar."""
    return _shift(period, -1)


def next(period: Period) -> Period:
    """The period just after, of the same type. Raises PeriodError for types without a calendar."""
    return _shift(period, 1)


def same_period_last_year(period: Period) -> Period:
    """The same calendar period one year before: same hour, day, ISO week number, month, quarter …

    29 February is compared with 28 February, week 53 with the last week of the year before. Raises PeriodError for types without a
    calendar.
    """
    start = local(period.start_ms)
    match period.type:
        case "instant" | "hour" | "day":
            shifted = to_ms(_year_before(start))
            return Period(period.type, shifted, shifted + period.end_ms - period.start_ms)
        case "week":
            year, week, _ = start.date().isocalendar()
            last = date(year - 1, 12, 28).isocalendar().week
            return _days("week", date.fromisocalendar(year - 1, min(week, last), 1), 7)
        case "july_november":
            return _july_november(_year_before(start).date())
    if period.type not in _MONTHS:
        raise _no_calendar(period.type)
    return _from_month(period.type, _month_number(start.date()) - 12)


def years(first: int, last: int) -> Period:
    """A multi-year period, both years included: a five-year plan is `years(2026, 2030)`. Raises PeriodError where last < first."""
    if last < first:
        raise PeriodError(f"multi_year: {last} comes before {first}")
    return Period("multi_year", _month_start(first * 12), _month_start((last + 1) * 12))


def budget_year(year: int) -> Period:
    """Budget year to date: 1 January of the year to 31 January of the next, when its capital investment is last paid."""
    return _from_month("budget_year_to_date", year * 12)


def label_vi(period: Period) -> str:
    """The Vietnamese name of the period. Raises PeriodError for an unknown type."""
    first, last, clock = _bounds(period)
    match period.type:
        case "instant":
            return f"{clock:%H:%M} ngày {_day(first)}"
        case "hour":
            return f"{clock:%H} giờ ngày {_day(first)}"
        case "day":
            return f"ngày {_day(first)}"
        case "on_decision":
            return f"theo quyết định ngày {_day(first)}"
        case "week":
            year, week, _ = first.isocalendar()
            return f"tuần {week}/{year} ({_span(first, last)})"
        case "month":
            return f"tháng {first.month}/{first.year}"
        case "reporting_month":
            return f"tháng báo cáo {last.month}/{last.year} ({_span(first, last)})"
        case "quarter":
            return f"quý {_ROMAN[first.month // 3]}/{first.year}"
        case "half_year":
            return f"6 tháng {'đầu' if first.month == 1 else 'cuối'} năm {first.year}"
        case "nine_months":
            return f"9 tháng đầu năm {first.year}"
        case "year":
            return f"năm {first.year}"
        case "budget_year_to_date":
            return f"lũy kế năm ngân sách {first.year}"
        case "july_november":
            return f"kỳ tháng {first.month}/{first.year}"
        case "multi_year":
            return f"giai đoạn {first.year}–{last.year}"
    raise PeriodError(f"unknown period type {period.type!r}")


def label_en(period: Period) -> str:
    """The English name of the period. Raises PeriodError for an unknown type."""
    first, last, clock = _bounds(period)
    match period.type:
        case "instant":
            return f"{_day_en(first)} {clock:%H:%M}"
        case "hour":
            return f"{_day_en(first)}, {clock:%H}:00–{(clock.hour + 1):02d}:00"
        case "day":
            return _day_en(first)
        case "on_decision":
            return f"decision of {_day_en(first)}"
        case "week":
            year, week, _ = first.isocalendar()
            return f"week {week} of {year}"
        case "month" | "july_november":
            return f"{_MONTHS_EN[first.month - 1]} {first.year}"
        case "reporting_month":
            return f"reporting month {_MONTHS_EN[last.month - 1]} {last.year} ({_day_en(first)} – {_day_en(last)})"
        case "quarter":
            return f"Q{first.month // 3 + 1} {first.year}"
        case "half_year":
            return f"{'first' if first.month == 1 else 'second'} half of {first.year}"
        case "nine_months":
            return f"first nine months of {first.year}"
        case "year":
            return f"{first.year}"
        case "budget_year_to_date":
            return f"budget year {first.year} to date"
        case "multi_year":
            return f"{first.year}–{last.year}"
    raise PeriodError(f"unknown period type {period.type!r}")


def _shift(period: Period, by: int) -> Period:
    width = period.end_ms - period.start_ms
    match period.type:
        case "instant" | "hour" | "day" | "week":
            return Period(period.type, period.start_ms + by * width, period.end_ms + by * width)
        case "july_november":
            day = local_day(period.start_ms)
            other = 11 if day.month == 7 else 7
            return _july_november(date(day.year + (by if (by > 0) == (day.month == 11) else 0), other, 1))
    if period.type not in _MONTHS:
        raise _no_calendar(period.type)
    return _from_month(period.type, _month_number(local_day(period.start_ms)) + by * _MONTHS[period.type])


def _first_month(type: str, day: date) -> int:
    """Number of the month the period starts in (months since year 0); a reporting month starts in the month before its name."""
    number = _month_number(day)
    if type == "reporting_month":
        return number if day.day >= REPORTING_DAY else number - 1
    return number - number % _MONTHS[type]


def _from_month(type: str, first: int) -> Period:
    length = _LENGTH.get(type, _MONTHS[type])
    shift = (REPORTING_DAY - 1) * DAY_MS if type == "reporting_month" else 0
    return Period(type, _month_start(first) + shift, _month_start(first + length) + shift)


def _budget_year(at_ms: int, year: int | None) -> Period:
    if year is None:
        raise PeriodError("budget_year_to_date: give the budget year the source carries; in January two of them are open")
    found = budget_year(year)
    if not found.start_ms <= at_ms < found.end_ms:
        raise PeriodError(f"budget_year_to_date: the instant lies outside budget year {year} (01/01/{year}–31/01/{year + 1})")
    return found


def _july_november(day: date) -> Period:
    if day.month not in (7, 11):
        raise PeriodError(f"july_november: {day:%m/%Y} is neither July nor November")
    first = _month_number(day)
    return Period("july_november", _month_start(first), _month_start(first + 1))


def _days(type: str, first: date, count: int) -> Period:
    return Period(type, day_start(first), day_start(first) + count * DAY_MS)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month_start(number: int) -> int:
    year, month = divmod(number, 12)
    if not FIRST_YEAR - 1 <= year <= LAST_YEAR + 1:
        raise PeriodError(f"year {year} lies outside {FIRST_YEAR}–{LAST_YEAR}")
    return day_start(date(year, month + 1, 1))


def _year_before(moment: datetime) -> datetime:
    if (moment.month, moment.day) == (2, 29):
        moment = moment.replace(day=28)
    return moment.replace(year=moment.year - 1)


def _no_calendar(type: str) -> PeriodError:
    if type in PERIOD_TYPES:
        return PeriodError(f"{type}: has no calendar; its document gives the bounds")
    return PeriodError(f"unknown period type {type!r}; one of {', '.join(PERIOD_TYPES)}")


def _bounds(period: Period) -> tuple[date, date, datetime]:
    """First day, last day, and first moment of the period in Vietnam."""
    clock = local(period.start_ms)
    return clock.date(), local_day(period.end_ms - 1), clock


def _day(day: date) -> str:
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def _day_en(day: date) -> str:
    return f"{day.day} {_MONTHS_EN[day.month - 1]} {day.year}"


def _span(first: date, last: date) -> str:
    return f"{first:%d/%m}–{_day(last)}" if first.year == last.year else f"{_day(first)}–{_day(last)}"
