"""Rules on results: what they say does not depend on how much arrived at once, and nothing is judged before the horizon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from indicators.derived.result import Result
from stream_processors.horizon import LONGEST_SECONDS, SETTLE_SECONDS
from stream_processors.stage2 import Stage2
from tests.stream_processors.offline import OfflineContext, Record
from transport.columnar_writer import AvroEncoder
from transport.records import AvroDecoder
from transport.transactions import Rows

DAY = 86_400_000
FIRST_DAY = 1_792_083_600_000  # 16/10/2026 00:00 in Vietnam
HOSPITAL = Result("F36.hospital", "01", "hospital", "BV-01-01", 0).key()
BEDS = 40
OCCUPIED = [20, 36, 36, 38, 39, 34, 34, 24, 20]
"""Of 40 beds. Held over 85 % on the third day, 95 % on the fourth; held under 90 % on the seventh, under 75 % on the ninth."""


class Clock:
    """Seconds as the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    return OfflineContext()


def operands(context: OfflineContext, days: Iterable[int], first: int, roles: Sequence[str] = ("occupied", "free")) -> list[Record]:
    encoder = AvroEncoder("operand", context.registry.id_of("operand"))
    records: list[Record] = []
    for day in days:
        at = FIRST_DAY + day * DAY
        for role in roles:
            value = OCCUPIED[day] if role == "occupied" else BEDS - OCCUPIED[day]
            row = {
                "result": HOSPITAL, "role": role, "series": f"guide-7146/T14.ICU|{role}|01|hospital:BV-01-01||actual",
                "period_type": "day", "period_start": at, "period_end": at + DAY, "deleted": False, "inexact": 0, "status": "official",
                "budget_year": 0, "value": Decimal(value), "count": 1, "topic": "obs.emergency", "partition": 0, "generation": 0,
                "through": first + len(records), "event_time": at, "caused_at": at,
            }  # fmt: skip
            records.append(Record(first + len(records), HOSPITAL.encode(), encoder.encode(row), at))
    return records


def said(context: OfflineContext, rows: Iterable[Rows]) -> list[dict[str, Any]]:
    decoder = AvroDecoder("condition", context.registry.schema)
    return [decoder.decode(value or b"") for r in rows if r.topic.startswith("alerts.conditions") for value in r.values]


def judged(context: OfflineContext, chunks: Iterable[Iterable[int]]) -> list[tuple[str, int, str, int, Decimal]]:
    """Feed days in chunks; after each the result comes to rest. What the rule said: transition, severity, alert, event time, value."""
    clock, at, found = Clock(), 0, []
    stage = Stage2(context, "emergency", 0, clock)
    for days in chunks:
        records = operands(context, days, at)
        found += said(context, stage.fold(records, at, at + len(records)))
        at += len(records)
        clock.now += SETTLE_SECONDS
        found += said(context, stage.settle(at))
    return [(c["transition"], c["severity"], c["alert_id"], c["event_time"], c["value"]) for c in found]


def test_a_week_that_arrives_at_once_says_what_its_days_would_have_said(context: OfflineContext) -> None:
    daily = judged(context, [[day] for day in range(9)])
    assert [(name, severity, (at - FIRST_DAY) // DAY, value) for name, severity, _, at, value in daily] == [
        ("opened", 3, 2, Decimal("90.000000")), ("worse", 4, 3, Decimal("95.000000")), ("better", 3, 6, Decimal("85.000000")),
        ("cleared", 0, 8, Decimal("50.000000")),
    ]  # fmt: skip
    assert len({alert for _, _, alert, *_ in daily}) == 1
    assert judged(context, [range(9)]) == daily
    assert judged(context, [range(4), range(4, 9)]) == daily


def test_nothing_is_judged_before_the_horizon_has_passed_the_last_operand(context: OfflineContext) -> None:
    clock = Clock()
    stage = Stage2(context, "emergency", 0, clock)
    stage.horizon = clock.now - 1
    records = operands(context, range(5), 0)
    stage.fold(records, 0, len(records))
    clock.now += SETTLE_SECONDS
    assert said(context, stage.settle(len(records))) == []
    assert stage.waits
    assert stage.due_at() == pytest.approx(clock.now, abs=0.1), "it looks again soon"
    stage.horizon = clock.now
    assert [c["transition"] for c in said(context, stage.settle(len(records)))] == ["opened", "worse"]
    assert not stage.waits
    assert stage.due_at() is None


def test_a_result_that_never_rests_is_judged_up_to_its_first_operand(context: OfflineContext) -> None:
    clock, found = Clock(), list[dict[str, Any]]()
    stage = Stage2(context, "emergency", 0, clock)
    began = clock.now
    stage.horizon = began
    for day in range(9):
        records = operands(context, [day], 2 * day)
        found += said(context, stage.fold(records, 2 * day, 2 * day + 2))
        if clock.now - began < LONGEST_SECONDS:
            assert found == [], "touched again and again, and not for long"
        clock.now += LONGEST_SECONDS / 5
    assert [c["transition"] for c in found][:1] == ["opened"]


def test_the_horizon_of_a_lane_is_that_of_the_topics_that_feed_its_results(context: OfflineContext) -> None:
    assert Stage2(context, "emergency", 0).feeds == {"obs.emergency"}
    assert Stage2(context, "finance_budget", 1).feeds == {"obs.finance_budget"}
    assert Stage2(context, "finance_budget", 1).place == ("operands.finance_budget", 1)
