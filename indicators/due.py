"""When something falls due: a span of wall or business time after an instant. Pure; instants are epoch ms UTC, days are Vietnam's."""

from __future__ import annotations

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
