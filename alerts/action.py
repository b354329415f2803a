"""What a person did to an alert: rows of `alerts.actions` (schemas/avro/alert_action.avsc), checked at the door of this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alerts.condition import ConditionError, typed
from alerts.lifecycle import ACTS, INQUIRY_ACTS
from indicators.inquiry import OUTCOMES_VI, TITLES_VI

TEXT = ("action_id", "alert_id", "action", "actor", "office", "note", "via")
OF_INQUIRY = ("inquiry", "authority", "document_number", "outcome", "issuing_office")
SPEAKING = ("explain", "comment", "answer", "send_back")
"""Acts that say something: without a note they mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One act. `until` (epoch ms) ends a shelf; 0: no end given. `via`: board, link, code, api or command. `inquiry`: the request an act
    on a request is about; `authority` and `document_number`: under which it is issued; `issuing_office`: the office (`office@place`) that
    issues it and is told of the answer; `outcome`: how it is decided; else empty."""

    action_id: str
    alert_id: str
    action: str
    actor: str
    office: str
    note: str
    until: int
    acted_at: int
    via: str
    inquiry: str = ""
    authority: str = ""
    document_number: str = ""
    outcome: str = ""
    issuing_office: str = ""

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
    text |= {name: typed(name, record.get(name) or "", str) for name in OF_INQUIRY}
    act = Action(until=until, acted_at=acted_at, **text)
    check(act)
    return act


def check(act: Action) -> None:
    """Raises ConditionError naming the field where an act says too little to be one."""
    if act.action in SPEAKING and not act.note.strip():
        raise ConditionError("note", "empty: an explanation, an answer or a comment says something")
    if act.action not in INQUIRY_ACTS:
        return
    if act.inquiry not in TITLES_VI:
        raise ConditionError("inquiry", f"not one of {', '.join(TITLES_VI)}")
    if act.action == "issue" and not (act.authority.strip() and act.document_number.strip()):
        raise ConditionError("document_number", "a request is issued under a named authority with a document number")
    if act.action == "decide" and act.outcome not in OUTCOMES_VI:
        raise ConditionError("outcome", f"not one of {', '.join(OUTCOMES_VI)}")
