"""From the parts to the whole, up the territory tree: operands are added and the formula computed again; results are never averaged.

A unit that has not reported all operands of a formula stays out with all of them: counted as zero it would spoil the ratio, and with half
its operands it would spoil it worse. How many of the expected units stand behind a figure is said beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from indicators.derived.derived_indicator import DerivedIndicator, Operands
from indicators.derived.evaluation import Outcome


class NotAdditive(ValueError):
    """An operand is an index, a rate or a level: the parent's own figure is needed."""


class Coverage(NamedTuple):
    """How many of the expected units reported, and which did not."""

    reported: int
    expected: int
    late: tuple[str, ...]


class Regrouped(NamedTuple):
    """Operands of former units under the present unit that holds them; `split`: former units that went to several: not to be shared out."""

    parts: dict[str, dict[str, Operands]]
    split: tuple[str, ...]


class Whole(NamedTuple):
    """The parent's result, its operands, and the units behind it."""

    outcome: Outcome
    operands: dict[str, Fraction]
    coverage: Coverage


def regrouped(former: Mapping[str, Operands], successors: Callable[[str], tuple[str, ...]]) -> Regrouped:
    """Figures of the units before July 2025 as parts of the units since: so that a merged province has a same period of last year.

    `successors`: the present codes of a former unit, as Vocabulary.successors. A unit without any is left out with the split ones.
    """
    parts: dict[str, dict[str, Operands]] = {}
    split: list[str] = []
    for unit, operands in former.items():
        match successors(unit):
            case (present,):
                parts.setdefault(present, {})[unit] = operands
            case _:
                split.append(unit)
    return Regrouped(parts, tuple(sorted(split)))


def rollup(derived: DerivedIndicator, parts: Mapping[str, Operands], expected: Collection[str]) -> Whole:
    """The result of the parent of `parts` (territory or agency → operands); `expected`: the units that should have reported.

    Raises NotAdditive naming the roles that do not add up.
    """
    terms = derived.definition.terms
    if levels := sorted(role for role, term in terms.items() if term.up == "none" or term.across or term.of):
        raise NotAdditive(f"{derived.definition.id}: {', '.join(levels)}: does not add up over territories; the parent reports its own")
    needed = [role for role, term in terms.items() if term.missing == "absent"]
    whole = {unit: given for unit, given in parts.items() if unit in expected and all(given.get(role) is not None for role in needed)}
    late = tuple(sorted(set(expected) - set(whole)))
    sums = {role: sum((Fraction(given.get(role) or 0) for given in whole.values()), Fraction(0)) for role in terms} if whole else {}
    return Whole(derived.evaluate(sums), sums, Coverage(len(whole), len(expected), late))
