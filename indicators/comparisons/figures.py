"""What every comparison takes and gives: figures by period, exact results, and reasons for no result."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from indicators.derived.evaluation import rounded
from indicators.observation import SCALE
from indicators.period import Period

Figures = Mapping[Period, Decimal]
"""The newest revision of each period of one series; a period that was not reported is not there."""

Cause = Literal[
    "no_figure", "no_base", "zero_base", "no_plan", "too_few", "not_comparable", "no_denominator", "stale_denominator", "no_group",
    "outside_path",
]  # fmt: skip

_TEXTS: dict[Cause, tuple[str, str]] = {
    "no_figure": ("chưa có số liệu của kỳ", "no figure of the period yet"),
    "no_base": ("không có số liệu của kỳ gốc", "no figure of the base period"),
    "zero_base": ("kỳ gốc bằng 0, không tính được tỷ lệ", "the base is zero: no percentage"),
    "no_plan": ("chưa có kế hoạch, dự toán", "no plan or estimate"),
    "too_few": ("chưa đủ số kỳ để so sánh", "too few periods to compare"),
    "not_comparable": ("hai kỳ không so sánh được vì Tết rơi vào hai tháng khác nhau; so sánh cộng dồn hai tháng đầu năm",
                       "Tết falls into different months; compare January and February together"),
    "no_denominator": ("chưa có mẫu số", "no denominator"),
    "stale_denominator": ("mẫu số đã quá cũ", "the denominator is too old"),
    "no_group": ("không có nhóm này", "no such group"),
    "outside_path": ("ngày nằm ngoài lộ trình của chỉ tiêu", "the day lies outside the path of the target"),
}  # fmt: skip


class NoComparison(NamedTuple):
    """Why two figures cannot be compared."""

    cause: Cause

    @property
    def text_vi(self) -> str:
        """The reason for a reader."""
        return _TEXTS[self.cause][0]

    @property
    def text_en(self) -> str:
        """The reason in English."""
        return _TEXTS[self.cause][1]


def six(value: Fraction) -> Decimal:
    """A result as the wire carries it: six decimals, half up."""
    return rounded(value, SCALE, "half_up")


def percent(part: Fraction, whole: Fraction) -> Decimal | None:
    """`part` in percent of `whole`; None where the whole is zero."""
    return six(part * 100 / whole) if whole else None


def mean(values: list[Fraction]) -> Fraction:
    """The arithmetic mean of at least one value."""
    return sum(values, Fraction(0)) / len(values)


def median(values: list[Fraction]) -> Fraction:
    """The median of at least one value, exact."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
