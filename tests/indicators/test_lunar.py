"""Tết: the reckoned days against those of the calendars of 2000–2035, and against the table of the package `holidays` to 2100."""

from __future__ import annotations

from datetime import date

import pytest
from holidays import country_holidays
from hypothesis import given
from hypothesis import strategies as st

from indicators.lunar import FIRST_YEAR, LAST_YEAR, LunarDay, LunarError, day_of, from_tet, new_year

KNOWN = """
2000-02-05 2001-01-24 2002-02-12 2003-02-01 2004-01-22 2005-02-09 2006-01-29 2007-02-17 2008-02-07 2009-01-26 2010-02-14
2011-02-03 2012-01-23 2013-02-10 2014-01-31 2015-02-19 2016-02-08 2017-01-28 2018-02-16 2019-02-05 2020-01-25 2021-02-12
2022-02-01 2023-01-22 2024-02-10 2025-01-29 2026-02-17 2027-02-06 2028-01-26 2029-02-13 2030-02-02 2031-01-23 2032-02-11
2033-01-31 2034-02-19 2035-02-08
"""


@pytest.mark.parametrize("day", [date.fromisoformat(text) for text in KNOWN.split()], ids=str)
def test_known_days_of_tet(day: date) -> None:
    assert new_year(day.year) == day


def test_years_in_which_hanoi_and_beijing_differ() -> None:
    # An hour decides: new moons between 23:00 and 24:00 in Hanoi. In 1985 a whole month.
    assert (new_year(1985), new_year(2007), new_year(2030)) == (date(1985, 1, 21), date(2007, 2, 17), date(2030, 2, 2))


def test_every_year_agrees_with_the_published_table() -> None:
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        table = country_holidays("VN", years=year, language="vi")
        named = [day for day, name in table.items() if "Tết Nguyên Đán" in str(name).split("; ")]
        assert new_year(year) == min(named)


@given(st.dates(date(1977, 1, 1), date(2099, 12, 31)))
def test_days_from_tet_go_there_and_back(day: date) -> None:
    lunar = from_tet(day)
    assert day_of(lunar) == day
    assert -193 <= lunar.offset <= 193
    assert from_tet(new_year(2026)) == LunarDay(2026, 0)


def test_years_beyond_the_reckoning_are_refused() -> None:
    with pytest.raises(LunarError, match="1976–2100"):
        new_year(2101)
    with pytest.raises(LunarError):
        from_tet(date(1970, 1, 1))
