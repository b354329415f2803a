"""A formula: a definition as the stream carries it out at one level (subject, province, country), and where its operands come from.

A definition says what an indicator means; a formula says where its results stand and which panes, sums over dimensions or other results
feed it. Formulas are made of the definitions by `indicators/derived/carrying.py`; their ids are part of result keys and never reused.

Kinds: *ratio*: the expression divides; *sum*: it does not; *rank*: places among the results of another formula, best first, equal values
share a place (1, 2, 2, 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal, NamedTuple

from indicators.derived.definition import Term
from indicators.derived.derived_indicator import DerivedIndicator
from indicators.derived.evaluation import Absence, Rounding, exact, rounded
from indicators.derived.expression import Binary, Name, Node, roles
from indicators.observation import SCALE
from indicators.spec import PaneKind
from indicators.trading_calendar import TradingCalendar

Level = Literal["subject", "province", "country"]
Kind = Literal["ratio", "sum", "rank"]
Unscaled = int | Fraction
UNIT: Final = 10**SCALE


@dataclass(frozen=True, slots=True)
class Input:
    """Where the operands of one role come from.

    - `panes`, `take`: kinds of panes of the series, and their sum or last value; more than one kind only where the newest value counts.
    - `source`: id of the formula (a sum over dimensions) or of the definition whose results are the operands; empty: series.
    - `dimensions`: names that the series or result carries, and no others; a plan's series may carry more, which are added up.
    - `pooled`: entries, of which a period without any says nothing late; else one value a period is due from every unit.
    - `running`: arrives as a running total of the year; `step`: months from one report to the next.
    - `trading_calendar`: whose sessions the days of the series are.
    - `factor`: for results of a ratio, what numerator ÷ denominator is multiplied by to be in the unit of that ratio.
    """

    role: str
    indicator: str
    component: str
    figure: str
    panes: tuple[PaneKind, ...]
    take: Literal["sum", "last"]
    term: Term
    source: str = ""
    dimensions: tuple[str, ...] = ()
    pooled: bool = False
    running: bool = False
    step: int = 1
    trading_calendar: TradingCalendar | None = None
    factor: Fraction = Fraction(0)

    @property
    def varies(self) -> bool:
        """Has it a value of its own each period?"""
        return self.term.take != "newest"


class Evaluated(NamedTuple):
    """What operands give: the rounded value, numerator and denominator of a division (unscaled, in the unit of their series), and why
    there is no value."""

    value: Decimal | None
    numerator: int | None
    denominator: int | None
    reason: str


@dataclass(frozen=True)
class Formula:
    """One formula. `inputs` by role, the leading one first: a result has a period where that role has an operand.

    - `derived`: the definition made ready; None: the sum of the only input (sums over dimensions) or a ranking.
    - `budget_year`: results are kept by budget year and add up to the January in which its capital is last paid.
    - `adds_up`: a parent is computed from the operands of its parts; else only from operands of its own.
    - `figure_compared`: the plan or estimate that the results are held against; empty: none.
    - `of`, `best`: what a ranking ranks, and which end is best. `keep_periods`: periods kept as state, newest first.
    """

    id: str
    name_vi: str
    name_en: str
    source: str
    kind: Kind
    indicator: str
    component: str
    group: str
    level: Level
    measure_unit: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    derived: DerivedIndicator | None = None
    budget_year: bool = False
    adds_up: bool = True
    places: int = 2
    rounding: Rounding = "half_up"
    figure_compared: str = ""
    of: str = ""
    best: Literal["highest", "lowest"] = "highest"
    keep_periods: int = 400

    @property
    def definition(self) -> str:
        """Id of the definition; empty for sums over dimensions and rankings."""
        return self.derived.definition.id if self.derived else ""

    @property
    def leads(self) -> bool:
        """Whether it is the indicator itself, not a variant of it nor a comparison beside it."""
        return self.derived is not None and self.derived.definition.shown and "." not in self.definition

    @cached_property
    def leading(self) -> Input:
        """The input whose periods are those of the results. Rankings have none."""
        return leading_of(self.inputs)

    @cached_property
    def pooled(self) -> bool:
        """Entries of events against plans: totals meet, whoever they are of; else a unit counts with all its operands or with none."""
        return self.derived is not None and any(i.pooled for i in self.inputs.values())

    @cached_property
    def each(self) -> str:
        """Dimension whose every value gives a result of its own."""
        return self.derived.definition.each if self.derived else ""

    @cached_property
    def across(self) -> bool:
        """Whether an operand is reduced over all territories of the level: one state then holds them all."""
        return any(i.term.across for i in self.inputs.values())

    @cached_property
    def factor(self) -> Fraction:
        """What numerator ÷ denominator is multiplied by, both in the units of their series; 0: the expression is no plain division."""
        if self.derived is None or not isinstance(self.derived.tree, Binary) or self.derived.tree.operator != "/":
            return Fraction(0)
        return self._scale(self.derived.tree.left) / self._scale(self.derived.tree.right) / self.derived.result.scale

    def ratio(self, numerator: Decimal, denominator: Decimal) -> Decimal:
        """The value of a numerator and a denominator (not zero) that were added up elsewhere."""
        return rounded(Fraction(numerator) / Fraction(denominator) * self.factor, self.places, self.rounding)

    def evaluate(self, sums: Mapping[str, Unscaled | None]) -> Evaluated:
        """The result of the sums of each role, unscaled in the unit of the series; None or left out: nobody reported any."""
        if self._plain:
            (total,) = (sums.get(role) for role in self.inputs)
            if total is None:
                return Evaluated(None, None, None, "missing_operand")
            return Evaluated(rounded(Fraction(total, UNIT), self.places, self.rounding), _whole(total), None, "")
        assert self.derived is not None
        given = {role: Fraction(v) / UNIT for role in self.inputs if (v := sums.get(role)) is not None}
        outcome = self.derived.evaluate(given)
        numerator, denominator = self._sides(given)
        if isinstance(outcome, Absence):
            return Evaluated(None, numerator, denominator, outcome.reason)
        return Evaluated(outcome.value, numerator if self.factor else _whole(outcome.exact * UNIT), denominator, "")

    @cached_property
    def _plain(self) -> bool:
        return self.derived is None or (isinstance(self.derived.tree, Name) and not self.derived.conditions)

    def _sides(self, given: Mapping[str, Fraction]) -> tuple[int | None, int | None]:
        if not self.factor or self.derived is None:
            return None, None
        tree = self.derived.tree
        assert isinstance(tree, Binary)
        return self._side(tree.left, given), self._side(tree.right, given)

    def _side(self, node: Node, given: Mapping[str, Fraction]) -> int | None:
        """One side of the division in the unit of its first series; None where an operand is missing."""
        assert self.derived is not None
        if not roles(node) <= given.keys():
            return None
        base = {role: given[role] * self.derived.operands[role].scale for role in roles(node)}
        try:
            return _whole(exact(node, base, self.derived.units) / self._scale(node) * UNIT)
        except ArithmeticError:  # a division by zero inside a side: the whole has no value either
            return None

    def _scale(self, node: Node) -> Fraction:
        assert self.derived is not None
        named = sorted(roles(node))
        return self.derived.operands[named[0]].scale if named and len({self.derived.operands[r].bases for r in named}) == 1 else Fraction(1)


def leading_of(inputs: Mapping[str, Input]) -> Input:
    """The first input with a value of its own in the asked period; where all are the newest of the year, the first."""
    listed = list(inputs.values())
    return next((one for one in listed if one.varies and one.term.at == "this"), listed[0])


class Use(NamedTuple):
    """A formula that uses a series or a result, in one role."""

    formula: Formula
    input: Input


def _whole(number: Unscaled) -> int:
    """The nearest whole number, half up away from zero."""
    return number if isinstance(number, int) else int(rounded(number, 0, "half_up"))
