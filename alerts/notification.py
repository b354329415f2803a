"""One message to one recipient over one channel: request, result and ledger row share it (schemas/avro/notification.avsc).

States: intended → handed_over → receipted; failed (refused, or given up); held (for the duty officer: may have arrived, cannot be asked);
recorded (not to be sent: replay, backfill, too old, shelved). `attempt` 0: in the queue, never tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from alerts.condition import ConditionError, typed

STATES = ("intended", "handed_over", "receipted", "failed", "held", "recorded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Field meanings: the schema. Times are epoch ms UTC."""

    notification_key: str
    event_id: str
    alert_id: str
    rule: str
    state: str
    reason: str
    lane: str
    channel: str
    recipient: str
    address: str
    severity: int
    transition: str
    title: str
    text: str
    attempt: int = 0
    repeated: bool = False
    provider_reference: str = ""
    error_class: str = ""
    error: str = ""
    mode: str
    requested_at: int
    changed_at: int
    not_after: int

    def record(self) -> dict[str, Any]:
        """The Avro record of schema `notification`."""
        return asdict(self)


_TYPES = get_type_hints(Notification)
NAMES = tuple(f.name for f in fields(Notification))


def notification_of(record: Mapping[str, Any]) -> Notification:
    """The notification of a decoded record. Raises ConditionError naming the field where it is not one."""
    values: dict[str, Any] = {}
    for name in NAMES:
        value = record.get(name)
        if _TYPES[name] is bool:
            values[name] = value is True
        else:
            values[name] = typed(name, value, _TYPES[name])
    if values["state"] not in STATES:
        raise ConditionError("state", f"not one of {', '.join(STATES)}")
    return Notification(**values)
