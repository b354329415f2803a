"""The algebra of measure units: which may be added, what a product or a ratio is measured in, and exact conversion.

A quantity is a scale over powers of base units. A unit of `catalogue/measure-units.yaml` without `equals` is a base of its own (đồng, bed,
person …); one with `equals` is defined by others: percent = 1/100, km2 = 1000000 * m2, vnd_per_person = VND / person. Sums need equal
bases and convert scales, so that hectares and square kilometres add up and đồng and beds do not. Scales are fractions: nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from indicators.derived.expression import Binary, Call, ExpressionError, Name, Node, Number, parse
from indicators.measure_unit import MeasureUnit


class Quantity(NamedTuple):
    """`scale` × the product of base units to their powers; `bases` sorted by name, without zero powers."""

    scale: Fraction
    bases: tuple[tuple[str, int], ...]

    def times(self, other: Quantity, power: int) -> Quantity:
        """The product with `other` to the power 1 or −1."""
        powers = dict(self.bases)
        for base, exponent in other.bases:
            powers[base] = powers.get(base, 0) + power * exponent
        return Quantity(self.scale * other.scale**power, tuple(sorted((b, e) for b, e in powers.items() if e)))

    def words(self) -> str:
        """`VND·person^-1`; «a pure number» without bases."""
        return "·".join(b if e == 1 else f"{b}^{e}" for b, e in self.bases) or "a pure number"


PURE = Quantity(Fraction(1), ())


def quantities(units: Mapping[str, MeasureUnit]) -> dict[str, Quantity]:
    """The quantity of every unit by its code. Raises ExpressionError naming a unit that is unknown or defined by itself."""
    found: dict[str, Quantity] = {}
    for code in units:
        _resolve(code, units, found, ())
    return found


def quantity_of(node: Node, operands: Mapping[str, Quantity], units: Mapping[str, Quantity]) -> Quantity:
    """What an expression is measured in. The scale of the result is 1: values are evaluated in base units.

    Raises ExpressionError where sides that are added or compared have different bases, or a unit or role is unknown.
    """
    match node:
        case Number(_, unit):
            return Quantity(Fraction(1), _known(unit, units).bases) if unit else PURE
        case Name(role):
            if role not in operands:
                raise ExpressionError(f"{role}: no term has this role")
            return Quantity(Fraction(1), operands[role].bases)
        case Binary(operator, left, right):
            a, b = quantity_of(left, operands, units), quantity_of(right, operands, units)
            if operator in "*/":
                return a.times(b, 1 if operator == "*" else -1)
            return _same(a, b, operator)
        case Call(function, arguments):
            first, *others = (quantity_of(argument, operands, units) for argument in arguments)
            for other in others:
                _same(first, other, function)
            return first


def _same(a: Quantity, b: Quantity, operator: str) -> Quantity:
    if a.bases != b.bases:
        raise ExpressionError(f"{operator}: {a.words()} and {b.words()} are different quantities and cannot be joined")
    return a


def _known(unit: str, units: Mapping[str, Quantity]) -> Quantity:
    if unit not in units:
        raise ExpressionError(f"{unit}: no measure unit of measure-units.yaml has this code")
    return units[unit]


def _resolve(code: str, units: Mapping[str, MeasureUnit], found: dict[str, Quantity], above: tuple[str, ...]) -> Quantity:
    if code in found:
        return found[code]
    if code in above:
        raise ExpressionError(f"{code}: equals itself by way of {', '.join(above)}")
    if code not in units:
        raise ExpressionError(f"{above[-1] if above else code}: equals: unit {code} is not in measure-units.yaml")
    text = units[code].equals
    try:
        result = _of_units(parse(text), units, found, (*above, code)) if text else Quantity(Fraction(1), ((code, 1),))
    except ExpressionError as e:
        raise e if above else ExpressionError(f"{code}: {e}") from None
    found[code] = result
    return result


def _of_units(node: Node, units: Mapping[str, MeasureUnit], found: dict[str, Quantity], above: tuple[str, ...]) -> Quantity:
    match node:
        case Number(value, ""):
            return Quantity(Fraction(value), ())
        case Name(role):
            return _resolve(role, units, found, above)
        case Binary("*" | "/" as operator, left, right):
            a, b = _of_units(left, units, found, above), _of_units(right, units, found, above)
            return a.times(b, 1 if operator == "*" else -1)
    raise ExpressionError("equals: only numbers, unit codes, * and / may define a unit")
