"""Periods of what sources report, as [start, end) in epoch ms UTC, by the calendar of Asia/Ho_Chi_Minh."""

from __future__ import annotations

from datetime import date

from producers.fields import DAY_MS, local_date, start_of


def day_period(at_ms: int) -> tuple[int, int]:
    """The local day an instant lies in."""
    start = start_of(local_date(at_ms))
    return start, start + DAY_MS


def month_period(day: date) -> tuple[int, int]:
    """The calendar month a day lies in."""
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return start_of(day.replace(day=1)), start_of(following)


def year_period(year: int) -> tuple[int, int]:
    """The calendar year."""
    return start_of(date(year, 1, 1)), start_of(date(year + 1, 1, 1))
