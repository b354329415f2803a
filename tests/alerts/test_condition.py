"""The door: what is believed of a condition row and of an act."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alerts.action import action_of
from alerts.condition import ConditionError, from_record
from tests.alerts.samples import NOON, RIVER


def test_a_good_row_with_instants_in_either_form() -> None:
    record = asdict(RIVER)
    assert from_record(record) == RIVER
    assert from_record(record | {"event_time": datetime.fromtimestamp(NOON / 1000, UTC)}) == RIVER


@pytest.mark.parametrize(("field", "value"), [
    ("alert_id", "not-a-uuid"), ("rule", ""), ("series", ""), ("transition", "exploded"),
    ("severity", 6), ("severity", -1), ("severity", 0),
    ("value", None), ("value", 10.62), ("period_end", NOON - 1), ("revision", True), ("through", "41"),
])  # fmt: skip
def test_a_row_that_cannot_be_meant_is_named_by_field(field: str, value: object) -> None:
    with pytest.raises(ConditionError) as error:
        from_record(asdict(RIVER) | {field: value})
    assert error.value.field == field
    assert str(value) not in error.value.detail or value in (0, None, "")


def test_a_missing_field_is_named() -> None:
    record = asdict(RIVER)
    del record["mode"]
    with pytest.raises(ConditionError, match="mode: missing"):
        from_record(record)


def test_cleared_has_severity_nought() -> None:
    with pytest.raises(ConditionError, match="severity"):
        from_record(asdict(RIVER) | {"transition": "cleared", "severity": 2})
    assert from_record(asdict(RIVER) | {"transition": "cleared", "severity": 0, "value": None}).value is None


ACT = {"action_id": "a1", "alert_id": RIVER.alert_id, "action": "acknowledge", "actor": "An", "office": "", "note": "", "until": None,
       "acted_at": NOON, "via": "command"}  # fmt: skip


def test_an_act() -> None:
    action = action_of(ACT)
    assert (action.until, action_of(action.record())) == (0, action)
    assert action_of(ACT | {"until": NOON + 5}).until == NOON + 5


@pytest.mark.parametrize("changes", [{"action": "erase"}, {"actor": ""}, {"action_id": ""}, {"action": "explain"}, {"acted_at": None}])
def test_an_act_that_cannot_be_meant(changes: dict[str, object]) -> None:
    with pytest.raises(ConditionError):
        action_of(ACT | changes)


def test_decimals_stay_exact() -> None:
    big = Decimal("12345678901234567890.123456")
    assert from_record(asdict(RIVER) | {"value": big}).value == big
