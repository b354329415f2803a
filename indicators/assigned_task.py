"""Assigned tasks: what somebody ordered an agency to do until a day (need W18; reminders as Ho Chi Minh City described them in 2023).

A task is one observation of `nhip/N.3`, a record of an event series per agency: value 1 while it is open, 0 once it is done; its period
begins with the assignment and ends with the due day (one millisecond long where none is set: such a task is never due). The record's id
is the task's, a revision says what has changed.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from indicators.calendar import WorkingCalendar
from indicators.heartbeat import CATALOGUE
from indicators.instant import local_day
from indicators.period import Period

TASK: Final = f"{CATALOGUE}/N.3"
BY_TASK: Final = "ASSIGNED-TASKS"
"""Id of the formula whose results are an agency's tasks, one by one."""
OVERDUE: Final = "TASKS-OVERDUE"
"""Id of the formula whose results count an agency's overdue tasks."""
FORMULAS: Final = (BY_TASK, OVERDUE)
OWN_DAY: Final = "task"
"""Name of the due calendar of tasks: each has a due day of its own."""
PERIOD: Final = "on_decision"
NO_DUE_MS: Final = 1

State = Literal["done_in_time", "done_late", "open_in_time", "open_late", "no_due"]
STATES_VI: Final[dict[State, str]] = {
    "done_in_time": "hoàn thành đúng hạn", "done_late": "hoàn thành quá hạn", "open_in_time": "chưa hoàn thành trong hạn",
    "open_late": "chưa hoàn thành quá hạn", "no_due": "không có hạn",
}  # fmt: skip
"""The words of the reports on assigned tasks."""


class OwnDay:
    """The due calendar of what carries its due day as the end of its period."""

    def due(self, period: Period, calendar: WorkingCalendar) -> date:
        """The last day of the period."""
        return local_day(period.end_ms - 1)


def is_due(start_ms: int, end_ms: int) -> bool:
    """Has a task of this period a due day?"""
    return end_ms - start_ms > NO_DUE_MS


def state_of(done_at: int | None, due: date | None, now: int) -> State:
    """The state of a task. A due day lasts to its end; instants are epoch ms."""
    if due is None:
        return "no_due"
    late = local_day(done_at if done_at is not None else now) > due
    if done_at is not None:
        return "done_late" if late else "done_in_time"
    return "open_late" if late else "open_in_time"
