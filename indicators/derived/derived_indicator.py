"""A derived indicator ready to compute: its definition with the syntax tree and the quantity of every operand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from indicators.derived.definition import Condition, Definition
from indicators.derived.evaluation import Absence, Outcome, Value, ZeroDenominator, exact, rounded
from indicators.derived.expression import ExpressionError, Node, parse, roles
from indicators.derived.quantity import Quantity, quantity_of

Operands = Mapping[str, Decimal | Fraction | None]
"""Value of each role in the unit of its series; None or left out: no figure."""


@dataclass(frozen=True)
class DerivedIndicator:
    """`evaluate` is a pure function of the operands: the same in any order of arrival, computed whole or one revision at a time."""

    definition: Definition
    tree: Node
    conditions: tuple[tuple[Node, Condition], ...]
    operands: Mapping[str, Quantity]
    result: Quantity
    units: Mapping[str, Quantity]

    @classmethod
    def of(cls, definition: Definition, unit_of: Mapping[str, str], units: Mapping[str, Quantity]) -> DerivedIndicator:
        """Check a definition and make it ready. `unit_of`: the measure unit of each role's values.

        Raises ExpressionError with the field first (`expression: …`) where a formula cannot be read, a term is not used, or units do not
        fit: đồng plus beds, or a result whose unit the expression cannot give.
        """
        operands = {role: units[unit] for role, unit in unit_of.items()}
        if definition.measure_unit not in units:
            raise ExpressionError(f"measure_unit: {definition.measure_unit} is not in measure-units.yaml")
        tree = _checked("expression", definition.expression, operands, units)
        given = quantity_of(tree, operands, units)
        if given.bases != units[definition.measure_unit].bases:
            raise ExpressionError(f"measure_unit: the expression gives {given.words()}, which is no {definition.measure_unit}")
        conditions = tuple(
            (_checked(f"conditions.{index}.above_zero", c.above_zero, operands, units), c) for index, c in enumerate(definition.conditions)
        )
        used = roles(tree).union(*(roles(node) for node, _ in conditions))
        if unused := sorted(set(operands) - used):
            raise ExpressionError(f"terms: {', '.join(unused)}: the expression does not use it")
        return cls(definition, tree, conditions, operands, units[definition.measure_unit], units)

    def evaluate(self, operands: Operands) -> Outcome:
        """The value, or why there is none: operands first, then conditions, then the division."""
        given = {role: value for role in self.operands if (value := operands.get(role)) is not None}
        absent = sorted(set(self.operands) - set(given))
        assumed = tuple(role for role in absent if self.definition.terms[role].missing == "zero")
        if lost := tuple(role for role in absent if role not in assumed):
            return Absence("not_published" if self.definition.published else "missing_operand", lost)
        base = {role: Fraction(value) * self.operands[role].scale for role, value in given.items()} | dict.fromkeys(assumed, Fraction(0))
        try:
            for node, condition in self.conditions:
                if exact(node, base, self.units) <= 0:
                    return Absence("condition", tuple(sorted(roles(node))), condition.reason_vi, condition.reason_en)
            value = exact(self.tree, base, self.units) / self.result.scale
        except ZeroDenominator as e:
            return Absence("zero_denominator", e.roles)
        return Value(rounded(value, self.definition.places, self.definition.rounding), value, assumed)


def _checked(field: str, text: str, operands: Mapping[str, Quantity], units: Mapping[str, Quantity]) -> Node:
    try:
        tree = parse(text)
        quantity_of(tree, operands, units)
    except ExpressionError as e:
        raise ExpressionError(f"{field}: {e}") from None
    return tree
