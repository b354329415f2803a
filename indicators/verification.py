"""Does the catalogue agree with itself? Every file is read, and every name in one file is looked up in the file that defines it.

Each file is valid by itself or its reader refuses it; what is checked here lies between files: a spec of a row that no catalogue has, a
rule whose formula is gone, a provider that was dissolved, a former commune without a successor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from datetime import date
from pathlib import Path
from typing import NamedTuple

from indicators.assigned_task import FORMULAS, OWN_DAY
from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError
from indicators.derived.book import DerivedBook
from indicators.derived.formula_book import FormulaBook, FormulaError
from indicators.dimension_sets import set_formulas
from indicators.obligation import BY_LENGTH, ObligationBook
from indicators.publication import FILE, PublicationBook
from indicators.rule import RuleBook, RuleError
from indicators.scenario import ScenarioBook
from indicators.target import TargetBook
from indicators.territory import COMMUNE_KINDS, REFORM
from indicators.vocabulary import Vocabulary

PROVINCES, COMMUNES, FORMER_PROVINCES = 34, 3321, 63
"""Resolution 202/2025/QH15 and the list of 1 July 2025; 63 provinces before it."""


class Problem(NamedTuple):
    """One contradiction: the file (and line, where it is known) and what is wrong in it."""

    place: str
    text: str


def verify(home: Path, groups: Set[str]) -> list[Problem]:
    """Every problem of the catalogue at `home`; empty where it is sound. `groups`: the concept groups that have topics."""
    try:
        vocabulary = Vocabulary(home)
    except DataFileError as e:
        return [_of(e)]
    problems: list[Problem] = []
    between = (_specs, _indicators, _territory, _agencies, _subjects, _calculations, _derived, _targets, _obligations, _publications,
               scenario_problems)  # fmt: skip
    for check in between:
        problems += _collected(lambda check=check: check(vocabulary, home))  # type: ignore[misc]
    problems += [
        Problem("series.yaml", f"{s.indicator} {s.component}: group {s.group!r} has no topic; one of {', '.join(sorted(groups))}")
        for s in vocabulary.series_specs()
        if s.group not in groups
    ]
    return list(dict.fromkeys(problems))  # two checks may stumble over one file


def _collected(check: Callable[[], Iterator[Problem]]) -> list[Problem]:
    found: list[Problem] = []
    try:
        found.extend(check())
    except DataFileError as e:
        found.append(_of(e))
    except (FormulaError, RuleError) as e:
        found.append(Problem("formulas, rules", str(e)))
    return found


def _of(error: DataFileError) -> Problem:
    place, _, text = str(error).partition(": ")
    return Problem(place, text)


def _specs(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    for spec in vocabulary.series_specs():
        name = f"{spec.indicator} {spec.component}".strip()
        row = vocabulary.indicator(spec.indicator)
        if row is None:
            yield Problem("series.yaml", f"{name}: no catalogue has this row; correct `indicator`")
        elif not spec.component and row.concept != spec.concept:
            yield Problem("series.yaml", f"{name}: concept {spec.concept}, the catalogue says {row.concept}; make them equal")
        if spec.trading_calendar and vocabulary.trading_calendar(spec.trading_calendar) is None:
            yield Problem("series.yaml", f"{name}: calendar {spec.trading_calendar} is not in trading-calendars.yaml; add it there")
        if vocabulary.measure_unit(spec.measure_unit) is None:
            yield Problem("series.yaml", f"{name}: unit {spec.measure_unit!r} is not in measure-units.yaml; add it there")


def _indicators(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    for row in vocabulary.indicators():
        for code in (*row.agency_codes, *row.providers, *row.responsible_agencies):
            if vocabulary.agency(code) is None:
                yield Problem(f"indicators/{row.catalogue}.yaml", f"{row.code}: agency {code} is not in agencies.yaml")
        for code in (*row.providers, *row.responsible_agencies):
            agency = vocabulary.agency(code)
            if agency is not None and not agency.valid_at(REFORM):
                yield Problem(f"indicators/{row.catalogue}.yaml", f"{row.code}: {code} was dissolved; name its successor")
        for code in row.national_ref:
            if vocabulary.indicator(f"vn-1012/{code}") is None:
                yield Problem(f"indicators/{row.catalogue}.yaml", f"{row.code}: national_ref {code} is no row of vn-1012")


def _territory(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    provinces = len(list(vocabulary.territories("province")))
    communes = sum(1 for t in vocabulary.territories() if t.kind in COMMUNE_KINDS)
    if (provinces, communes) != (PROVINCES, COMMUNES):
        yield Problem("territory/units-2025-07.csv", f"{provinces} provinces, {communes} communes; expected {PROVINCES}, {COMMUNES}")
    former = list(vocabulary.former_territories())
    if sum(1 for t in former if t.kind == "province") != FORMER_PROVINCES:
        yield Problem("territory/units-before-2025-07.csv.gz", f"holds another number of provinces than {FORMER_PROVINCES}")
    reached: set[str] = set()
    for unit in former:
        successors = vocabulary.successors(unit.code)
        reached.update(successors)
        lost = [code for code in successors if vocabulary.territory(code) is None]
        if lost:
            yield Problem("territory/units-before-2025-07.csv.gz", f"{unit.code}: successor {', '.join(lost)} is no present unit")
    orphans = sorted(t.code for t in vocabulary.territories() if t.kind != "country" and t.code not in reached)
    if orphans:
        yield Problem("territory/units-before-2025-07.csv.gz", f"no former unit became {', '.join(orphans[:5])} ({len(orphans)} in all)")


def _agencies(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    for agency in vocabulary.agencies():
        for code in agency.successors:
            successor = vocabulary.agency(code)
            if successor is not None and agency.code not in successor.predecessors:
                yield Problem("agencies.yaml", f"{agency.code}: successor {code} does not name it among its predecessors")
    WorkingCalendar.load(home)


def _subjects(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    for subject in vocabulary.subjects():
        name = f"{subject.type} {subject.id}"
        agency = vocabulary.agency(subject.agency)
        if agency is None or not agency.valid_at(date.max):
            yield Problem("subjects", f"{name}: agency {subject.agency} is not in agencies.yaml, or was dissolved")
        if vocabulary.territory(subject.territory) is None:
            yield Problem("subjects", f"{name}: territory {subject.territory} is no present unit; see `successors` of a former one")


def _calculations(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    formulas = FormulaBook.load(home)
    for formula in formulas:
        if vocabulary.indicator(formula.indicator) is None:
            yield Problem("formulas", f"{formula.id}: indicator {formula.indicator} is in no catalogue")
        if vocabulary.measure_unit(formula.measure_unit) is None:
            yield Problem("formulas", f"{formula.id}: unit {formula.measure_unit!r} is not in measure-units.yaml")
    formulas = formulas.extended(set_formulas(vocabulary.series_specs()))
    for rule in RuleBook.load(home):
        if vocabulary.agency(rule.owner_agency) is None:
            yield Problem("rules", f"{rule.id}: owner_agency {rule.owner_agency} is not in agencies.yaml")
        scope = rule.scope
        if scope.formula and scope.formula not in formulas.formulas and scope.formula not in FORMULAS:
            yield Problem("rules", f"{rule.id}: formula {scope.formula} does not exist")
        if scope.indicator and vocabulary.series_spec(scope.indicator, scope.component) is None:
            yield Problem("rules", f"{rule.id}: series.yaml has no {scope.indicator} {scope.component}")


def _derived(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    known = {derived.definition.id: derived.definition for derived in DerivedBook.load(home)}
    for definition in known.values():
        if vocabulary.indicator(definition.indicator) is None:
            yield Problem("formulas/derived", f"{definition.id}: indicator {definition.indicator} is in no catalogue")
        if definition.owner and vocabulary.agency(definition.owner) is None:
            yield Problem("formulas/derived", f"{definition.id}: owner {definition.owner} is not in agencies.yaml")


def scenario_problems(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    """Scenarios and the rules in force under them: names that no other file knows."""
    scenarios = ScenarioBook.load(home)
    for scenario, text in scenarios.problems(vocabulary):
        yield Problem(f"scenarios/{scenario}.yaml", text)
    for rule in RuleBook.load(home):
        for name in rule.scope.emergency:
            chosen = scenarios.get(name)
            if chosen is None:
                yield Problem("rules", f"{rule.id}: scope.emergency {name} is no scenario")
            elif (rule.scope.indicator, rule.scope.component) not in [one.series for one in chosen.indicators]:
                yield Problem("rules", f"{rule.id}: scenario {name} does not read {rule.scope.indicator} {rule.scope.component}".rstrip())


def _targets(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    results = {(d.definition.indicator, d.definition.component): d.definition.measure_unit for d in DerivedBook.load(home)}
    for target in TargetBook.load(home):
        spec = vocabulary.series_spec(target.indicator, target.component)
        unit = spec.measure_unit if spec else results.get((target.indicator, target.component))
        if unit is None:
            yield Problem("targets", f"{target.id}: no series and no definition gives {target.indicator} {target.component}".rstrip())
        elif unit != target.measure_unit:
            yield Problem("targets", f"{target.id}: unit {target.measure_unit}, the figures are in {unit}; make them equal")
        if vocabulary.agency(target.agency) is None:
            yield Problem("targets", f"{target.id}: agency {target.agency} is not in agencies.yaml")
        if vocabulary.territory(target.territory) is None:
            yield Problem("targets", f"{target.id}: territory {target.territory} is no present unit")


def _publications(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    for calendar in PublicationBook.load(home, vocabulary).calendars.values():
        for kind in calendar.period_types:
            if kind not in BY_LENGTH:
                yield Problem(FILE, f"{calendar.id}: period_types: {kind} has no end to publish after; one of {', '.join(BY_LENGTH)}")
        for code in calendar.providers:
            if not any(next(iter(row.providers), "") == code for row in vocabulary.indicators()):
                yield Problem(FILE, f"{calendar.id}: providers: {code} is the first focal point of no row; nothing of it would be held")


def _obligations(vocabulary: Vocabulary, home: Path) -> Iterator[Problem]:
    book = ObligationBook.load(home, vocabulary)
    for debt in book.items:
        agency = vocabulary.agency(debt.provider)
        if agency is not None and not agency.valid_at(date.max):
            yield Problem("obligations.yaml", f"{debt.provider}: was dissolved and owes nothing; name its successor")
    for rule in RuleBook.load(home):
        if rule.due is not None and rule.due.calendar != OWN_DAY and not book.under(rule.due.calendar):
            yield Problem("rules", f"{rule.id}: due.calendar {rule.due.calendar}: nobody owes anything under it; see obligations.yaml")
