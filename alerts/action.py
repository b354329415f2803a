"""What a person did to an alert: rows of `alerts.actions` (schemas/avro/alert_action.avsc), checked at the door of this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alerts.condition import ConditionError, typed
from alerts.lifecycle import ACTS

TEXT = ("action_id", "alert_id", "action", "actor", "office", "note", "via")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One act. `until` (epoch ms) ends a shelf; 0: no end given. `via`: board, link, code, api or command."""

    action_id: str
    alert_id: str
    action: str
    actor: str
    office: str
    note: str
    until: int
    acted_at: int
    via: str

    def record(self) -> dict[str, Any]:
        """The Avro record of schema `alert_action`."""
        return asdict(self) | {"until": self.until or None}


def action_of(record: Mapping[str, Any]) -> Action:
    """The act of a decoded record. Raises ConditionError naming the field where it cannot be meant."""
    text = {name: typed(name, record.get(name), str) for name in TEXT}
    until = typed("until", record.get("until") or 0, int)
    acted_at = typed("acted_at", record.get("acted_at"), int)
    if text["action"] not in ACTS:
        raise ConditionError("action", f"not one of {', '.join(ACTS)}")
    for name in ("action_id", "alert_id", "actor"):
        if not text[name]:
            raise ConditionError(name, "empty")
    if text["action"] in ("explain", "comment") and not text["note"].strip():
        raise ConditionError("note", "empty: an explanation or a comment says something")
    return Action(until=until, acted_at=acted_at, **text)
