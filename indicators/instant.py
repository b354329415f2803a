"""Instants and days in Vietnam: epoch milliseconds UTC inside, Asia/Ho_Chi_Minh at the edges."""

from __future__ import annotations

from datetime import MAXYEAR, UTC, date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Vietnam keeps UTC+7 without summer time since 1975; every indicator begins later."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FIRST_YEAR, LAST_YEAR = 1976, MAXYEAR - 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PeriodError(ValueError):
    """No such instant or period: unknown type, outside the calendar, or a type whose bounds only a document gives."""


def local(at_ms: int) -> datetime:
    """The clock in Vietnam at an instant, exact to the millisecond. Raises PeriodError outside 1976–9997."""
    try:
        moment = _EPOCH.astimezone(VIETNAM) + timedelta(milliseconds=at_ms)
    except OverflowError as e:
        raise PeriodError(f"instant {at_ms} lies outside the calendar; is it in milliseconds?") from e
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise PeriodError(f"year {moment.year} lies outside {FIRST_YEAR}–{LAST_YEAR}; is the instant in milliseconds?")
    return moment


def local_day(at_ms: int) -> date:
    """The day in Vietnam of an instant. Raises PeriodError outside 1976–9997."""
    return local(at_ms).date()


def day_start(day: date) -> int:
    """The first instant of a day in Vietnam, epoch ms UTC."""
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=VIETNAM))


def to_ms(moment: datetime) -> int:
    """Epoch ms UTC of an aware datetime, exact; microseconds below one millisecond are cut."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)
