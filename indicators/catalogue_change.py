"""What a change of the catalogue touches: rows, series and definitions that differ between two installations, and who uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple

from indicators.derived.book import DerivedBook
from indicators.derived.definition import Term
from indicators.derived.formula import Input
from indicators.derived.formula_book import FormulaBook
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary

Kind = Literal["added", "removed", "changed"]
CHANGE_VI: dict[Kind, str] = {"added": "thêm", "removed": "bỏ", "changed": "sửa"}


class Change(NamedTuple):
    """One difference. `what`: row, series, definition; `fields`: attributes that differ; `touches`: definitions, formulas and rules that
    compute or watch it, as they stand in the newer installation."""

    kind: Kind
    what: Literal["row", "series", "definition"]
    code: str
    fields: tuple[str, ...]
    touches: tuple[str, ...]


def changes(older: Path, newer: Path) -> list[Change]:
    """Every difference between two installations, rows first. Raises DataFileError, FormulaError or RuleError where a file is wrong."""
    before, after = Vocabulary(older), Vocabulary(newer)
    book = DerivedBook.load(newer)
    users = _Users(newer, book)
    found = [Change(kind, "row", code, fields, users.of_indicator(code)) for kind, code, fields in _differ(_rows(before), _rows(after))]
    for kind, code, fields in _differ(_series(before), _series(after)):
        indicator, _, component = code.partition("#")
        found.append(Change(kind, "series", code, fields, users.of_series(indicator, component)))
    for kind, code, fields in _differ(_definitions(DerivedBook.load(older)), _definitions(book)):
        found.append(Change(kind, "definition", code, fields, users.of_definition(code)))
    return found


class _Users:
    """Who uses a series, an indicator, a definition, in one installation."""

    def __init__(self, home: Path, book: DerivedBook) -> None:
        self._book = book
        self._formulas = list(FormulaBook.load(home))
        self._rules = list(RuleBook.load(home))

    def of_series(self, indicator: str, component: str) -> tuple[str, ...]:
        """Definitions, formulas and rules over one series."""
        series = (indicator, component)
        names = [f"definition {d.definition.id}" for d in self._book if series in _terms(d.definition.terms)]
        names += [f"formula {f.id}" for f in self._formulas if series in _terms(f.inputs)]
        names += [f"rule {r.id}" for r in self._rules if (r.scope.indicator, r.scope.component) == series]
        return tuple(names)

    def of_indicator(self, indicator: str) -> tuple[str, ...]:
        """The same over all components of an indicator."""
        components = {t.component for d in self._book for t in d.definition.terms.values() if t.indicator == indicator}
        components |= {t.component for f in self._formulas for t in f.inputs.values() if t.indicator == indicator}
        components |= {r.scope.component for r in self._rules if r.scope.indicator == indicator}
        return tuple(dict.fromkeys(name for component in sorted(components) for name in self.of_series(indicator, component)))

    def of_definition(self, definition: str) -> tuple[str, ...]:
        """Definitions and formulas that carry a definition further, and rules on those formulas."""
        names = [f"definition {use.derived.definition.id}" for use in self._book.users(definition)]
        formulas = [f.id for f in self._formulas if f.definition == definition]
        return (*names, *(f"formula {f}" for f in formulas), *(f"rule {r.id}" for r in self._rules if r.scope.formula in formulas))


def _terms(terms: Mapping[str, Term] | Mapping[str, Input]) -> set[tuple[str, str]]:
    return {(term.indicator, term.component) for term in terms.values()}


def _differ(older: Mapping[str, dict[str, Any]], newer: Mapping[str, dict[str, Any]]) -> Iterator[tuple[Kind, str, tuple[str, ...]]]:
    for code in sorted(older.keys() | newer.keys()):
        if code not in older:
            yield "added", code, ()
        elif code not in newer:
            yield "removed", code, ()
        elif fields := tuple(name for name, value in newer[code].items() if older[code].get(name) != value):
            yield "changed", code, fields


def _rows(vocabulary: Vocabulary) -> dict[str, dict[str, Any]]:
    return {row.id: row.model_dump() for row in vocabulary.indicators()}


def _series(vocabulary: Vocabulary) -> dict[str, dict[str, Any]]:
    return {f"{spec.indicator}#{spec.component}": asdict(spec) for spec in vocabulary.series_specs()}


def _definitions(book: DerivedBook) -> dict[str, dict[str, Any]]:
    return {derived.definition.id: derived.definition.model_dump() for derived in book}
