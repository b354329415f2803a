"""Obstacles of projects: their state in words of time, and the days of the calendar by which one is overdue."""

from __future__ import annotations

from datetime import date

import pytest

from indicators.assigned_task import State
from indicators.obstacle import STATES_VI, days_overdue, obstacle_state
from indicators.rules.cases import instant

DUE = date(2026, 3, 15)


@pytest.mark.parametrize(
    ("removed", "due", "now", "state", "days"),
    [
        ("", DUE, "2026-03-15T23:59", "open_in_time", 0),
        ("", DUE, "2026-03-16T00:00", "open_late", 1),
        ("", DUE, "2026-04-14T08:00", "open_late", 30),
        ("2026-03-15", DUE, "2026-04-14", "done_in_time", 0),
        ("2026-03-18", DUE, "2026-04-14", "done_late", 3),
        ("", None, "2026-04-14", "no_due", 0),
        ("2026-03-18", None, "2026-04-14", "done_in_time", 0),
    ],
)
def test_a_due_day_lasts_to_its_end_and_a_removal_stops_the_count(
    removed: str, due: date | None, now: str, state: State, days: int
) -> None:
    at = instant(removed) if removed else None
    assert obstacle_state(at, due, instant(now)) == state
    assert days_overdue(at, due, instant(now)) == days
    assert STATES_VI[state]
