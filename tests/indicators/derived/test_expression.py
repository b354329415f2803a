"""The language: what parses, what is refused and where; units that may be joined and units that may not."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.derived.evaluation import ZeroDenominator, exact, rounded
from indicators.derived.expression import ExpressionError, parse, roles
from indicators.derived.quantity import Quantity, quantities, quantity_of
from indicators.measure_unit import MeasureUnit, read_measure_units
from transport.settings import HOME

UNITS = quantities(read_measure_units(HOME / "catalogue" / "measure-units.yaml"))


def value(text: str, **operands: int) -> Fraction:
    return exact(parse(text), {role: Fraction(number) for role, number in operands.items()}, UNITS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("8 - 3 - 2", 3), ("8 / 4 / 2", 1), ("-2 * 3", -6), ("2 - -3", 5), ("- (1 + 1)", -2),
        ("min(3, 1, 2)", 1), ("max(3, 1, 2)", 3), ("abs(2 - 5)", 3), ("0.1 + 0.2", Fraction(3, 10)), ("50{percent}", Fraction(1, 2)),
    ],
)  # fmt: skip
def test_arithmetic_is_that_of_school_and_exact(text: str, expected: Fraction) -> None:
    assert value(text) == expected


def test_roles_are_named_once() -> None:
    assert roles(parse("a / (a + b) * min(c, 1)")) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "place 1"), ("1 +", "place 4: a number, a role"), ("(1", "place 3: '\\)'"), ("1 2", "place 3: an operator"),
        ("a ; b", "place 3: ';'"),
        ("sum(a, b)", "place 1: sum"), ("min(a)", r"place 1: min\(1\)"), ("1{2}", "place 3: the code"), ("(" * 50 + "1", "nested deeper"),
        ("1+" * 600 + "1", "longer than"), ("a.b", "place 2"), ("__import__('os')", "place 12"), ("a ** b", "place 4"),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        parse(text)


@given(st.text(alphabet="ab1.+-*/(){},x ", max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with suppress(ExpressionError):
        roles(parse(text))


def test_đồng_and_beds_do_not_add_up_and_hectares_and_square_kilometres_do() -> None:
    operands = {"money": UNITS["VND"], "beds": UNITS["bed"], "a": UNITS["ha"], "b": UNITS["km2"]}
    with pytest.raises(ExpressionError, match=r"\+: VND and bed"):
        quantity_of(parse("money + beds"), operands, UNITS)
    with pytest.raises(ExpressionError, match="min: bed and a pure number"):
        quantity_of(parse("min(beds, 1)"), operands, UNITS)
    assert quantity_of(parse("a + b"), operands, UNITS).bases == (("m", 2),)
    assert quantity_of(parse("money / beds"), operands, UNITS).words() == "VND·bed^-1"
    assert UNITS["km2"].scale == 100 * UNITS["ha"].scale == 10**6


def test_units_that_define_each_other_wrongly_are_refused() -> None:
    def unit(code: str, equals: str) -> MeasureUnit:
        return MeasureUnit(code=code, name_vi="x", name_en="x", equals=equals)

    for units, words in (
        ([unit("a", "b"), unit("b", "a")], "equals itself"), ([unit("a", "2 * nothing")], "nothing is not in"),
        ([unit("a", "1 + 1")], "only numbers"), ([unit("a", "2 *")], "place"),
    ):  # fmt: skip
        with pytest.raises(ExpressionError, match=words):
            quantities({u.code: u for u in units})


def test_a_zero_divisor_names_its_roles() -> None:
    with pytest.raises(ZeroDenominator) as e:
        value("a / (b - c)", a=1, b=2, c=2)
    assert e.value.roles == ("b", "c")


@pytest.mark.parametrize(
    ("number", "half_up", "half_even", "down"),
    [("2.345", "2.35", "2.34", "2.34"), ("-2.345", "-2.35", "-2.34", "-2.34"), ("2.355", "2.36", "2.36", "2.35"),
     ("-0.001", "0.00", "0.00", "0.00"),
     ("99999999999999999999.999", "100000000000000000000.00", "100000000000000000000.00", "99999999999999999999.99")],
)  # fmt: skip
def test_rounding_modes(number: str, half_up: str, half_even: str, down: str) -> None:
    fraction = Fraction(Decimal(number))
    assert str(rounded(fraction, 2, "half_up")) == half_up
    assert str(rounded(fraction, 2, "half_even")) == half_even
    assert str(rounded(fraction, 2, "down")) == down


@given(st.fractions(min_value=-(10**20), max_value=10**20), st.integers(0, 6))
def test_rounding_half_up_is_within_half_a_unit(number: Fraction, places: int) -> None:
    assert abs(Fraction(rounded(number, places, "half_up")) - number) * 2 <= Fraction(1, 10**places)


def test_quantities_multiply_and_cancel() -> None:
    assert UNITS["dossier_day"].times(UNITS["dossier"], -1) == Quantity(Fraction(1440), (("minute", 1),))
