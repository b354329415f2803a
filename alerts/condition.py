"""The condition: what a rule says of a series (schemas/avro/condition.avsc), checked at the door of this process.

Times are epoch milliseconds UTC. `mark` orders the rows of one alert: (generation, through), the higher one is the newer knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, get_type_hints
from uuid import UUID

TRANSITIONS = ("opened", "worse", "better", "cleared", "corrected")
MODES = ("live", "replay", "backfill", "exercise")


class ConditionError(ValueError):
    """A condition that cannot be meant. `field` names the column; the text never holds the value."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One row of `alerts.conditions`. Field meanings: the schema. `severity` 0 means «no longer over any limit»."""

    alert_id: str
    rule: str
    rule_version: int
    transition: str
    series: str
    indicator: str
    component: str
    territory: str
    subject_type: str
    subject_id: str
    agency: str
    provider: str
    measure_unit: str
    comparison: str
    severity: int
    severity_before: int
    level: str
    value: Decimal | None
    limit: Decimal | None
    gap: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    period_type: str
    period_start: int
    period_end: int
    budget_year: int
    since: int
    event_time: int
    status: str
    revision: int
    source_topic: str
    source_partition: int
    source_offset: int
    source_record_id: str
    mode: str
    caused_at: int
    generation: int
    through: int
    missing: str = ""

    @property
    def mark(self) -> tuple[int, int]:
        """(generation, through): which of two rows of this alert knows more."""
        return self.generation, self.through


_TYPES = get_type_hints(Condition)
FIELDS = tuple(f.name for f in fields(Condition))
_OPTIONAL = frozenset(f.name for f in fields(Condition) if f.default is not MISSING)
"""Fields that rows of older versions lack."""
EVIDENCE = tuple(name for name in FIELDS if name not in ("alert_id", "transition"))
"""What an alert event repeats of the condition that caused it."""


def from_record(record: Mapping[str, Any]) -> Condition:
    """The condition of a decoded Avro record. Raises ConditionError where a field is missing, of another type, or not to be believed."""
    values: dict[str, Any] = {}
    for name in FIELDS:
        if name not in record:
            if name in _OPTIONAL:
                continue
            raise ConditionError(name, "missing")
        values[name] = typed(name, record[name], _TYPES[name])
    condition = Condition(**values)
    check(condition)
    return condition


def typed(name: str, value: Any, expected: Any) -> Any:
    """The value in the type this process works with: instants as epoch ms. Raises ConditionError."""
    if expected is int and isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if expected is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if expected is str and isinstance(value, str):
        return value
    if expected == Decimal | None and (value is None or isinstance(value, Decimal)):
        return value
    raise ConditionError(name, f"another type than expected: {type(value).__name__}")


def check(condition: Condition) -> None:
    """Raises ConditionError where the row contradicts itself: it would open an alert nobody could explain."""
    try:
        UUID(condition.alert_id)
    except ValueError as error:
        raise ConditionError("alert_id", "not a UUID") from error
    if not condition.rule:
        raise ConditionError("rule", "empty")
    if not condition.series:
        raise ConditionError("series", "empty")
    if condition.transition not in TRANSITIONS:
        raise ConditionError("transition", f"not one of {', '.join(TRANSITIONS)}")
    if not 0 <= condition.severity <= 5:
        raise ConditionError("severity", "not within 0–5")
    if condition.transition == "cleared" and condition.severity:
        raise ConditionError("severity", "a cleared condition has severity 0")
    if condition.transition in ("opened", "worse", "better") and not condition.severity:
        raise ConditionError("severity", "0, but the condition is not cleared")
    if condition.severity and condition.value is None:
        raise ConditionError("value", "missing: no evidence for a severity above 0")
    if condition.period_end < condition.period_start:
        raise ConditionError("period_end", "before period_start")
