"""Which result of a formula the panes of a series, or another result, are operands of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from indicators.derived.formula import Formula, Input, Use
from indicators.derived.result import Result
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary


class Source(NamedTuple):
    """Where an operand comes from: place, dimensions by name, budget year (0: none)."""

    territory: str
    subject_type: str
    subject_id: str
    dimensions: tuple[tuple[str, str], ...]
    budget_year: int

    @classmethod
    def of_result(cls, result: Result, territory: str) -> Source:
        """A result as a source; `territory`: that of the outcome."""
        pairs = (pair.partition("=") for pair in result.dimensions.split(";") if pair)
        return cls(territory, result.subject_type, result.subject_id, tuple((n, v) for n, _, v in pairs), result.budget_year)


def target(use: Use, source: Source, vocabulary: Vocabulary) -> Result | None:
    """The result that `source` is an operand of; None where it is of none: another level, other dimensions, or nothing that adds up."""
    formula, one = use
    if not _dimensions_fit(one, source.dimensions):
        return None
    year = source.budget_year if formula.budget_year else 0
    if formula.level == "subject":
        if not source.subject_type:
            return None
        return Result(formula.id, source.territory, source.subject_type, source.subject_id, year)
    above = vocabulary.ancestor(source.territory, formula.level)
    if above is None or (not formula.adds_up and (above != source.territory or source.subject_type)):
        return None
    return Result(formula.id, COUNTRY if formula.across else above, "", "", year)


def _dimensions_fit(one: Input, dimensions: tuple[tuple[str, str], ...]) -> bool:
    names = {name for name, _ in dimensions}
    wanted = set(one.dimensions)
    if names != wanted and not (one.figure != "actual" and not one.source and wanted <= names):
        return False
    return all(dict(dimensions)[name] == value for name, value in one.term.dimensions.items())


class Units:
    """The units whose figures a parent is made of: provinces of the country, communes of a province."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._children: Mapping[str, int] | None = None

    def unit(self, formula: Formula, parent: str, territory: str) -> str:
        """The child of `parent` in which a territory lies; `parent` itself for its own figures."""
        if territory == parent:
            return parent
        return _province(self._vocabulary, territory) if formula.level == "country" else territory

    def expected(self, parent: str) -> int:
        """How many children a parent has in force."""
        if self._children is None:
            counted: dict[str, int] = {}
            for unit in self._vocabulary.territories():
                counted[unit.parent] = counted.get(unit.parent, 0) + 1
            self._children = counted
        return self._children.get(parent, 0)


@lru_cache(maxsize=8192)
def _province(vocabulary: Vocabulary, territory: str) -> str:
    return vocabulary.ancestor(territory, "province") or territory
