"""K9: between groups: urban and rural; fast, middle and slow provinces; women, children, ethnic minorities (guide 7146 §3.5.2 (iv)).

A group's rate is computed from the sums of its members' parts, never as the mean of their rates. A member without both parts stays out
and is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from indicators.comparisons.figures import NoComparison, percent, six


class Parts(NamedTuple):
    """Numerator and denominator of one member; of an amount without denominator, 1."""

    numerator: Decimal | None
    denominator: Decimal | None = Decimal(1)


class Group(NamedTuple):
    """The rate of a group in percent, from its sums; None where no member reported or the denominator is zero."""

    rate: Decimal | None
    numerator: Decimal
    denominator: Decimal
    members: int
    late: tuple[str, ...]


class Gap(NamedTuple):
    """How far two groups are apart: `points` («điểm %») and `ratio` of the first to the second."""

    points: Decimal
    ratio: Decimal | None


def rates_by_group(parts: Mapping[str, Parts], group_of: Mapping[str, str]) -> dict[str, Group]:
    """The rate of every group; members without a group are left out."""
    found: dict[str, Group] = {}
    for name in sorted(set(group_of.values())):
        members = {unit: parts.get(unit, Parts(None)) for unit, group in group_of.items() if group == name}
        whole = [p for p in members.values() if p.numerator is not None and p.denominator is not None]
        late = tuple(sorted(u for u, p in members.items() if p.numerator is None or p.denominator is None))
        above = sum((p.numerator for p in whole if p.numerator is not None), Decimal(0))
        below = sum((p.denominator for p in whole if p.denominator is not None), Decimal(0))
        found[name] = Group(percent(Fraction(above), Fraction(below)), above, below, len(members), late)
    return found


def gap(groups: Mapping[str, Group], first: str, second: str) -> Gap | NoComparison:
    """The gap between two groups."""
    if first not in groups or second not in groups:
        return NoComparison("no_group")
    a, b = groups[first].rate, groups[second].rate
    if a is None or b is None:
        return NoComparison("no_figure")
    return Gap(a - b, six(Fraction(a) / Fraction(b)) if b else None)
