"""All formulas of an installation, indexed by the series and the results that feed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

from indicators.derived.book import DerivedBook
from indicators.derived.carrying import Idle, formulas_of
from indicators.derived.comparison import comparisons_of
from indicators.derived.formula import Formula, Use


class FormulaError(ValueError):
    """Formulas contradict each other; the message names the id."""


class FormulaBook:
    """Formulas by id, in the order of the definitions; `idle`: definitions that the stream does not compute, and why."""

    def __init__(self, formulas: Iterable[Formula], idle: dict[str, Idle] | None = None) -> None:
        listed = list(formulas)
        self.formulas = {formula.id: formula for formula in listed}
        self.idle = idle or {}
        if len(self.formulas) < len(listed):
            raise FormulaError(f"{', '.join(sorted({f.id for f in listed if listed.count(f) > 1}))}: an id comes twice")
        self._uses: dict[tuple[str, str, str], list[Use]] = {}
        self._users: dict[str, list[Use]] = {}
        self._ranks: dict[str, list[Formula]] = {}
        for formula in listed:
            for one in formula.inputs.values():
                if one.source:
                    self._users.setdefault(one.source, []).append(Use(formula, one))
                elif formula.derived is not None:
                    self._uses.setdefault((one.indicator, one.component, one.figure), []).append(Use(formula, one))
            if formula.of:
                self._ranks.setdefault(formula.of, []).append(formula)

    @classmethod
    def load(cls, home: Path) -> Self:
        """The formulas of the definitions in `home/catalogue`. Raises DataFileError naming file, line and field."""
        return cls.of(DerivedBook.load(home))

    @classmethod
    def of(cls, book: DerivedBook) -> Self:
        """The formulas of definitions that were read before, and of the comparisons that catalogue rows ask for.

        Raises FormulaError where two get the same id, ExpressionError where the units of a comparison do not fit.
        """
        made: dict[str, Formula] = {}
        idle: dict[str, Idle] = {}
        compared = [derived for spec in book.specs.values() for derived in comparisons_of(spec, book.units)]
        for derived in (*book, *compared):
            found = formulas_of(derived, book, made)
            if isinstance(found, Idle):
                idle[derived.definition.id] = found
                continue
            for formula in found:
                if formula.id in made:
                    raise FormulaError(f"{formula.id}: an id comes twice")
                made[formula.id] = formula
        return cls(made.values(), idle)

    def extended(self, formulas: Iterable[Formula]) -> Self:
        """The same book with more formulas. Raises FormulaError for an id that is taken."""
        more = list(formulas)
        taken = sorted({f.id for f in more if f.id in self.formulas})
        if taken or len({f.id for f in more}) < len(more):
            raise FormulaError(f"{', '.join(taken) or 'formulas'}: an id comes twice")
        return type(self)([*self, *more], self.idle)

    def uses(self, indicator: str, component: str, figure: str) -> list[Use]:
        """Formulas that the panes of this kind of series feed."""
        return self._uses.get((indicator, component, figure), [])

    def users(self, formula: Formula) -> list[Use]:
        """Formulas that the results of this one feed."""
        return self._users.get(formula.definition or formula.id, [])

    def rankings_of(self, formula: str) -> list[Formula]:
        """Rankings over the results of this formula."""
        return self._ranks.get(formula, [])

    def indicators_of(self, formula: Formula) -> frozenset[str]:
        """Indicators of all series behind a formula, through what it ranks and the results it uses."""
        return frozenset(indicator for indicator, _ in self.series_of(formula))

    def series_of(self, formula: Formula) -> frozenset[tuple[str, str]]:
        """Indicator and component of those series."""
        if formula.of:
            return self.series_of(self[formula.of])
        used = {one.source for one in formula.inputs.values() if one.source}
        found = {(one.indicator, one.component) for one in formula.inputs.values()}
        return frozenset(found.union(*(self.series_of(f) for f in self if f.definition in used and f.definition)))

    @cached_property
    def operand_pairs(self) -> frozenset[tuple[str, str]]:
        """(formula or the indicator it computes, an indicator behind it) of all formulas: a result is withheld with any of its parts."""
        return frozenset((name, operand) for f in self for operand in self.indicators_of(f) for name in (f.id, f.indicator))

    def __getitem__(self, formula: str) -> Formula:
        return self.formulas[formula]

    def __iter__(self) -> Iterator[Formula]:
        return iter(self.formulas.values())
