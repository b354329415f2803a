"""Conditions as the workers write them, for the tests of this package."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from alerts.channels.contract import Message, message_of
from alerts.condition import Condition
from alerts.notification import Notification

NOON = 1_790_830_800_000  # 01/10/2026 12:00 in Vietnam
HOUR = 3_600_000


def alert_id(name: str) -> str:
    """A stable alert id of a test."""
    return str(uuid5(UUID(int=0), name))


RIVER = Condition(
    alert_id=alert_id("river"), rule="TV-MUC-NUOC-BAO-DONG", rule_version=1, transition="opened",
    series="vn-1012/D.1|river_level|01|station:hanoi||actual", indicator="vn-1012/D.1", component="river_level", territory="01",
    subject_type="station", subject_id="hanoi", agency="HYDROMET", provider="HYDROMET", measure_unit="m", comparison="limit", severity=3,
    severity_before=0, level="bd2", value=Decimal("10.620000"), limit=Decimal("10.500000"), gap=Decimal("0.120000"), numerator=None,
    denominator=None, period_type="instant", period_start=NOON, period_end=NOON, budget_year=2026, since=NOON - 2 * HOUR, event_time=NOON,
    status="preliminary", revision=0, source_topic="obs.emergency", source_partition=3, source_offset=41,
    source_record_id="HN-20261001T1200",
    mode="live", caused_at=NOON + 400, generation=0, through=41,
)  # fmt: skip

ICU = replace(
    RIVER, alert_id=alert_id("icu"), rule="YT-ICU-CONG-SUAT", series="guide-7146/F36||31|hospital:viet-tiep||actual",
    indicator="guide-7146/F36",
    component="", territory="31", subject_type="hospital", subject_id="viet-tiep", agency="DOH-31", provider="DOH-31",
    measure_unit="percent",
    level="", severity=3, value=Decimal("87.500000"), limit=Decimal("85.000000"), gap=Decimal("2.500000"), numerator=Decimal("35.000000"),
    denominator=Decimal("40.000000"), period_type="hour", source_topic="operands.emergency", source_record_id="ICU-31-7",
)  # fmt: skip

SLOW = replace(
    RIVER, alert_id=alert_id("slow"), rule="GN-DTC-CHAM-KE-HOACH", series="guide-7146/F02||31||||actual", indicator="guide-7146/F02",
    component="",
    territory="31", subject_type="", subject_id="", agency="PPC-31", provider="MOF", measure_unit="percent", comparison="path plan_pm",
    level="",
    severity=3, value=Decimal("52.340000"), limit=Decimal("65.270000"), gap=Decimal("12.930000"),
    numerator=Decimal("12345600000000.000000"),
    denominator=Decimal("23587313718000.000000"), period_type="budget_year_to_date", since=NOON - 720 * HOUR,
    source_topic="operands.finance_budget",
    source_record_id="TABMIS-2026-09-31",
)  # fmt: skip


def after(c: Condition, **changes: Any) -> Condition:
    """A later row of the same alert: the mark goes up by one unless given."""
    later = {"through": c.through + 1, "period_start": c.period_start + HOUR, "event_time": c.event_time + HOUR} | changes
    return replace(c, **({"period_end": later["period_start"]} | later))


def notification(channel: str = "email", **changes: Any) -> Notification:
    """A request of the river alert."""
    row = Notification(
        notification_key=alert_id("notification"), event_id=alert_id("event"), alert_id=RIVER.alert_id, rule=RIVER.rule, state="intended",
        reason="opened", lane="direct", channel=channel, recipient="chair_province@01", address="chu-tich-ubnd-01@example.vn", severity=3,
        transition="opened", title="Trạm Hà Nội: 10,62 m, trên báo động II", text="Kính gửi: …\nMực nước 10,62 m.", mode="live",
        requested_at=NOON, changed_at=NOON, not_after=NOON + 72 * HOUR,
    )  # fmt: skip
    return replace(row, **changes)


def message(channel: str = "email", **changes: Any) -> Message:
    """The message of a request."""
    return message_of(notification(channel, **changes))
