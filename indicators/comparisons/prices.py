"""K17: constant and current prices (Decision 1012 B.1; Hải Phòng A.XIII.1–5; guide 7146 §5.3.1).

Amounts at current prices hold growth and inflation together. With a price index of a fixed base (base = 100), an amount at the base's
prices is the amount / index × 100. Real and nominal growth and the deflator are bound by (1 + nominal) = (1 + real) × (1 + deflator).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from indicators.comparisons.figures import Figures, NoComparison, six
from indicators.period import Period, same_period_last_year


class Growth(NamedTuple):
    """Growth over the same period of last year in percent: at current prices, at constant prices, and of the prices between (deflator)."""

    nominal: Decimal
    real: Decimal
    deflator: Decimal


def constant(current: Decimal, index: Decimal) -> Decimal | NoComparison:
    """An amount at the prices of the index's base."""
    return six(Fraction(current) * 100 / Fraction(index)) if index > 0 else NoComparison("zero_base")


def rebased(index: Figures, base: Period) -> dict[Period, Decimal] | NoComparison:
    """The index with another base period as 100."""
    at = index.get(base)
    if at is None:
        return NoComparison("no_base")
    return {p: six(Fraction(v) * 100 / Fraction(at)) for p, v in index.items()} if at else NoComparison("zero_base")


def growth(current: Figures, constant_prices: Figures, period: Period) -> Growth | NoComparison:
    """Nominal and real growth of a series reported at both prices, and the growth of the prices that lies between them."""
    before = same_period_last_year(period)
    given = [figures.get(p) for figures in (current, constant_prices) for p in (period, before)]
    if given[0] is None or given[2] is None:
        return NoComparison("no_figure")
    if given[1] is None or given[3] is None:
        return NoComparison("no_base")
    if given[1] <= 0 or given[3] <= 0 or given[2] <= 0:
        return NoComparison("zero_base")
    nominal, real = Fraction(given[0]) / Fraction(given[1]), Fraction(given[2]) / Fraction(given[3])
    return Growth(six((nominal - 1) * 100), six((real - 1) * 100), six((nominal / real - 1) * 100))
