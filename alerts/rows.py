"""Rows on their way to a topic, and the CloudEvents headers of alert events (binary mode: attributes as `ce_…` headers, value is the data).

CloudEvents 1.0 with the extensions partitioning (`partitionkey`) and sequence. Two events with the same source and id are the same event:
a consumer may drop the second one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zlib import crc32

from alerts.alert import Alert

MEMORY_HEADER = "nhip-alert-memory"
CONTENT_TYPE = "application/vnd.apache.avro"

Headers = list[tuple[str, str | bytes | None]]


@dataclass(frozen=True, slots=True)
class Row:
    """One message to write. `topic` is the full name; a value of None is a tombstone; `partition` -1: that of the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)
    partition: int = -1


def cloud_event(alert: Alert) -> Headers:
    """The headers of an event: which, of what kind, about which alert, when."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": alert.event_id,
        "ce_source": f"/rules/{alert.evidence.rule}",
        "ce_type": f"vn.nhip.alert.{alert.transition}.v1",
        "ce_subject": alert.alert_id,
        "ce_time": instant(alert.memory.happened_at or alert.evidence.event_time),
        "ce_recordedtime": instant(alert.recorded_at),
        "ce_sequence": f"{alert.sequence:012d}",
        "ce_partitionkey": alert.alert_id,
        "content-type": CONTENT_TYPE,
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def partition_of(recipient: str, partitions: int) -> int:
    """The partition of a recipient's requests: all messages to one recipient pass through one lane, which keeps their order."""
    return crc32(recipient.encode()) % partitions


def instant(at_ms: int) -> str:
    """RFC 3339 of epoch milliseconds, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
