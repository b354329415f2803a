"""Reminders of what is due on a day, and the Monday digest of a unit.

Schedule as Ho Chi Minh City described it in 2023 for 95 units: when assigned, when three days remain, when one day remains, and every
Monday the number outstanding; we add one on the first working day after the due day. A reminder that would fall on a day of rest comes on
the working day before it, so that work can still be done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from indicators.calendar import WorkingCalendar
from indicators.due import instant_of
from indicators.instant import local_day
from indicators.numbers_vi import day_vi

BEFORE = (("three_days", 3), ("one_day", 1))
TEXTS_VI = {
    "assigned": "Giao mới, hạn {due}", "three_days": "Còn 3 ngày đến hạn {due}", "one_day": "Còn 1 ngày đến hạn {due}",
    "after": "Đã quá hạn {due}",
}  # fmt: skip

@dataclass(frozen=True, slots=True, order=True)
class Reminder:
    """One reminder: at which instant (epoch ms), which of the schedule."""

    at: int
    which: str


def reminders(assigned_at: int, due: date, calendar: WorkingCalendar) -> list[Reminder]:
    """The schedule of something due by the end of a day. Reminders whose time lies before the assignment are left out: the first message
    says it all. Raises CalendarError beyond the years the calendar knows."""
    found = [Reminder(assigned_at, "assigned")]
    for which, days in BEFORE:
        day = due - timedelta(days=days)
        at = instant_of(day if calendar.is_working_day(day) else calendar.add_working_days(day, -1))
        if at > assigned_at and all(reminder.at != at for reminder in found):
            found.append(Reminder(at, which))
    late = instant_of(calendar.add_working_days(due, 1))
    return [*found, Reminder(late, "after")] if late > assigned_at else found


def reminder_vi(which: str, due: date) -> str:
    """«Còn 3 ngày đến hạn 14/10/2026»."""
    return TEXTS_VI[which].format(due=day_vi(due))


@dataclass(frozen=True, slots=True)
class Outstanding:
    """One line of a unit's digest. `severity` 1–5; `due` None: no day set."""

    title_vi: str
    severity: int
    acknowledged: bool
    due: date | None = None


MOST_LINES = 10


def digest_vi(unit_vi: str, lines: Iterable[Outstanding], now: int) -> tuple[str, str]:
    """(title, text) of a unit's Monday digest: the counts first, then the worst few. `now`: epoch ms."""
    rows = sorted(lines, key=lambda line: (-line.severity, line.due or date.max, line.title_vi))
    waiting = sum(not row.acknowledged for row in rows)
    late = sum(row.due is not None and local_day(now) > row.due for row in rows)
    title = f"{unit_vi}: {len(rows)} việc chưa xong, {waiting} chưa tiếp nhận, {late} quá hạn"
    listed = [f"– Mức {row.severity}: {row.title_vi}" + (f" (hạn {day_vi(row.due)})" if row.due else "") for row in rows[:MOST_LINES]]
    rest = [f"… và {len(rows) - MOST_LINES} việc khác."] if len(rows) > MOST_LINES else []
    head = f"Tính đến ngày {day_vi(local_day(now))}, {unit_vi} còn {len(rows)} việc chưa xong."
    return title, "\n".join([head, *listed, *rest])
