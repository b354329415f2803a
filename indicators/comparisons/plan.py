"""K6 and K7: a figure against each of its plans, by name, and against the path to a target, in the unit of the target and in days.

A plan is never «the plan»: eleven months of 2022 were 52.43 % of all assigned capital and 58.33 % of what the Prime Minister had assigned.
Gaps are above zero when a figure is ahead, whether the target is at least or at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from indicators.comparisons.figures import NoComparison, percent, six
from indicators.target import Target

LastYear = Mapping[date, Decimal]
"""Last year's course of the same indicator, by day of last year; for paths of the shape `last_year`."""


class Completion(NamedTuple):
    """A figure in percent of one named plan, and what is left of the plan (below zero: exceeded)."""

    plan: str
    percent: Decimal
    left: Decimal


class OnPath(NamedTuple):
    """A figure and its path on a day. `gap` in the unit of the target («điểm %» of percentages); `days` ahead (above zero) or behind; None
    where the path never passes the figure before its end. `missing`: distance to the end value, zero once it is reached."""

    target: str
    plan: str
    value: Decimal
    path: Decimal
    gap: Decimal
    days: int | None
    missing: Decimal


def against_plans(value: Decimal | None, plans: Mapping[str, Decimal | None]) -> dict[str, Completion | NoComparison]:
    """K6: completion of every plan or estimate of one thing, kept apart by name."""
    return {name: _completion(value, name, plan) for name, plan in plans.items()}


def against_path(target: Target, value: Decimal, day: date, last_year: LastYear | None = None) -> OnPath | NoComparison:
    """K7: the figure of a day against the target's path on that day."""
    if not target.valid_on(day):
        return NoComparison("outside_path")
    points = path_points(target, last_year)
    if isinstance(points, NoComparison):
        return points
    sign = 1 if target.direction == "at_least" else -1
    expected, figure = value_on(points, day), Fraction(value)
    passed = _passed(points, figure)
    missing = max(sign * (Fraction(target.end_value) - figure), Fraction(0))
    days = None if passed is None else (passed - day).days
    return OnPath(target.id, target.plan, value, six(expected), six(sign * (figure - expected)), days, six(missing))


def path_points(target: Target, last_year: LastYear | None = None) -> list[tuple[date, Fraction]] | NoComparison:
    """The corners of the path, by day; straight between them."""
    start = (target.starts_on, Fraction(target.path.start_value))
    match target.path.shape:
        case "straight":
            return [start, (target.ends_on, Fraction(target.end_value))]
        case "points":
            corners = [(point.day, Fraction(point.value)) for point in target.path.points]
            return corners if corners[0][0] == target.starts_on else [start, *corners]
    return _shape_of_last_year(target, last_year or {})


def value_on(points: list[tuple[date, Fraction]], day: date) -> Fraction:
    """The height of the path on a day; flat before its first corner and after its last."""
    if day <= points[0][0]:
        return points[0][1]
    for (start, low), (end, high) in pairwise(points):
        if day <= end:
            return low + (high - low) * Fraction((day - start).days, (end - start).days)
    return points[-1][1]


def _completion(value: Decimal | None, name: str, plan: Decimal | None) -> Completion | NoComparison:
    if plan is None:
        return NoComparison("no_plan")
    if value is None:
        return NoComparison("no_figure")
    share = percent(Fraction(value), Fraction(plan))
    return NoComparison("zero_base") if share is None else Completion(name, share, plan - value)


def _shape_of_last_year(target: Target, last_year: LastYear) -> list[tuple[date, Fraction]] | NoComparison:
    """Last year's course moved by whole years and stretched to the end value."""
    course = sorted(last_year.items())
    if len(course) < 2 or course[-1][1] == course[0][1]:
        return NoComparison("no_base")
    first, last = Fraction(course[0][1]), Fraction(course[-1][1])
    start, span = Fraction(target.path.start_value), (course[-1][0] - course[0][0]).days
    stretch = (target.ends_on - target.starts_on).days
    rise = Fraction(target.end_value) - start
    corners = {}
    for day, value in course:
        moved = target.starts_on + timedelta(days=(day - course[0][0]).days * stretch // span)
        corners[moved] = start + rise * (Fraction(value) - first) / (last - first)
    return sorted(corners.items())


def _passed(points: list[tuple[date, Fraction]], figure: Fraction) -> date | None:
    """The last day on which the path has not yet gone beyond the figure; the first day where it is beyond from the beginning."""
    upward = points[-1][1] >= points[0][1]
    reached = [(day, value if upward else -value) for day, value in points]
    figure = figure if upward else -figure
    if figure >= max(value for _, value in reached):
        return reached[-1][0] if figure == reached[-1][1] else None
    for (start, low), (end, high) in pairwise(reached):
        if high > figure:
            return start + timedelta(days=max(int((figure - low) / (high - low) * (end - start).days), 0))
    return reached[0][0]
