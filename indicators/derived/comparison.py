"""Comparisons that a catalogue row asks for (`comparisons` in series.yaml), as definitions: the stream computes them like any other.

| asked | what | of |
|---|---|---|
| K1, K2, K3 | growth against the previous period, December, the same period of last year; of a rate the difference in points | any |
| K1 | of a series that follows a market: growth against the close of the session before | index, stock |
| K5 | total of the year to date | flows |
| K6 | percent of the newest plan of the year: a flow's year to date, a stock's value | rows with plans |
| K10 | share in percent of the total over all provinces | flows, stocks |
| K11 | place among the provinces | any |

Kinds and their sources: `indicators/comparisons/kinds.py`. A growth from a base that is not above zero means nothing and has no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from indicators.comparisons.kinds import KINDS
from indicators.derived.definition import Definition
from indicators.derived.derived_indicator import DerivedIndicator
from indicators.derived.quantity import Quantity
from indicators.spec import SeriesSpec

_BASES: Final = {"K1": "previous", "K2": "december", "K3": "same_period"}
_OWNER: Final = "OOG"
"""The Government Office, whose guide names the comparisons, confirms how each is computed."""


def comparisons_of(spec: SeriesSpec, units: Mapping[str, Quantity]) -> Iterator[DerivedIndicator]:
    """The comparisons that a row asks for, checked. Raises ExpressionError where units do not fit."""
    for kind in spec.comparisons:
        definition = Definition.model_validate(_named(spec, kind) | _computed(spec, kind))
        yield DerivedIndicator.of(definition, dict.fromkeys(definition.terms, spec.measure_unit), units)


def comparison_id(spec: SeriesSpec, kind: str) -> str:
    """Id of the definition: kind, indicator and component."""
    return ".".join(part for part in (kind, spec.indicator.replace("/", "."), spec.component) if part)


def _named(spec: SeriesSpec, kind: str) -> dict[str, Any]:
    what = KINDS[kind]
    about = spec.name_vi or spec.concept, spec.name_en or spec.concept
    return {
        "id": comparison_id(spec, kind), "name_vi": f"{about[0]}: {what.name_vi}", "name_en": f"{about[1]}: {what.name_en}",
        "indicator": spec.indicator, "component": ".".join(part for part in (spec.component, kind) if part), "source": what.source,
        "standing": "named", "owner": _OWNER, "better": "neither",
    }  # fmt: skip


def _computed(spec: SeriesSpec, kind: str) -> dict[str, Any]:
    """Expression, terms, unit and rounding of a comparison."""
    own = {"indicator": spec.indicator, "component": spec.component, "up": "sum" if spec.additivity in ("flow", "stock") else "none",
           "dimensions": dict(spec.compared)}  # fmt: skip
    percent = {"measure_unit": "percent", "places": 2}
    same = {"measure_unit": spec.measure_unit, "places": spec.scale}
    to_date = {"take": "year_to_date"} if spec.additivity == "flow" else {}
    match kind:
        case "K5":
            return {"expression": "value", "terms": {"value": own | to_date}} | same
        case "K6":
            terms = {"value": own | to_date, "plan": own | {"figure": "plan", "take": "newest"}}
            return {"expression": "value / plan", "terms": terms} | percent
        case "K10":
            return {"expression": "value / total", "terms": {"value": own, "total": own | {"across": "sum"}}} | percent
        case "K11":
            return {"expression": "value", "terms": {"value": own}, "carried": [_ranked(spec)]} | same
    at = "previous_session" if kind == "K1" and spec.trading_calendar else _BASES[kind]
    terms = {"value": own, "base": own | {"at": at}}
    if spec.additivity == "rate":
        unit = "percentage_point" if spec.measure_unit == "percent" else spec.measure_unit
        return {"expression": "value - base", "terms": terms, "measure_unit": unit, "places": spec.scale}
    positive = {"above_zero": "base", "reason_vi": "kỳ gốc không lớn hơn 0", "reason_en": "the base is not above zero"}
    return {"expression": "value / base - 1", "terms": terms, "conditions": [positive]} | percent


def _ranked(spec: SeriesSpec) -> dict[str, Any]:
    what = KINDS["K11"]
    named = {"name_vi": f"{spec.name_vi or spec.concept}: {what.name_vi}", "name_en": f"{spec.name_en or spec.concept}: {what.name_en}"}
    return {"level": "province", "ranking": {"id": f"{comparison_id(spec, 'K11')}.rank", "source": what.source} | named}
