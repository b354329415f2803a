"""Numbers, money and dates as Vietnamese readers write them, and read back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.instant import VIETNAM, to_ms
from indicators.numbers_vi import NumberError, date_vi, money_vi, number_vi, parse_vi, percent_vi, points_vi, time_vi, unaccent_vi

values = st.decimals(min_value=-(10**20), max_value=10**20, places=6, allow_nan=False)


@given(values)
def test_what_is_written_is_read_back_exactly(value: Decimal) -> None:
    assert parse_vi(number_vi(value)) == value
    assert parse_vi(number_vi(value, 6)) == value


@given(values, st.integers(0, 6))
def test_rounding_moves_by_at_most_half_a_unit_and_never_shows_minus_zero(value: Decimal, places: int) -> None:
    shown = number_vi(value, places)
    assert abs(parse_vi(shown) - value) * 2 <= Decimal(1).scaleb(-places)
    assert not shown.startswith("-") or parse_vi(shown) < 0
    assert len(shown.partition(",")[2]) == places


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("1234.5", None, "1.234,5"), ("1234567.50", None, "1.234.567,5"), ("0", None, "0"), ("1E+3", None, "1.000"), ("-0.04", 1, "0,0"),
        ("0.05", 1, "0,1"), ("-0.05", 1, "-0,1"), ("2.5", 0, "3"), ("-1234.5", 2, "-1.234,50"),
        ("99999999999999999999.999999", 6, "99.999.999.999.999.999.999,999999"),
    ],
)  # fmt: skip
def test_numbers(value: str, places: int | None, text: str) -> None:
    assert number_vi(Decimal(value), places) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("850000", "850.000 đồng"), ("999949", "999.949 đồng"), ("1000000", "1,0 triệu đồng"), ("12500000", "12,5 triệu đồng"),
        ("999949999", "999,9 triệu đồng"), ("999950000", "1,0 tỷ đồng"), ("1234500000000", "1.234,5 tỷ đồng"),
        ("-2500000000", "-2,5 tỷ đồng"),
        ("0", "0 đồng"), ("100000000000000000000", "100.000.000.000,0 tỷ đồng"),
    ],
)  # fmt: skip
def test_money_in_the_unit_a_reader_says(amount: str, text: str) -> None:
    assert money_vi(Decimal(amount)) == text


def test_percent_and_points_are_not_the_same() -> None:
    assert percent_vi(Decimal("52.434")) == "52,43%"
    assert points_vi(Decimal("7.35")) == "7,4 điểm %"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234,5", "1234.5"), ("1234,5", "1234.5"), (" -7 ", "-7"), ("−7,25", "-7.25"), ("1 234", "1234"),
        ("1\u00a0234,0", "1234.0"), ("+3", "3"),
        ("0,000001", "0.000001"), ("1.000.000", "1000000"),
    ],
)  # fmt: skip
def test_parse(text: str, value: str) -> None:
    assert parse_vi(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "-", "1.5", "1,234.5", "1.23.456", "12.34,5", "1,2,3", "abc", "1e5", "NaN", "∞", "1.234,", ",5", "٣", "12%", "--1", "0x10"]
)
def test_what_is_not_a_number_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(NumberError, match=r"1\.234,5") as e:
        parse_vi(text)
    assert len(text) < 3 or text not in str(e.value).replace("1.234,5", "")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_only_finite_values_are_written(value: str) -> None:
    with pytest.raises(NumberError, match="hữu hạn"):
        number_vi(Decimal(value))


@given(st.text())
def test_any_text_is_a_number_or_a_number_error(text: str) -> None:
    try:
        assert parse_vi(text).is_finite()
    except NumberError:
        return


def test_dates_and_times() -> None:
    moment = to_ms(datetime(2026, 11, 3, 7, 30, 59, tzinfo=VIETNAM))
    assert (date_vi(moment), time_vi(moment)) == ("03/11/2026", "07:30 ngày 03/11/2026")


def test_letters_without_diacritics() -> None:
    assert unaccent_vi("Đặc khu Trường Sa, mực nước 9,5 m: báo động Ⅰ") == "Dac khu Truong Sa, muc nuoc 9,5 m: bao dong Ⅰ"
    assert unaccent_vi("ĂÂĐÊÔƠƯ ăâđêôơư ỹ") == "AADEOOU aadeoou y"
