"""Working days: holidays, Tết, swapped days, and what a due date means."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.calendar import CalendarError, WorkingCalendar, tet
from transport.settings import HOME

CALENDAR = WorkingCalendar.load(HOME)
days = st.dates(date(2010, 1, 1), date(2040, 1, 1))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-01-01", False), ("2026-01-02", False), ("2026-01-10", True), ("2026-02-16", False), ("2026-02-17", False),
        ("2026-02-20", False),
        ("2026-02-23", True), ("2026-04-26", False), ("2026-04-27", False), ("2026-04-30", False), ("2026-05-01", False),
        ("2026-08-22", True),
        ("2026-08-31", False), ("2026-09-02", False), ("2026-11-03", True), ("2026-11-07", False), ("2025-04-26", True),
        ("2025-05-02", False),
    ],
)  # fmt: skip
def test_days_that_are_known(day: str, working: bool) -> None:
    assert CALENDAR.is_working_day(date.fromisoformat(day)) is working


def test_holidays_have_vietnamese_names() -> None:
    assert CALENDAR.holiday_vi(date(2026, 2, 17)) == "Tết Nguyên Đán"
    assert CALENDAR.holiday_vi(date(2026, 9, 2)) == "Quốc khánh"
    assert CALENDAR.holiday_vi(date(2026, 1, 2)) == "Nghỉ hoán đổi (làm bù ngày 10/01/2026)"
    assert CALENDAR.holiday_vi(date(2026, 11, 7)) is None


@pytest.mark.parametrize(
    ("year", "day"),
    [(2020, "2020-01-25"), (2021, "2021-02-12"), (2022, "2022-02-01"), (2023, "2023-01-22"), (2024, "2024-02-10"), (2025, "2025-01-29"),
     (2026, "2026-02-17"), (2027, "2027-02-06"), (2028, "2028-01-26"), (2029, "2029-02-13"), (2030, "2030-02-02")],
)  # fmt: skip
def test_tet(year: int, day: str) -> None:
    assert tet(year) == date.fromisoformat(day)


@pytest.mark.parametrize("year", [1975, 2101])
def test_years_beyond_the_table_are_told(year: int) -> None:
    with pytest.raises(CalendarError, match="1976–2100"):
        tet(year)
    with pytest.raises(CalendarError, match="1976–2100"):
        CALENDAR.is_working_day(date(year, 6, 1))


def test_due_dates_step_over_tet() -> None:
    friday, after = date(2026, 2, 13), date(2026, 2, 23)
    assert CALENDAR.add_working_days(friday, 1) == after
    assert CALENDAR.add_working_days(after, -1) == friday
    assert CALENDAR.add_working_days(date(2026, 2, 18), 0) == after
    assert CALENDAR.add_working_days(friday, 0) == friday
    assert CALENDAR.working_days_between(friday, after) == 1
    with pytest.raises(CalendarError, match="10000"):
        CALENDAR.add_working_days(friday, 20_000)


@given(days, st.integers(-60, 60))
def test_adding_working_days_counts_them(day: date, count: int) -> None:
    due = CALENDAR.add_working_days(day, count)
    assert CALENDAR.is_working_day(due)
    if count > 0:
        assert CALENDAR.working_days_between(day, due) == count
    if CALENDAR.is_working_day(day):
        assert CALENDAR.add_working_days(due, -count) == day


@given(days, st.integers(0, 40), st.integers(0, 40))
def test_working_days_add_up(day: date, first: int, second: int) -> None:
    middle, last = day + timedelta(first), day + timedelta(first + second)
    between = CALENDAR.working_days_between
    assert between(day, last) == between(day, middle) + between(middle, last)
    assert between(last, day) == -between(day, last)
