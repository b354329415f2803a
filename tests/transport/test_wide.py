"""128-bit arrays against Python's integers."""

from __future__ import annotations

from decimal import Context, Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.wide import Wide

EDGES = st.sampled_from([0, -1, 1 << 64, -(1 << 64), (1 << 63) - 1, 1 << 63])
SUMMABLE = st.one_of(st.integers(-(1 << 110), 1 << 110), st.integers(-(1 << 63), (1 << 63) - 1), EDGES)
LISTS = st.lists(SUMMABLE, min_size=1, max_size=40)
EXACT = Context(prec=50)  # the default context rounds to 28 digits
DIGITS_38 = st.integers(-(10**38) + 1, 10**38 - 1)


@given(LISTS)
def test_integers_come_back(values: list[int]) -> None:
    assert Wide.from_ints(values).to_ints() == values


@given(st.lists(st.tuples(SUMMABLE, SUMMABLE), min_size=1, max_size=40))
def test_arithmetic_and_order_equal_pythons(pairs: list[tuple[int, int]]) -> None:
    left, right = (Wide.from_ints(column) for column in zip(*pairs, strict=True))
    assert (left + right).to_ints() == [a + b for a, b in pairs]
    assert (left - right).to_ints() == [a - b for a, b in pairs]
    assert (-left).to_ints() == [-a for a, _ in pairs]
    assert (left < right).tolist() == [a < b for a, b in pairs]
    assert left.minimum(right).to_ints() == [min(p) for p in pairs]
    assert left.maximum(right).to_ints() == [max(p) for p in pairs]
    assert left.fits_int64().tolist() == [-(1 << 63) <= a < 1 << 63 for a, _ in pairs]


@given(LISTS, st.data())
def test_segments_are_summed_exactly(values: list[int], data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(1, len(values) - 1)) if len(values) > 1 else st.just(set()))
    starts = [0, *sorted(cuts)]
    parts = [values[a:b] for a, b in zip(starts, [*starts[1:], len(values)], strict=True)]
    wide, at = Wide.from_ints(values), np.array(starts)
    assert wide.sum_by_starts(at).to_ints() == [sum(p) for p in parts]
    assert wide.min_by_starts(at).to_ints() == [min(p) for p in parts]
    assert wide.max_by_starts(at).to_ints() == [max(p) for p in parts]


@settings(max_examples=60)
@given(st.lists(st.one_of(DIGITS_38, st.integers(-(10**9), 10**9)), min_size=1, max_size=30))
def test_decimals_go_to_polars_and_back(values: list[int]) -> None:
    series = Wide.from_ints(values).to_polars()
    assert series.dtype == pl.Decimal(38, 6)
    assert series.to_list() == [EXACT.scaleb(Decimal(v), -6) for v in values]
    assert Wide.from_polars(series).to_ints() == values


def test_nulls_count_as_zero() -> None:
    assert Wide.from_polars(pl.Series([Decimal("1.5"), None], dtype=pl.Decimal(38, 6))).to_ints() == [1_500_000, 0]


@pytest.mark.parametrize("value", [10**38, -(10**38)])
def test_more_digits_than_a_decimal_holds_are_refused(value: int) -> None:
    with pytest.raises(OverflowError, match="38 digits"):
        Wide.from_ints([0, value]).to_polars()


@pytest.mark.parametrize("value", [1 << 127, -(1 << 127) - 1])
def test_more_than_128_bits_are_refused(value: int) -> None:
    with pytest.raises(OverflowError):
        Wide.from_ints([value])
