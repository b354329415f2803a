"""K8, K15, K16, K18: the trend and what leaves it, direction, forecast with an interval, supply against demand, colours."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.comparisons.direction import Better, Direction, direction
from indicators.comparisons.figures import NoComparison
from indicators.comparisons.forecast import Balance, Forecast, balance, forecast
from indicators.comparisons.status import Margins, status
from indicators.comparisons.trend import Line, Point, against_trend, line_of
from tests.indicators.comparisons.support import month, months

D = Decimal


def test_k8_the_line_is_not_bent_by_one_wild_value() -> None:
    assert line_of([Fraction(v) for v in (1, 3, 5, 7, 900, 11, 13)]) == Line(Fraction(2), Fraction(1))


def test_k8_a_point_off_the_trend() -> None:
    # Line of Theil and Sen through 10, 12, 13, 16, 18, 19: slope 2 (the median of fifteen slopes), level 10 (the median of 10, 10, 9, 10,
    # 10, 9): residuals 0, 0, −1, 0, 0, −1. Their median is 0 and the median distance 0: no usual distance.
    steady = against_trend(months(2026, 10, 12, 13, 16, 18, 19, 22), month(2026, 7))
    assert steady == Point(D(22), D(22), D(0), D(2), None, False)
    # 10, 11, 14, 15, 20, 19: pairs give slope 2; values less 2 × place: 10, 9, 10, 9, 12, 9: level 9,5; residuals 0,5 −0,5 0,5 −0,5 2,5
    # −0,5: median 0, distances 0,5 0,5 0,5 0,5 2,5 0,5: 0,5. Expected 9,5 + 12 = 21,5; 31,5 is 10 above: 0,6745 × 10 / 0,5 = 13,49.
    wild = against_trend(months(2026, 10, 11, 14, 15, 20, 19, "31.5"), month(2026, 7))
    assert wild == Point(D("31.5"), D("21.5"), D(10), D(2), D("13.49"), True)
    near = against_trend(months(2026, 10, 11, 14, 15, 20, 19, 24), month(2026, 7))
    assert isinstance(near, Point)
    assert (near.score, near.outlier) == (D("3.3725"), False)


def test_k8_says_when_it_cannot_judge() -> None:
    assert against_trend(months(2026, 1, 2, 3, 4, 5, 6), month(2026, 6)) == NoComparison("too_few")
    assert against_trend(months(2026, 1), month(2026, 2)) == NoComparison("no_figure")


@pytest.mark.parametrize(
    ("before", "previous", "now", "better", "expected"),
    [
        (100, 100, 105, "higher", Direction("up", "up", True, False)), (100, 100, 95, "higher", Direction("down", "down", False, True)),
        (100, 100, 101, "higher", Direction("stable", "stable", None, False)),
        (90, 100, 95, "higher", Direction("down", "up", False, False)),
        (100, 100, 105, "lower", Direction("up", "up", False, True)), (100, 100, 105, "neither", Direction("up", "up", None, False)),
        (None, 100, 95, "higher", Direction("down", None, False, False)),
    ],
)  # fmt: skip
def test_k15_direction_with_a_dead_band(before: int | None, previous: int, now: int, better: Better, expected: Direction) -> None:
    figures = {month(2026, 1): D(previous), month(2026, 2): D(now)} | ({} if before is None else {month(2025, 2): D(before)})
    assert direction(figures, month(2026, 2), better) == expected


def test_k15_needs_the_previous_figure() -> None:
    assert direction({month(2026, 2): D(1)}, month(2026, 2), "higher") == NoComparison("no_base")


def test_k16_supply_against_forecast_demand() -> None:
    assert balance(D(24500), D(25000)) == Balance(D(-500), D(98), True)
    assert balance(D(9500), D(0)) == Balance(D(9500), None, False)
    assert balance(D(1), None) == NoComparison("no_plan")
    assert balance(None, D(1)) == NoComparison("no_figure")


def test_k16_a_forecast_with_its_interval() -> None:
    # The line of 10, 11, 14, 15, 20, 19 is 9,5 + 2 × place; its errors in order 0,5 0,5 0,5 0,5 0,5 2,5. Eight tenths of six is the
    # fifth: 0,5. September is 3 months after June, place 8: 25,5; the root of 3 is 1,74 in hundredths upwards: ± 0,87.
    found = forecast(months(2026, 10, 11, 14, 15, 20, 19), month(2026, 9))
    assert found == Forecast(D("25.5"), D("24.63"), D("26.37"), 3)
    all_errors = forecast(months(2026, 10, 11, 14, 15, 20, 19), month(2026, 7), share=D(1))
    assert all_errors == Forecast(D("21.5"), D("19"), D("24"), 1)


def test_k16_does_not_bridge_a_gap() -> None:
    figures = months(2026, 1, 2, 3, 4, 5, 6, 7)
    del figures[month(2026, 3)]
    assert forecast(figures, month(2026, 8)) == NoComparison("too_few")
    assert forecast({}, month(2026, 8)) == NoComparison("too_few")


@given(st.lists(st.integers(-1000, 1000), min_size=6, max_size=11), st.integers(-50, 50))
def test_forecast_and_trend_move_with_the_series(values: list[int], shift: int) -> None:
    at = month(2026, len(values) + 1)
    plain, moved = forecast(months(2026, *values), at), forecast(months(2026, *(v + shift for v in values)), at)
    assert isinstance(plain, Forecast)
    assert isinstance(moved, Forecast)
    assert (moved.expected, moved.low, moved.high) == (plain.expected + shift, plain.low + shift, plain.high + shift)
    assert plain.low <= plain.expected <= plain.high


@pytest.mark.parametrize(
    ("gap", "days_left", "finished", "colour"),
    [
        ("0", None, False, "green"), ("-5", None, False, "green"), ("-5.1", None, False, "yellow"), ("-10", 30, False, "yellow"),
        ("-10.1", 30, False, "red"), ("-0.1", -1, False, "red"), ("0", -1, False, "green"), ("-50", -90, True, "green"),
    ],
)  # fmt: skip
def test_k18_colours(gap: str, days_left: int | None, finished: bool, colour: str) -> None:
    found = status(D(gap), Margins(D(5), D(10)), days_left, finished)
    assert found.colour == colour
    assert found.colour_vi == {"green": "xanh", "yellow": "vàng", "red": "đỏ"}[colour]


def test_k18_margins_in_order() -> None:
    with pytest.raises(ValueError, match="risk <= late"):
        status(D(0), Margins(D(10), D(5)))
