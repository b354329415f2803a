"""Wall time and business time: when something falls due, when a quiet night ends. Pure; instants are epoch ms UTC, days are Vietnam's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from indicators.calendar import WorkingCalendar
from indicators.instant import VIETNAM, local, to_ms
from indicators.rules.policy import DAY, Span

OFFICE_OPENS = time(8, 0)
"""Work begins (reminders and digests arrive then). No document fixes the hour; the owner may say another."""


def due_after(start: int, span: Span, calendar: WorkingCalendar) -> int:
    """The instant `span` after `start`. In business time the same hour, so many working days later; what begins on a day of rest begins
    with the next working day. Raises CalendarError beyond the years the calendar knows."""
    if span.clock == "wall":
        return start + span.after // timedelta(milliseconds=1)
    begins = local(start)
    day, clock = begins.date(), begins.time()
    if not calendar.is_working_day(day):
        day, clock = calendar.add_working_days(day, 0), OFFICE_OPENS
    return instant_of(calendar.add_working_days(day, span.after // DAY) if span.after else day, clock)


def instant_of(day: date, clock: time = OFFICE_OPENS) -> int:
    """The instant of a clock time on a day in Vietnam."""
    return to_ms(datetime.combine(day, clock, VIETNAM))


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
