"""Working days and holidays of Vietnam: when a report is due, how long a task may take, when Tết falls.

Public holidays come from the package `holidays` (lunar dates computed, observed days in lieu, the swaps it knows);
`catalogue/working-days.yaml` adds the Government's swaps of a working day for a Saturday. Ranges: Tết and holidays are known for
1976–2100, swaps only once they are decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from indicators.datafile import Row, read_rows
from indicators.lunar import new_year

if TYPE_CHECKING:
    from holidays import HolidayBase

FIRST_YEAR, LAST_YEAR = 1976, 2100
_ONE = timedelta(days=1)
_LONGEST = 10_000
"""Working days one may add: some 40 years; a larger number is a fault of the caller."""


class CalendarError(ValueError):
    """A day or a number of days beyond what the calendar knows."""


class Swap(Row):
    """One working day given off and the rest day worked for it, as the Government decided."""

    day_off: date
    worked_instead: date
    basis: str = Field(min_length=4, description="the decision, or where it was announced")

    @model_validator(mode="after")
    def _weekdays(self) -> Self:
        if self.day_off.weekday() > 4 or self.worked_instead.weekday() < 5:
            raise ValueError("day_off must be a weekday and worked_instead a Saturday or Sunday")
        return self


class WorkingCalendar:
    """The days on which offices work. Saturdays and Sundays are rest days (Decision 188/1999/QĐ-TTg: the 40-hour week)."""

    def __init__(self, swaps: tuple[Swap, ...] = ()) -> None:
        self._off: Mapping[date, str] = {s.day_off: f"Nghỉ hoán đổi (làm bù ngày {s.worked_instead:%d/%m/%Y})" for s in swaps}
        self._worked = frozenset(s.worked_instead for s in swaps)

    @classmethod
    def load(cls, home: Path) -> WorkingCalendar:
        """With the swaps of `catalogue/working-days.yaml`. Raises DataFileError where the file is wrong."""
        path = home / "catalogue" / "working-days.yaml"
        return cls(tuple(read_rows(path, "swaps", Swap)))

    def holiday_vi(self, day: date) -> str | None:
        """The Vietnamese name of the holiday, None on other days (rest days included). Raises CalendarError outside 1976–2100."""
        name = self._off.get(day) or _holidays(_known(day).year).get(day)
        return str(name) if name else None

    def is_working_day(self, day: date) -> bool:
        """Whether offices work: a weekday that is no holiday, or a rest day worked for a swapped one. Raises CalendarError."""
        if day in self._worked or day in _holidays(_known(day).year).weekend_workdays:
            return True
        return day.weekday() < 5 and self.holiday_vi(day) is None

    def add_working_days(self, day: date, count: int) -> date:
        """The day `count` working days after `day` (before, where negative); 0 gives the day itself, or the next working day.

        The day itself is not counted: a task given on a Friday with one working day is due on Monday. Raises CalendarError.
        """
        if abs(count) > _LONGEST:
            raise CalendarError(f"{count} working days is more than {_LONGEST}; give a date instead")
        step = -_ONE if count < 0 else _ONE
        left = abs(count)
        while left > 0 or (count == 0 and not self.is_working_day(day)):
            day += step
            left -= self.is_working_day(day)
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """Working days after `first` up to and with `last`, negative where `last` is before. Raises CalendarError."""
        if last < first:
            return -self.working_days_between(last, first)
        return sum(self.is_working_day(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def tet(year: int) -> date:
    """The first day of the lunar new year that falls in this year. Raises CalendarError outside 1976–2100."""
    return new_year(_known(date(year, 1, 1)).year)


@lru_cache(maxsize=256)
def _holidays(year: int) -> HolidayBase:
    # The package takes 0.4 s to import, so it is imported by the first question and not by every process.
    from holidays import country_holidays

    return country_holidays("VN", years=year, language="vi")


def _known(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CalendarError(f"holidays are known for {FIRST_YEAR}–{LAST_YEAR}, not for {day.year}")
    return day
