"""Every topic in one table: name, key, partitions, cleanup, schema. `nhip topics apply | diff` works from it; nothing is auto-created.

The number of partitions is fixed per generation: output partition = input partition is what makes a row a function of its partition's
prefix, so growth is a new generation and a rebuild, never an alteration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Cleanup = Literal["delete", "compact"]

GROUPS: dict[str, int] = {
    "prices": 2, "finance_budget": 2, "trade": 12, "banking": 2, "planning_investment": 2, "industry": 2, "agriculture": 2,
    "construction_transport": 2, "services": 2, "social_insurance": 2, "order_security": 2, "labour_education": 2, "home_affairs": 2,
    "localities": 2, "annual_plan": 2, "programmes": 2, "emergency": 12,
}  # fmt: skip
"""Concept group → partitions. Customs declarations (`trade`) and sensors (`emergency`, its own lane) have 12, the others 2."""

EMERGENCY = "emergency"
MAX_PARTITIONS = max(GROUPS.values())
DAY_MS = 86_400_000
MAX_MESSAGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it must exist. `schema` is the stem of a file in `schemas/avro`, or empty where values have none.

    Values of `dead.*` are the original bytes; the schema is that of their header `nhip-dead-letter`.
    """

    name: str
    partitions: int
    cleanup: Cleanup
    schema: str
    key: str
    retention_ms: int = -1
    append_time: bool = False

    def config(self) -> dict[str, str]:
        """The broker's settings for this topic. A compacted topic is never also time-deleted: live state would be lost."""
        settings = {"cleanup.policy": self.cleanup, "max.message.bytes": str(MAX_MESSAGE_BYTES), "compression.type": "producer"}
        if self.cleanup == "delete":
            settings["retention.ms"] = str(self.retention_ms)
        if self.append_time:
            settings["message.timestamp.type"] = "LogAppendTime"
        return settings


def conditions_topic(group: str) -> str:
    """Emergency conditions have their own topic: one open transaction holds back every read_committed reader of its partition."""
    return "alerts.conditions.emergency" if group == EMERGENCY else "alerts.conditions"


def table(prefix: str = "") -> dict[str, Topic]:
    """Every topic by its full name, `prefix` before each."""
    return {t.name: t for t in _topics(prefix)}


def _topics(prefix: str) -> Iterator[Topic]:
    for group, n in GROUPS.items():
        yield Topic(f"{prefix}obs.{group}", n, "delete", "observation", "series", -1)
        yield Topic(f"{prefix}panes.{group}", n, "compact", "pane", "series|kind+pane")
        yield Topic(f"{prefix}agg.{group}", n, "compact", "aggregate", "series")
        yield Topic(f"{prefix}operands.{group}", n, "delete", "operand", "result", 7 * DAY_MS)
        yield Topic(f"{prefix}operands.latest.{group}", n, "compact", "operand", "result|role|series|period")
        yield Topic(f"{prefix}derived.{group}", n, "compact", "derived", "result|period")
    p = MAX_PARTITIONS
    yield Topic(f"{prefix}alerts.conditions", p, "compact", "condition", "alert_id")
    yield Topic(f"{prefix}alerts.conditions.emergency", p, "compact", "condition", "alert_id")
    yield Topic(f"{prefix}alerts.events", 2, "delete", "alert_event", "alert_id")
    yield Topic(f"{prefix}alerts.current", 2, "compact", "alert_event", "alert_id")
    yield Topic(f"{prefix}alerts.actions", 2, "delete", "alert_action", "alert_id")
    yield Topic(f"{prefix}notify.requests", 2, "delete", "notification", "notification_key", 400 * DAY_MS)
    yield Topic(f"{prefix}notify.results", 2, "delete", "notification", "notification_key", 400 * DAY_MS)
    yield Topic(f"{prefix}notify.ledger", 2, "compact", "notification", "notification_key")
    for stage in ("producers", "stage1", "stage2", "alerts", "sinks"):
        yield Topic(f"{prefix}dead.{stage}", 2, "delete", "dead_letter", "as the original", 400 * DAY_MS)
    yield Topic(f"{prefix}ops.audit", 1, "delete", "", "actor", -1, append_time=True)
    yield Topic(f"{prefix}ops.emergency", 1, "compact", "", "step|emergency|step, adhoc|set|row", -1, append_time=True)
    yield Topic(f"{prefix}ops.backtests", 1, "compact", "", "order|id, stop|id, run|id", -1, append_time=True)
    yield Topic(f"{prefix}ops.replay.jobs", 1, "compact", "", "job|id, piece|id|topic|partition")
