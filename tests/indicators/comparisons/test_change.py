"""K1–K5: previous period, December, same period by the calendar and by Tết, averages and totals to date."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.comparisons.change import Change, december, previous_period, same_period, same_period_by_tet
from indicators.comparisons.figures import NoComparison
from indicators.comparisons.to_date import average_against_last_year, average_to_date, cumulative, flow_of_running_totals
from indicators.period import Period
from tests.indicators.comparisons.support import day, month, months, year

D = Decimal


def test_k1_against_the_previous_month() -> None:
    change = previous_period(months(2026, 120, 126), month(2026, 2))
    assert change == Change(D(126), D(120), month(2026, 1), D(6), D(5))  # 6 / 120 = 5 %
    assert isinstance(change, Change)
    assert change.as_index == D(105)


def test_k2_against_december_of_last_year() -> None:
    figures = {month(2025, 12): D("118.00"), month(2026, 3): D("119.77")}
    change = december(figures, month(2026, 3))
    assert isinstance(change, Change)
    assert (change.difference, change.percent) == (D("1.77"), D("1.5"))  # 1,77 / 118 = 1,5 %


def test_k3_against_the_same_month_and_the_28th_for_a_leap_day() -> None:
    change = same_period(months(2025, *range(100, 112), 130), month(2026, 1))
    assert isinstance(change, Change)
    assert (change.base_period, change.difference, change.percent) == (month(2025, 1), D(30), D(30))
    leap = same_period({day("2024-02-29"): D(8), day("2023-02-28"): D(10)}, day("2024-02-29"))
    assert isinstance(leap, Change)
    assert leap.percent == D(-20)


@pytest.mark.parametrize(
    ("figures", "cause"),
    [({month(2026, 2): D(1)}, "no_base"), ({month(2026, 1): D(1)}, "no_figure"), ({}, "no_figure")],
)
def test_a_missing_month_is_no_month_of_nothing(figures: dict[Period, Decimal], cause: str) -> None:
    outcome = previous_period(figures, month(2026, 2))
    assert isinstance(outcome, NoComparison)
    assert outcome.cause == cause
    assert outcome.text_vi
    assert outcome.text_en


@pytest.mark.parametrize("base", [0, -5])
def test_there_is_no_growth_from_nothing_or_less_but_a_difference(base: int) -> None:
    change = previous_period(months(2026, base, 10), month(2026, 2))
    assert isinstance(change, Change)
    assert (change.difference, change.percent, change.as_index) == (D(10 - base), None, None)


def test_k3_by_tet_compares_days_equally_far_from_tet() -> None:
    # Tết 2025: 29 January; Tết 2026: 17 February. The fourth day of Tết: 20 February 2026 and 1 February 2025.
    change = same_period_by_tet({day("2026-02-20"): D(55), day("2025-02-01"): D(50), day("2025-02-20"): D(99)}, day("2026-02-20"))
    assert isinstance(change, Change)
    assert (change.base_period, change.percent) == (day("2025-02-01"), D(10))
    far = same_period_by_tet({day("2026-06-20"): D(3), day("2025-06-20"): D(2)}, day("2026-06-20"))
    assert isinstance(far, Change)
    assert far.base_period == day("2025-06-20")


def test_k3_by_tet_takes_two_months_together_where_tet_changed_its_month() -> None:
    figures = months(2025, 80, 120, *[100] * 10, 110, 130)
    assert same_period_by_tet(figures, month(2026, 1)) == NoComparison("not_comparable")
    both = same_period_by_tet(figures, month(2026, 2))
    assert isinstance(both, Change)
    assert (both.value, both.base, both.percent) == (D(240), D(200), D(20))
    # Tết of 2026 and 2027 both fall into February (17 and 6): months compare as they are.
    plain = same_period_by_tet({month(2027, 1): D(3), month(2026, 1): D(2)}, month(2027, 1))
    assert isinstance(plain, Change)
    assert plain.percent == D(50)
    assert same_period_by_tet({month(2026, 2): D(1)}, month(2026, 2)) == NoComparison("no_figure")


def test_k4_is_the_mean_of_indices_over_the_mean_of_last_years() -> None:
    # Fixed base: mean (110 + 112) / 2 = 111 over (100 + 104) / 2 = 102: 8,823529 %. The mean of the growths, 10 % and 7,69 %, is 8,85 %.
    figures = {month(2025, 1): D(100), month(2025, 2): D(104), month(2026, 1): D(110), month(2026, 2): D(112)}
    change = average_against_last_year(figures, month(2026, 2))
    assert isinstance(change, Change)
    assert (change.value, change.base, change.percent) == (D(111), D(102), D("8.823529"))
    assert average_to_date(figures, month(2026, 2)) == D(111)
    del figures[month(2025, 1)]
    assert average_against_last_year(figures, month(2026, 2)) == NoComparison("no_base")


def test_k5_adds_up_the_year_and_only_a_whole_one() -> None:
    figures = months(2025, *[9] * 12, 10, 20, 30)
    assert cumulative(figures, month(2026, 3)) == D(60)
    del figures[month(2026, 2)]
    assert cumulative(figures, month(2026, 3)) == NoComparison("no_figure")
    assert cumulative({year(2026): D(7)}, year(2026)) == D(7)


@given(st.lists(st.integers(-1000, 1000), min_size=12, max_size=24))
def test_running_totals_and_flows_undo_each_other(flows: list[int]) -> None:
    figures = months(2025, *flows)
    totals = {p: t for p in figures if isinstance(t := cumulative(figures, p), Decimal)}
    assert {p: flow_of_running_totals(totals, p) for p in figures} == figures


def test_a_corrected_running_total_gives_a_flow_below_zero() -> None:
    assert flow_of_running_totals(months(2026, 100, 90), month(2026, 2)) == D(-10)
    assert flow_of_running_totals({month(2026, 2): D(90)}, month(2026, 2)) == NoComparison("no_base")
