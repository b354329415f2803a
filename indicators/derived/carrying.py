"""How the stream carries definitions out: of each definition its formulas, one a level, or the reason why it is not computed.

Operands come from the panes of series; from the sums over dimensions of a row that carries dimensions (indicators/dimension_sets.py), so
that thousands of series are not forwarded one by one; or from the results of another definition. A plan, estimate or forecast comes from
its series whatever its dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from indicators.derived.book import DerivedBook
from indicators.derived.definition import Carried, Definition, Term
from indicators.derived.derived_indicator import DerivedIndicator
from indicators.derived.expression import Binary, Call, Node
from indicators.derived.formula import Formula, Input, leading_of
from indicators.dimension_sets import pane_of, set_id, sets_of
from indicators.spec import PaneKind, SeriesSpec
from indicators.trading_calendar import TradingCalendar

_STEPS = {"month": 1, "reporting_month": 1, "july_november": 1, "quarter": 3, "half_year": 6, "nine_months": 12}


class Idle(NamedTuple):
    """Why the stream does not compute a definition."""

    reason_vi: str
    reason_en: str


PUBLISHED = Idle("nhận như cơ quan thống kê công bố, không tính lại", "received as published, never computed again")
RUNNING = Idle("toán hạng báo cáo lũy kế, không cộng theo kỳ", "an operand is a running total and has no value of the period")


class _Refused(Exception):
    """A definition that cannot be carried out."""

    def __init__(self, idle: Idle) -> None:
        self.idle = idle


def formulas_of(derived: DerivedIndicator, book: DerivedBook, made: Mapping[str, Formula]) -> list[Formula] | Idle:
    """The formulas of one definition. `made`: formulas of the definitions before it, by id."""
    definition = derived.definition
    if definition.published:
        return PUBLISHED
    try:
        inputs = {role: _input(role, term, definition, book, made) for role, term in definition.terms.items()}
    except _Refused as refused:
        return refused.idle
    if idle := _misaligned(inputs):
        return idle
    found: list[Formula] = []
    for level in definition.carried or _levels(definition, inputs, book, made):
        formula = _formula(derived, level, inputs, book, made)
        found += [formula, *_ranking(formula, level)]
    return found


def _formula(
    derived: DerivedIndicator, level: Carried, inputs: dict[str, Input], book: DerivedBook, made: Mapping[str, Formula]
) -> Formula:
    definition = derived.definition
    first = next(iter(inputs.values()))
    spec = book.specs.get((first.indicator, first.component))
    suffix = spec.subject_type if level.level == "subject" and spec else level.level
    return Formula(
        id=f"{definition.id}.{suffix}", name_vi=level.name_vi or definition.name_vi, name_en=level.name_en or definition.name_en,
        source=level.source or definition.source, kind="ratio" if _divides(derived.tree) else "sum", indicator=definition.indicator,
        component=definition.component if level.component is None else level.component, group=_group(inputs, book, made), level=level.level,
        measure_unit=definition.measure_unit, inputs=inputs, derived=derived, budget_year=definition.budget_year,
        adds_up=definition.additive and all(_sums(made, t.of) for t in definition.terms.values() if t.of), places=definition.places,
        rounding=definition.rounding, figure_compared=next((i.figure for i in inputs.values() if i.figure != "actual"), ""),
        keep_periods=800 if any(t.at in ("same_period", "december") for t in definition.terms.values()) else 400,
    )  # fmt: skip


def _ranking(formula: Formula, level: Carried) -> Iterator[Formula]:
    if level.ranking is None or formula.derived is None:
        return
    one = level.ranking
    yield Formula(
        id=one.id, name_vi=one.name_vi, name_en=one.name_en, source=one.source, kind="rank", indicator=formula.indicator,
        component=".".join(part for part in (formula.component, "rank") if part), group=formula.group, level="country",
        measure_unit="place", budget_year=formula.budget_year, places=0, figure_compared=formula.figure_compared, of=formula.id,
        best="lowest" if formula.derived.definition.better == "lower" else "highest",
    )  # fmt: skip


def _levels(
    definition: Definition, inputs: Mapping[str, Input], book: DerivedBook, made: Mapping[str, Formula]
) -> tuple[Carried, ...]:
    """The levels at which results can stand: subjects, where the series are of subjects; provinces; the country, but not across its
    provinces."""
    across = any(term.across for term in definition.terms.values())
    specs = [spec for i in inputs.values() if (spec := book.specs.get((i.indicator, i.component)))]
    subject = bool(specs) and all(spec.subject_type and spec.subject_type == specs[0].subject_type for spec in specs)
    own = (Carried(level="subject"),) if subject else ()
    if subject and not definition.additive:
        return own
    return (*own, Carried(level="province"), *(() if across else (Carried(level="country"),)))


def _input(role: str, term: Term, definition: Definition, book: DerivedBook, made: Mapping[str, Formula]) -> Input:
    if term.of:
        return _of_results(role, term, book, made)
    spec = book.specs[term.indicator, term.component]
    running = spec.cumulative_of(term.figure)
    if running and term.take == "period":
        raise _Refused(RUNNING)
    names = tuple(sorted({*term.dimensions, *([definition.each] if term.each else [])}))
    reported = spec.fold_of(term.figure) == "reported"
    return Input(
        role=role, indicator=term.indicator, component=term.component, figure=term.figure, panes=_panes(spec, term, reported=reported),
        take="last" if reported or spec.additivity != "flow" else "sum", term=term, source=_source(spec, term, names), dimensions=names,
        pooled=not reported, running=running, step=min((_STEPS[p] for p in spec.period_types if p in _STEPS), default=1),
        trading_calendar=_trading_calendar(term, spec, book),
    )  # fmt: skip


def _trading_calendar(term: Term, spec: SeriesSpec, book: DerivedBook) -> TradingCalendar | None:
    """Whose session before a term asks for."""
    if term.at != "previous_session":
        return None
    found = book.trading_calendars.get(spec.trading_calendar)
    if found is None:
        named = spec.trading_calendar or "–"
        raise _Refused(Idle(f"không có lịch phiên của thị trường {named}", f"no sessions of the market {named} are known"))
    return found


def _of_results(role: str, term: Term, book: DerivedBook, made: Mapping[str, Formula]) -> Input:
    source = next((f for f in made.values() if f.definition == term.of), None)
    if source is None:
        raise _Refused(Idle(f"{term.of} không được tính", f"{term.of} is not computed"))
    first = next(iter(source.inputs.values()))
    return Input(
        role=role, indicator=first.indicator, component=first.component, figure="actual", panes=(), take="last", term=term, source=term.of,
        pooled=source.pooled and source.kind == "sum", factor=source.factor,
    )  # fmt: skip


def _source(spec: SeriesSpec, term: Term, names: tuple[str, ...]) -> str:
    """The sum over dimensions that gives the operand; empty: the series themselves do."""
    if not spec.dimensions or term.figure != "actual" or set(names) == set(spec.dimensions):
        return ""
    if spec.additivity in ("index", "rate") and not names:
        return ""  # nothing adds up to an index: its total is a series of its own, without dimensions
    if set(names) not in [set(one) for one in sets_of(spec)]:
        wanted = ", ".join(names) or "tổng / total"
        raise _Refused(Idle(f"{spec.indicator}: danh mục không có nhóm {wanted}", f"{spec.indicator}: the catalogue has no set {wanted}"))
    return set_id(spec.indicator, spec.component)


def _panes(spec: SeriesSpec, term: Term, *, reported: bool) -> tuple[PaneKind, ...]:
    """The kinds of panes that hold a term's values: for the newest of the year, the year's and the months' where both are reported."""
    if term.take != "newest":
        return (pane_of(spec),)
    wanted: tuple[PaneKind, ...] = ("month", "budget_year") if reported and spec.fold == "reported" else ("budget_year",)
    return tuple(pane for pane in wanted if pane in spec.panes) or (pane_of(spec),)


def _misaligned(inputs: Mapping[str, Input]) -> Idle | None:
    """Operands of a period must be of equal periods; what counts to date, or is the newest, need not be."""
    kinds = {i.panes for i in inputs.values() if i.varies and i.panes}
    if len(kinds) < 2:
        return None
    said = ", ".join(sorted({f"{i.indicator} {'/'.join(i.panes)}" for i in inputs.values() if i.varies}))
    return Idle(f"kỳ của các toán hạng khác nhau: {said}", f"operands have different periods: {said}")


def _divides(node: Node) -> bool:
    match node:
        case Binary(operator, left, right):
            return operator == "/" or _divides(left) or _divides(right)
        case Call(_, arguments):
            return any(map(_divides, arguments))
    return False


def _group(inputs: Mapping[str, Input], book: DerivedBook, made: Mapping[str, Formula]) -> str:
    first = leading_of(inputs)
    source = next((f for f in made.values() if first.source and f.definition == first.source), None)
    return source.group if source else book.specs[first.indicator, first.component].group


def _sums(made: Mapping[str, Formula], definition: str) -> bool:
    """Whether the results of a definition are sums, which add up further."""
    return all(f.kind == "sum" and f.adds_up for f in made.values() if f.definition == definition)
