"""All definitions of an installation, checked against series and units, in an order in which each comes after those it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

from indicators.datafile import DataFileError, read_rows, wrong
from indicators.derived.definition import Definition, Term
from indicators.derived.derived_indicator import DerivedIndicator
from indicators.derived.expression import ExpressionError
from indicators.derived.quantity import Quantity, quantities
from indicators.measure_unit import read_measure_units
from indicators.spec import SeriesSpec, read_series_specs
from indicators.trading_calendar import TradingCalendar, read_trading_calendars

FOLDER = Path("formulas") / "derived"


class Use(NamedTuple):
    """A derived indicator that uses a series, in one role."""

    derived: DerivedIndicator
    role: str


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    index: int
    definition: Definition


class DerivedBook:
    """The derived indicators by id; iteration gives a definition after every definition it uses. `specs`, `units`: what they were checked
    against; `trading_calendars`: whose sessions some of them follow."""

    def __init__(
        self,
        derived: Mapping[str, DerivedIndicator],
        specs: Mapping[tuple[str, str], SeriesSpec] | None = None,
        units: Mapping[str, Quantity] | None = None,
        trading_calendars: Mapping[str, TradingCalendar] | None = None,
    ) -> None:
        self._derived = dict(derived)
        self.trading_calendars = dict(trading_calendars or {})
        self.specs, self.units = dict(specs or {}), dict(units or {})
        self._uses: dict[tuple[str, str, str], list[Use]] = {}
        self._users: dict[str, list[Use]] = {}
        for one in self._derived.values():
            for role, term in one.definition.terms.items():
                table = self._users.setdefault(term.of, []) if term.of else self._uses.setdefault(_key(term), [])
                table.append(Use(one, role))

    @classmethod
    def load(cls, home: Path) -> DerivedBook:
        """Every definition of `home/catalogue/formulas/derived`. Raises DataFileError with file, line and field of what does not fit."""
        folder = home / "catalogue"
        units = read_measure_units(folder / "measure-units.yaml")
        try:
            algebra = quantities(units)
        except ExpressionError as e:
            raise DataFileError(folder / "measure-units.yaml", str(e), field="units") from e
        entries = _entries(folder)
        specs = read_series_specs(folder / "series.yaml")
        derived = {name: _ready(entries[name], entries, specs, algebra) for name in _ordered(entries)}
        return cls(derived, specs, algebra, read_trading_calendars(home))

    def uses(self, indicator: str, component: str, figure: str) -> list[Use]:
        """Where the values of this kind of series are operands."""
        return self._uses.get((indicator, component, figure), [])

    def users(self, definition: str) -> list[Use]:
        """Where the results of this definition are operands."""
        return self._users.get(definition, [])

    def __getitem__(self, definition: str) -> DerivedIndicator:
        return self._derived[definition]

    def __iter__(self) -> Iterator[DerivedIndicator]:
        return iter(self._derived.values())

    def __len__(self) -> int:
        return len(self._derived)


def _key(term: Term) -> tuple[str, str, str]:
    return (term.indicator, term.component, term.figure)


def _entries(folder: Path) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    for path in sorted((folder / FOLDER).glob("*.yaml")):
        for index, definition in enumerate(read_rows(path, "definitions", Definition)):
            if definition.id in found:
                raise _wrong(_Entry(path, index, definition), "id", f"{definition.id} given twice")
            found[definition.id] = _Entry(path, index, definition)
    return found


def _ordered(entries: Mapping[str, _Entry]) -> list[str]:
    graph = {name: [t.of for t in entry.definition.terms.values() if t.of in entries] for name, entry in entries.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as e:
        name = e.args[1][0]
        raise _wrong(entries[name], "terms", f"{name} uses itself: {' → '.join(e.args[1])}") from e


def _ready(
    entry: _Entry, entries: Mapping[str, _Entry], specs: Mapping[tuple[str, str], SeriesSpec], units: Mapping[str, Quantity]
) -> DerivedIndicator:
    unit_of = {role: _unit(entry, role, entries, specs) for role in entry.definition.terms}
    for role, unit in unit_of.items():
        if unit not in units:
            raise _wrong(entry, f"terms.{role}", f"{entry.definition.id}: unit {unit!r} is not in measure-units.yaml")
    try:
        return DerivedIndicator.of(entry.definition, unit_of, units)
    except ExpressionError as e:
        field, _, problem = str(e).partition(": ")
        raise _wrong(entry, field, f"{entry.definition.id}: {problem}") from e


def _unit(entry: _Entry, role: str, entries: Mapping[str, _Entry], specs: Mapping[tuple[str, str], SeriesSpec]) -> str:
    term = entry.definition.terms[role]
    if term.of:
        if term.of not in entries:
            raise _wrong(entry, f"terms.{role}.of", f"no definition {term.of}")
        return entries[term.of].definition.measure_unit
    spec = specs.get((term.indicator, term.component))
    if spec is None or term.figure not in spec.figures:
        raise _wrong(entry, f"terms.{role}", f"series.yaml has no {term.indicator} {term.component} {term.figure}")
    asked = {*term.dimensions, *([entry.definition.each] if term.each else [])}
    if unknown := sorted(asked - set(spec.dimensions)):
        raise _wrong(entry, f"terms.{role}.dimensions", f"{', '.join(unknown)}: the series has no such dimension")
    return spec.measure_unit


def _wrong(entry: _Entry, field: str, problem: str) -> DataFileError:
    where = ("definitions", entry.index, *(int(part) if part.isdigit() else part for part in field.split(".")))
    return wrong(entry.path, where, problem)
