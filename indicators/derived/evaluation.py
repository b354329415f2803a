"""Evaluation of an expression: exact, without floats, and with a reason where there is no value.

Operands come in base units as fractions; only the result is rounded, once, in the way the definition says. The value is a pure function of
the operands: whatever order revisions arrive in, equal operands give an equal result.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from indicators.derived.expression import Binary, Call, Name, Node, Number, roles
from indicators.derived.quantity import Quantity

Rounding = Literal["half_up", "half_even", "down"]
Reason = Literal["missing_operand", "zero_denominator", "condition", "not_published"]
_WIDE = Context(prec=200)
"""Wider than any numerator here: making a decimal of a whole number never rounds."""


class Absence(NamedTuple):
    """Why there is no value: the reason, the roles it concerns, and the words of a condition that does not hold."""

    reason: Reason
    roles: tuple[str, ...]
    detail_vi: str = ""
    detail_en: str = ""

    def text_vi(self, names: Mapping[str, str]) -> str:
        """One sentence for a reader; `names`: Vietnamese name of each role."""
        said = ", ".join(names.get(role, role) for role in self.roles)
        match self.reason:
            case "missing_operand":
                return f"chưa có số liệu: {said}"
            case "zero_denominator":
                return f"mẫu số bằng 0: {said}"
            case "not_published":
                return f"cơ quan thống kê chưa công bố: {said}"
            case "condition":
                return f"không tính được: {self.detail_vi}"

    def text_en(self, names: Mapping[str, str]) -> str:
        """The same in English."""
        said = ", ".join(names.get(role, role) for role in self.roles)
        match self.reason:
            case "missing_operand":
                return f"no figure yet: {said}"
            case "zero_denominator":
                return f"the denominator is zero: {said}"
            case "not_published":
                return f"not published yet: {said}"
            case "condition":
                return f"cannot be computed: {self.detail_en}"


class Value(NamedTuple):
    """A result: rounded as the definition says, exact in its unit, and the roles counted as zero because nobody reported any."""

    value: Decimal
    exact: Fraction
    assumed_zero: tuple[str, ...] = ()


Outcome = Value | Absence


class ZeroDenominator(ArithmeticError):
    """A divisor is zero; `roles` are those it is made of."""

    def __init__(self, divisor: Node) -> None:
        self.roles = tuple(sorted(roles(divisor)))
        super().__init__(f"zero denominator: {', '.join(self.roles)}")


def exact(node: Node, operands: Mapping[str, Fraction], units: Mapping[str, Quantity]) -> Fraction:
    """The value of an expression, operands and result in base units. Raises ZeroDenominator; KeyError for a role without operand."""
    match node:
        case Number(value, unit):
            return Fraction(value) * (units[unit].scale if unit else 1)
        case Name(role):
            return operands[role]
        case Binary(operator, left, right):
            return _joined(operator, exact(left, operands, units), exact(right, operands, units), right)
        case Call("abs", (argument,)):
            return abs(exact(argument, operands, units))
        case Call(function, arguments):
            values = [exact(argument, operands, units) for argument in arguments]
            return min(values) if function == "min" else max(values)


def _joined(operator: str, a: Fraction, b: Fraction, divisor: Node) -> Fraction:
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
    if b == 0:
        raise ZeroDenominator(divisor)
    return a / b


def rounded(value: Fraction, places: int, rounding: Rounding) -> Decimal:
    """The decimal with `places` decimals nearest to a fraction: half up away from zero, half to even, or cut towards zero."""
    scaled = abs(value) * 10**places
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    up = {"down": False, "half_up": twice >= scaled.denominator,
          "half_even": twice > scaled.denominator or (twice == scaled.denominator and whole % 2 == 1)}[rounding]  # fmt: skip
    digits = whole + up
    return _WIDE.scaleb(_WIDE.create_decimal(-digits if value < 0 and digits else digits), -places)
