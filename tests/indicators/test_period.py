"""Laws of the calendars: every period holds its instant, periods meet without gap or overlap, next and previous undo each other."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators import period as calendars
from indicators.instant import DAY_MS, VIETNAM, day_start, local, local_day, to_ms
from indicators.observation import PERIOD_TYPES
from indicators.period import Period, PeriodError, budget_year, label_en, label_vi, period_of, previous, same_period_last_year, years

WHOLE = ("hour", "day", "week", "month", "reporting_month", "quarter", "half_year", "year")
"""Calendars that cover all time, each instant once."""

instants = st.integers(day_start(date(1980, 1, 1)), day_start(date(2150, 1, 1)))


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return to_ms(datetime(year, month, day, hour, minute, tzinfo=VIETNAM))


@given(st.sampled_from((*WHOLE, "instant")), instants)
def test_a_period_holds_its_instant_and_meets_its_neighbours(kind: str, moment: int) -> None:
    found = period_of(kind, moment)
    assert found.start_ms <= moment < found.end_ms
    assert previous(found).end_ms == found.start_ms
    assert calendars.next(found).start_ms == found.end_ms
    assert period_of(kind, found.start_ms) == period_of(kind, found.end_ms - 1) == found


@given(st.sampled_from((*WHOLE, "instant", "nine_months", "july_november")), instants)
def test_next_and_previous_undo_each_other(kind: str, moment: int) -> None:
    try:
        found = period_of(kind, moment)
    except PeriodError:
        assert kind in ("nine_months", "july_november")
        return
    assert calendars.next(previous(found)) == previous(calendars.next(found)) == found
    assert previous(found).end_ms <= found.start_ms


@given(st.sampled_from((*WHOLE, "nine_months", "july_november")), instants)
def test_the_same_period_of_last_year_is_of_its_kind_and_about_a_year_away(kind: str, moment: int) -> None:
    try:
        found = period_of(kind, moment)
    except PeriodError:
        return
    before = same_period_last_year(found)
    assert before == period_of(kind, before.start_ms)
    assert abs(found.start_ms - before.start_ms - 365 * DAY_MS) <= 7 * DAY_MS


@given(st.integers(1990, 2150), st.integers(0, 365 + 30))
def test_a_budget_year_lasts_to_the_end_of_the_next_january(year: int, day: int) -> None:
    found = budget_year(year)
    assert (found.start_ms, found.end_ms) == (at(year, 1, 1), at(year + 1, 2, 1))
    assert period_of("budget_year_to_date", found.start_ms + day * DAY_MS, year) == found
    assert same_period_last_year(found) == previous(found) == budget_year(year - 1)
    assert calendars.next(previous(found)) == found


def test_in_january_two_budget_years_are_open_and_the_source_says_which() -> None:
    january = at(2027, 1, 20)
    assert period_of("budget_year_to_date", january, 2026) == budget_year(2026)
    assert period_of("budget_year_to_date", january, 2027) == budget_year(2027)
    with pytest.raises(PeriodError, match="give the budget year"):
        period_of("budget_year_to_date", january)
    with pytest.raises(PeriodError, match="outside budget year 2025"):
        period_of("budget_year_to_date", january, 2025)


def test_a_day_begins_at_midnight_in_vietnam() -> None:
    assert period_of("day", at(2026, 11, 3, 0, 0)).start_ms == datetime.fromisoformat("2026-11-02T17:00:00Z").timestamp() * 1000


def test_the_reporting_month_runs_from_the_15th_to_the_14th() -> None:
    october = Period("reporting_month", at(2026, 9, 15), at(2026, 10, 15))
    assert period_of("reporting_month", at(2026, 10, 14, 23, 59)) == period_of("reporting_month", at(2026, 9, 15)) == october
    assert period_of("reporting_month", at(2026, 10, 15)) == calendars.next(october)
    assert period_of("reporting_month", at(2026, 1, 3)).start_ms == at(2025, 12, 15)


def test_july_and_november_alternate() -> None:
    july = period_of("july_november", at(2026, 7, 31))
    november = calendars.next(july)
    assert (local_day(november.start_ms), calendars.next(november)) == (date(2026, 11, 1), period_of("july_november", at(2027, 7, 1)))
    assert same_period_last_year(july) == period_of("july_november", at(2025, 7, 1))
    with pytest.raises(PeriodError, match="neither July nor November"):
        period_of("july_november", at(2026, 8, 1))


def test_week_53_is_compared_with_the_last_week_of_the_year_before() -> None:
    week = period_of("week", at(2026, 12, 30))
    assert label_vi(week).startswith("tuần 53/2026")
    assert label_vi(same_period_last_year(week)).startswith("tuần 52/2025")


def test_29_february_is_compared_with_28_february() -> None:
    assert same_period_last_year(period_of("day", at(2028, 2, 29))) == period_of("day", at(2027, 2, 28))


@pytest.mark.parametrize(
    ("found", "vi", "en"),
    [
        (period_of("instant", at(2026, 11, 3, 7, 30)), "07:30 ngày 03/11/2026", "3 November 2026 07:30"),
        (period_of("hour", at(2026, 11, 3, 7, 30)), "07 giờ ngày 03/11/2026", "3 November 2026, 07:00–08:00"),
        (period_of("day", at(2026, 11, 3)), "ngày 03/11/2026", "3 November 2026"),
        (period_of("week", at(2026, 1, 1)), "tuần 1/2026 (29/12/2025–04/01/2026)", "week 1 of 2026"),
        (period_of("month", at(2026, 10, 3)), "tháng 10/2026", "October 2026"),
        (period_of("reporting_month", at(2026, 10, 3)), "tháng báo cáo 10/2026 (15/09–14/10/2026)",
         "reporting month October 2026 (15 September 2026 – 14 October 2026)"),
        (period_of("quarter", at(2026, 9, 30)), "quý III/2026", "Q3 2026"),
        (period_of("half_year", at(2026, 6, 30)), "6 tháng đầu năm 2026", "first half of 2026"),
        (period_of("half_year", at(2026, 7, 1)), "6 tháng cuối năm 2026", "second half of 2026"),
        (period_of("nine_months", at(2026, 9, 30)), "9 tháng đầu năm 2026", "first nine months of 2026"),
        (period_of("year", at(2026, 9, 30)), "năm 2026", "2026"),
        (budget_year(2026), "lũy kế năm ngân sách 2026", "budget year 2026 to date"),
        (period_of("july_november", at(2026, 7, 30)), "kỳ tháng 7/2026", "July 2026"),
        (period_of("on_decision", at(2026, 7, 30)), "theo quyết định ngày 30/07/2026", "decision of 30 July 2026"),
        (years(2026, 2030), "giai đoạn 2026–2030", "2026–2030"),
    ],
)  # fmt: skip
def test_labels(found: Period, vi: str, en: str) -> None:
    assert (label_vi(found), label_en(found)) == (vi, en)


@given(st.sampled_from(WHOLE), instants, instants)
def test_two_periods_of_a_kind_have_one_label_only_where_they_are_one(kind: str, one: int, two: int) -> None:
    first, second = period_of(kind, one), period_of(kind, two)
    assert (label_vi(first) == label_vi(second)) == (first == second)


def test_every_type_of_the_wire_has_a_calendar_or_says_why_not() -> None:
    moment = at(2026, 7, 3)
    for kind in PERIOD_TYPES:
        if kind == "multi_year":
            with pytest.raises(PeriodError, match="document gives the bounds"):
                period_of(kind, moment)
        else:
            assert label_vi(period_of(kind, moment, 2026))


@pytest.mark.parametrize(
    ("kind", "moment", "words"),
    [
        ("fortnight", at(2026, 1, 1), "unknown period type"), ("nine_months", at(2026, 10, 1), "nine months"),
        ("day", 10**17, "milliseconds"),
        ("day", -(10**15), "milliseconds"), ("month", at(1975, 5, 1), "1975"), ("year", 10**30, "milliseconds"),
    ],
)  # fmt: skip
def test_what_has_no_period_is_told(kind: str, moment: int, words: str) -> None:
    with pytest.raises(PeriodError, match=words):
        period_of(kind, moment)


@pytest.mark.parametrize("step", [previous, calendars.next, same_period_last_year])
def test_a_decision_and_a_plan_have_no_neighbours(step: object) -> None:
    assert callable(step)
    for found in (period_of("on_decision", at(2026, 7, 30)), years(2026, 2030)):
        with pytest.raises(PeriodError, match="no calendar"):
            step(found)
    with pytest.raises(PeriodError, match="comes before"):
        years(2030, 2026)


@given(instants)
def test_instants_survive_the_clock(moment: int) -> None:
    assert to_ms(local(moment)) == moment
