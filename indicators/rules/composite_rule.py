"""Composites: a rule over other rules. How many provinces of the country are in alert, which share, whether two signs come together. Pure.

Members are pairs of a rule and a series; a composite is stepped with each finding of a member. It is judged in the order the findings come,
with the event time of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from indicators.rule import Rule
from indicators.rules.finding import NOTHING_SAID, Finding, Said, change, ladder_of, said_after
from indicators.rules.kinds import Composite
from indicators.rules.ladder import Number

SIX = Decimal("0.000001")
KEPT = 400


@dataclass(frozen=True, slots=True)
class CompositeState:
    """Severity of each member in alert, the course of numbers so far, the last word."""

    members: Mapping[tuple[str, str], int] = field(default_factory=dict)
    course: tuple[Number, ...] = ()
    said: Said = NOTHING_SAID


class CompositeRule:
    """One composite for one parent. `expected`: how many members there are in all, for a share."""

    def __init__(self, rule: Rule, expected: int) -> None:
        if rule.composite is None:
            raise ValueError(f"{rule.id}: not a rule of kind composite")
        self.rule, self._policy, self._expected = rule, rule.composite, expected
        self.ladder = ladder_of(rule)

    def step(self, state: CompositeState, member: tuple[str, str], severity: int, at: int) -> tuple[CompositeState, Finding | None]:
        """A member (rule, series) stands at `severity` since `at` (event time, epoch ms). Rules that are not named change nothing."""
        if member[0] not in self._policy.of or state.members.get(member, 0) == severity:
            return state, None
        members = {**state.members, member: severity}
        number = measured(self._policy, members, self._expected)
        at = max(at, state.course[-1].at) if state.course else at
        course = (*state.course, Number(at, at, number))[-KEPT:]
        finding = change(self.ladder, state.said, self.ladder.standing(course), corrected=False, number=number, value=number)
        return replace(state, members=members, course=course, said=said_after(finding, state.said)), finding


def measured(policy: Composite, members: Mapping[tuple[str, str], int], expected: int) -> Decimal:
    """What a composite measures of its members' severities: (rule, series) → severity. `expected`: how many there are in all."""
    counted = sum(severity >= policy.min_severity for severity in members.values())
    if policy.measure == "count":
        return Decimal(counted)
    if policy.measure == "share":
        share = Fraction(100 * counted, expected) if expected else Fraction(0)
        return (Decimal(share.numerator) / share.denominator).quantize(SIX)
    worst = [max((s for (rule, _), s in members.items() if rule == named), default=0) for named in policy.of]
    return Decimal(min(worst) if policy.measure == "all" else max(worst))
