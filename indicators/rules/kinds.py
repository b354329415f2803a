"""Parameters of the kinds of rules: what is measured before the ladder of levels is held against it.

Each kind measures one number, so that one ladder, one hysteresis and one way of telling serve all. Documents name the comparisons (guide
7146 §3.5.2, §4.7.1–2) and print no limit: whatever number stands here is a default its owner must confirm.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from indicators.datafile import Row
from indicators.instant import DAY_MS, day_start
from indicators.rules import selection

Kind = Literal["threshold", "pacing", "year_on_year", "change", "outlier", "rank", "absence", "due", "composite", "watchdog"]
BY_READING: tuple[Kind, ...] = ("threshold", "pacing")
"""Kinds whose number follows from one figure and its instant; the others need the periods before it, or other series."""
CENT = Decimal("0.01")


class PathPoint(Row):
    """A point of the path: `date` is MM-DD of the budget year, or `next-MM-DD` of the year after; share in percent of the plan."""

    date: str = Field(pattern=r"^(next-)?\d\d-\d\d$")
    share: Decimal = Field(ge=0, le=100)


class Pacing(Row):
    """Path to the plan over a budget year; straight lines between the points, 0 on 1 January. One point is the straight path.

    `compare`: `gap_points` path − value in percentage points; `gap_days` how many days ago the path asked for today's value; `forecast` how
    many points of the plan will be missing at the path's end if the value keeps its present relation to the path.
    """

    figure: Literal["plan", "plan_pm", "plan_local", "plan_carried_over", "budget_estimate"]
    path: tuple[PathPoint, ...] = Field(min_length=1)
    compare: Literal["gap_points", "gap_days", "forecast"] = "gap_points"

    @model_validator(mode="after")
    def _rising(self) -> Self:
        days = [_day_of(point.date, 2026) for point in self.path]
        shares = [point.share for point in self.path]
        if days != sorted(set(days)) or shares != sorted(shares):
            raise ValueError("path: dates rise, and the share of a cumulative plan never falls")
        return self

    def share_at(self, at_ms: int, budget_year: int) -> Decimal:
        """Percent of the plan that the path asks for at `at_ms` (epoch ms) in `budget_year`; two decimals, half up."""
        points = self._points(budget_year)
        if at_ms <= points[0][0]:
            return points[0][1]
        for (t0, s0), (t1, s1) in pairwise(points):
            if at_ms <= t1:
                return (s0 + (s1 - s0) * (at_ms - t0) / (t1 - t0)).quantize(CENT)
        return points[-1][1]

    def measured(self, value: Decimal, at_ms: int, budget_year: int) -> Decimal:
        """How far a rate of completion (percent of the plan) is behind, as `compare` says; two decimals, half up."""
        share = self.share_at(at_ms, budget_year)
        if self.compare == "gap_points":
            return share - value
        if self.compare == "gap_days":
            return _cent(Fraction(min(at_ms, self._points(budget_year)[-1][0]) - self._reached_at(value, budget_year), DAY_MS))
        end = self._points(budget_year)[-1][1]
        return Decimal("0.00") if not share else _cent(Fraction(end) * (1 - Fraction(value) / Fraction(share)))

    def _points(self, budget_year: int) -> list[tuple[int, Decimal]]:
        return [(day_start(date(budget_year, 1, 1)), Decimal(0))] + [(_day_of(p.date, budget_year), p.share) for p in self.path]

    def _reached_at(self, value: Decimal, budget_year: int) -> int:
        """The instant at which the path asks for a value; its ends beyond."""
        points = self._points(budget_year)
        if value <= points[0][1]:
            return points[0][0]
        for (t0, s0), (t1, s1) in pairwise(points):
            if value <= s1 and s1 > s0:
                return t0 + int(Fraction(value - s0) / Fraction(s1 - s0) * (t1 - t0))
        return points[-1][0]


class YearOnYear(Row):
    """Growth against the same period of last year in percent. `align`: by the calendar, or by Tết where it moves between the months.

    Former territory: the caller sums last year's figures of the units that were merged (`Vocabulary.successors`) into the present one.
    """

    align: Literal["calendar", "tet"] = "calendar"
    min_base: Decimal = Field(Decimal(0), ge=0, description="a smaller base says nothing: no comparison")


class ChangeOver(Row):
    """Change over n periods: growth in percent, difference in the unit, or how many rises or falls in a row."""

    periods: int = Field(1, ge=1, le=120)
    measure: Literal["percent", "difference", "rises", "falls"]


class Outlier(Row):
    """Distance from the trend of the periods before, as a robust score (comparison K8)."""

    window: int = Field(12, ge=6, le=120)
    side: Literal["both", "above", "below"] = "both"


class Rank(Row):
    """Places inside the group of the last `n`: 1 is the place just inside, n the very last, 0 and below outside.

    A unit as good as the mean of the others is outside whatever its place. Judged once `reported_share` percent have reported, or the
    period is closed; who reports later takes his own place and changes nobody else's.
    """

    n: int = Field(ge=1)
    best: Literal["highest", "lowest"] = "highest"
    below_mean: bool = True
    reported_share: Decimal = Field(Decimal(95), gt=0, le=100)


class Absence(Row):
    """Hours of silence of each expected series since its newest value: in wall time, or while a market is open."""

    expected: Literal["subjects", "provinces", "providers", "country"] = Field(description="registry the expected series come from")
    trading_calendar: str = Field(
        "", description="code of catalogue/trading-calendars.yaml whose open hours alone count; empty: every hour"
    )
    dimensions: dict[str, str] = Field({}, description="of the expected series, where they carry some; empty: totals")


class Due(Row):
    """Working days past the due day of a reporting calendar (catalogue/due-calendars.yaml); below zero before it.

    It judges every report that catalogue/obligations.yaml puts under this calendar, one alert per provider and period. `remind`: so many
    working days before the due day everybody told of a report still open is told again.
    """

    calendar: str = Field(min_length=1)
    remind: tuple[Annotated[int, Field(ge=1, le=20)], ...] = ()


class Composite(Row):
    """Over other rules. `count`: how many members are in alert; `share`: percent of the members; `all`, `any`: the lowest, the highest
    severity among the rules named in `of` (0: none)."""

    of: tuple[str, ...] = Field(min_length=1, description="rule ids")
    measure: Literal["count", "share", "all", "any"]
    min_severity: int = Field(1, ge=1, le=5)
    where: str = Field("", description="which members count, a condition over `selection.MEMBER`")

    @model_validator(mode="after")
    def _a_condition(self) -> Self:
        selection.check(self.where, selection.MEMBER)
        return self


class Watchdog(Row):
    """Minutes since the platform last proved that it works from end to end."""

    beat: timedelta = Field(gt=timedelta(0), description="how often the proof is expected")


def _cent(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(CENT, ROUND_HALF_UP)


def _day_of(text: str, budget_year: int) -> int:
    """End of the day `MM-DD` or `next-MM-DD` of a budget year, epoch ms."""
    year = budget_year + text.startswith("next-")
    month, day = text.removeprefix("next-").split("-")
    return day_start(date(year, int(month), int(day))) + DAY_MS
