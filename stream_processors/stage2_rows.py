"""Stage 2's rows: derived rows as framed Avro, and operands and derived rows back into state."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from indicators.derived.result import Result
from indicators.observation import SCALE, STATUSES
from stream_processors.conditions import rule_state_record, scaled
from stream_processors.operand import Mark, Operand
from stream_processors.result_rules import decimal
from stream_processors.result_state import Outcome, ResultState
from stream_processors.rule_state import RuleState
from stream_processors.stage1_rows import POSITION
from transport.columnar_writer import AvroEncoder
from transport.registry import Registry


def latest_key(result: str, operand: Operand) -> bytes:
    """Key of `operands.latest.<group>`."""
    return f"{result}#{operand.role}#{operand.series}#{operand.period_start}#{operand.period_type}#{operand.budget_year or ''}".encode()


def unscaled(value: Decimal | None) -> int | None:
    """The integer behind a decimal with six places."""
    return None if value is None else int(value.scaleb(SCALE))


def operand_of(row: Mapping[str, Any]) -> Operand:
    """An operand from a decoded record."""
    return Operand(
        row["role"],
        row["series"],
        row["period_type"],
        row["period_start"],
        row["period_end"],
        row["deleted"],
        row["inexact"],
        STATUSES.index(row["status"]),
        unscaled(row["value"]),
        row["count"],
        row["topic"],
        row["partition"],
        row["generation"],
        row["through"],
        row["event_time"],
        row["caused_at"],
        row["budget_year"],
    )


def outcome_of(row: Mapping[str, Any], *, each: bool) -> Outcome:
    """An outcome from a decoded derived record; `each`: its formula gives one for every value of a dimension."""
    marks = tuple(
        Mark(m["role"], m["topic"], m["partition"], m["generation"], m["through"], unscaled(m["value"]) or 0, m["series"])
        for m in row["operands"]
    )
    value: Decimal | None = row["value"]
    return Outcome(
        row["territory"],
        row["period_type"],
        row["period_start"],
        row["period_end"],
        row["deleted"],
        STATUSES.index(row["status"]),
        row["inexact"],
        value,
        unscaled(row["numerator"]),
        unscaled(row["denominator"]),
        row["rank"],
        row["of"],
        row["expected"],
        row["reason"],
        marks,
        row["event_time"],
        row["caused_at"],
        Result.parse(row["result"]).dimensions if each else "",
    )


class DerivedRows:
    """Keys and values of `derived.<group>`, and its position row."""

    def __init__(self, registry: Registry) -> None:
        self._encoder = AvroEncoder("derived", registry.id_of("derived"))

    def write(self, key: str, state: ResultState, outcome: Outcome, rules: Mapping[str, RuleState], through: int) -> tuple[bytes, bytes]:
        """One derived row; its key is `result|period start`, in rankings and across territories `result|territory|period start`.

        The result of one value of a dimension is named with it.
        """
        formula, result = state.formula, state.result
        if formula.each:
            key = result._replace(dimensions=outcome.dimensions).key()
        place = f"{outcome.territory}|" if formula.of or formula.across else ""
        record = {
            "result": key,
            "formula": formula.id,
            "kind": formula.kind,
            "indicator": formula.indicator,
            "component": formula.component,
            "territory": outcome.territory,
            "subject_type": result.subject_type,
            "subject_id": result.subject_id,
            "figure_compared": formula.figure_compared,
            "measure_unit": formula.measure_unit,
            "period_type": outcome.period_type,
            "period_start": outcome.period_start,
            "period_end": outcome.period_end,
            "budget_year": result.budget_year,
            "deleted": outcome.deleted,
            "status": STATUSES[outcome.status],
            "inexact": outcome.inexact,
            "value": None if outcome.value is None else scaled(outcome.value),
            "numerator": decimal(outcome.numerator),
            "denominator": decimal(outcome.denominator),
            "rank": outcome.rank,
            "of": outcome.of,
            "expected": outcome.expected,
            "reason": outcome.reason,
            "operands": [_mark(m) for m in outcome.marks],
            "rules": [rule_state_record(r, s) for r, s in sorted(rules.items())],
            "event_time": outcome.event_time,
            "caused_at": outcome.caused_at,
            "generation": 0,
            "through": through,
            "position": [],
        }
        return f"{key}|{place}{outcome.period_start}".encode(), self._encoder.encode(record)

    def position(self, first: int, next_offset: int) -> bytes:
        """The position row: operands [first, next_offset) are folded."""
        record: dict[str, Any] = dict.fromkeys(
            ("formula", "indicator", "component", "territory", "subject_type", "subject_id", "figure_compared", "measure_unit", "reason"),
            "",
        ) | dict.fromkeys(
            ("period_start", "period_end", "budget_year", "inexact", "rank", "of", "expected", "event_time", "caused_at", "generation"), 0
        )
        record |= {
            "result": POSITION.decode(),
            "kind": "sum",
            "period_type": "instant",
            "deleted": True,
            "status": "preliminary",
            "value": None,
            "numerator": None,
            "denominator": None,
            "operands": [],
            "rules": [],
            "through": next_offset - 1,
            "position": [{"first": first, "next": next_offset, "watermark": 0, "floor": 0}],
        }
        return self._encoder.encode(record)


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "role": mark.role,
        "series": mark.series,
        "topic": mark.topic,
        "partition": mark.partition,
        "generation": mark.generation,
        "through": mark.through,
        "value": decimal(mark.value),
    }
