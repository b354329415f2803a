"""Short ways to write periods and figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from indicators.instant import day_start
from indicators.period import Period, period_of


def month(year: int, number: int) -> Period:
    return period_of("month", day_start(date(year, number, 1)))


def day(text: str) -> Period:
    return period_of("day", day_start(date.fromisoformat(text)))


def year(number: int) -> Period:
    return period_of("year", day_start(date(number, 1, 1)))


def months(first: int, *values: str | int) -> dict[Period, Decimal]:
    """Figures of the months from January of `first` on."""
    return {month(first + n // 12, n % 12 + 1): Decimal(value) for n, value in enumerate(values)}
