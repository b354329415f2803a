"""K8: a point against the trend of its series, robust against the very outliers it looks for.

Trend: the line of Theil and Sen (the median of the slopes of all pairs), which one wild value in four cannot bend. Score: the modified
z-score of Iglewicz and Hoaglin (1993), 0.6745 × (residual − median residual) / median absolute deviation; beyond 3.5 they call a point an
outlier. Both figures are defaults of method, not of a document: guide 7146 §3.5.2 asks for «điểm bất thường» and gives no limit.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from indicators.comparisons.figures import Figures, NoComparison, median, six
from indicators.period import Period

LEAST_PERIODS = 6
OUTLIER_SCORE = Decimal("3.5")
_NORMAL = Fraction(6745, 10_000)
"""The third quartile of the standard normal distribution: makes the deviation comparable to a standard deviation."""


class Line(NamedTuple):
    """`level` + `slope` × place of the period in order, from 0."""

    slope: Fraction
    level: Fraction

    def at(self, place: int) -> Fraction:
        """The value on the line."""
        return self.level + self.slope * place


class Point(NamedTuple):
    """A figure against the trend of the figures before it. `score` None: those before lie on one line exactly, so no distance is usual."""

    value: Decimal
    expected: Decimal
    residual: Decimal
    slope: Decimal
    score: Decimal | None
    outlier: bool


def line_of(values: list[Fraction]) -> Line:
    """The line of Theil and Sen through values one period apart; two values or more."""
    slopes = [(b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(values), 2)]
    slope = median(slopes)
    return Line(slope, median([value - slope * place for place, value in enumerate(values)]))


def against_trend(figures: Figures, period: Period, most: int = 12) -> Point | NoComparison:
    """The figure of a period against the line through the last `most` figures before it. At least six are needed."""
    if period not in figures:
        return NoComparison("no_figure")
    before = sorted((p for p in figures if p.type == period.type and p.start_ms < period.start_ms), key=lambda p: p.start_ms)[-most:]
    if len(before) < LEAST_PERIODS:
        return NoComparison("too_few")
    values = [Fraction(figures[p]) for p in before]
    line = line_of(values)
    residuals = [value - line.at(place) for place, value in enumerate(values)]
    expected = line.at(len(values))
    residual = Fraction(figures[period]) - expected
    score = _score(residual, residuals)
    outlier = residual != 0 if score is None else abs(score) > OUTLIER_SCORE
    return Point(figures[period], six(expected), six(residual), six(line.slope), score, outlier)


def _score(residual: Fraction, residuals: list[Fraction]) -> Decimal | None:
    centre = median(residuals)
    spread = median([abs(r - centre) for r in residuals])
    return six(_NORMAL * (residual - centre) / spread) if spread else None
