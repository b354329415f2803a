"""Dimension sets: the sums that a catalogue row asks for over some of its dimensions, or over all of them.

A series carries every dimension of its observations (tax by kind and sector; exports by goods, market and channel). The catalogue names the
sets by which the row is read: `[tax_type]` adds up all sectors of each tax, `[]` is the total. Each set of an additive row becomes a result
of stage 2 under a formula of its own, `SET.<indicator>.<component>`; its key carries the dimensions that remain.

Only what adds up is added up: flows by their sums, stocks by their last values. A rate or an index over a set is a formula of its own
parts, never a mean (domain.md §12.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from indicators.derived.definition import Term
from indicators.derived.formula import Formula, Input
from indicators.derived.result import Result
from indicators.series import Series
from indicators.spec import PaneKind, SeriesSpec

PREFIX: Final = "SET."
PART: Final = "part"
TAKEN: Final[dict[str, Literal["sum", "last"]]] = {"flow": "sum", "stock": "last"}
"""What of a pane adds up, by additivity."""
_MONTHLY: Final = frozenset({"month", "reporting_month", "quarter", "half_year", "nine_months", "july_november"})


def sets_of(spec: SeriesSpec) -> tuple[tuple[str, ...], ...]:
    """The sets that need adding up: not the full one, which the series themselves are, and none of what does not add up."""
    if spec.additivity not in TAKEN or not spec.dimensions:
        return ()
    return tuple(names for names in spec.dimension_sets if set(names) != set(spec.dimensions))


def pane_of(spec: SeriesSpec) -> PaneKind:
    """The pane by which the row's sets are added up: the month of events; the finest period that is reported;
    the day of what follows a market."""
    if spec.trading_calendar:
        return "day"
    if spec.fold == "event":
        wanted: tuple[PaneKind, ...] = ("month", "day", "hour")
    elif "day" in spec.period_types:
        wanted = ("day", "month", "budget_year")
    else:
        wanted = ("month", "budget_year", "day") if _MONTHLY & set(spec.period_types) else ("budget_year", "month", "day")
    return next(pane for pane in (*wanted, *spec.panes) if pane in spec.panes)


def formula_of(spec: SeriesSpec) -> Formula:
    """The formula under which the sets of a row stand. Its results come from parts of each input partition, not from single series."""
    part = Input(
        role=PART, indicator=spec.indicator, component=spec.component, figure="actual", panes=(pane_of(spec),), take=TAKEN[spec.additivity],
        term=Term(indicator=spec.indicator, component=spec.component),
    )  # fmt: skip
    return Formula(
        id=set_id(spec.indicator, spec.component), name_vi=spec.name_vi or "Cộng theo nhóm phân tổ",
        name_en=spec.name_en or "Sum over dimensions", source="catalogue/series.yaml, dimension_sets", kind="sum", indicator=spec.indicator,
        component=spec.component, group=spec.group, level="subject", measure_unit=spec.measure_unit, inputs={PART: part}, places=spec.scale,
    )  # fmt: skip


def set_id(indicator: str, component: str) -> str:
    """Formula id of a row's sets."""
    return PREFIX + ".".join(part for part in (indicator.replace("/", "."), component.replace("_", "-")) if part)


def set_formulas(specs: Iterable[SeriesSpec]) -> Iterator[Formula]:
    """The formulas of all dimension sets. They use no single series, so no series is asked for operands by them."""
    return (formula_of(spec) for spec in specs if sets_of(spec))


def results_of(spec: SeriesSpec, series: Series) -> Iterator[tuple[str, Result]]:
    """The results that a series is a part of, each with the names of its set joined by `;` (empty: the total); the year is still open.

    A series that lacks a dimension of a set is no part of it: «no market given» is not a market.
    """
    own = dict(series.dimensions)
    for names in sets_of(spec):
        if set(names) <= own.keys():
            kept = ";".join(f"{name}={own[name]}" for name in sorted(names))
            place = series.territory, series.subject_type, series.subject_id
            yield ";".join(sorted(names)), Result(set_id(spec.indicator, spec.component), *place, 0, kept)

