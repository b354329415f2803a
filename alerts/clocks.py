"""When a quiet night ends, when the Monday digest goes. Pure; instants are epoch ms UTC, days are Vietnam's; spans: indicators/due.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

from indicators.calendar import WorkingCalendar
from indicators.due import instant_of
from indicators.instant import local


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A stretch of each night in which only the direct lane speaks; `begins` may lie after `ends` (over midnight), equal: none."""

    begins: time
    ends: time

    def opens_at(self, at: int) -> int:
        """The first instant from `at` on at which people may be disturbed: `at` itself outside the quiet hours."""
        now = local(at)
        clock = now.time().replace(tzinfo=None)
        over_midnight = self.begins > self.ends
        within = (clock >= self.begins or clock < self.ends) if over_midnight else self.begins <= clock < self.ends
        if not within:
            return at
        tomorrow = over_midnight and clock >= self.begins
        return instant_of(now.date() + timedelta(days=tomorrow), self.ends)


def monday_digest(at: int, calendar: WorkingCalendar) -> int:
    """The digest's instant of the week `at` lies in: its Monday at the opening of offices, or the next working day of the week after a
    holiday («mỗi thứ Hai», Ho Chi Minh City 2023); in a week without work, its Monday all the same."""
    monday = local(at).date()
    monday -= timedelta(days=monday.weekday())
    days = [monday + timedelta(days=n) for n in range(5)]
    return instant_of(next((day for day in days if calendar.is_working_day(day)), monday))
