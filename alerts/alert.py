"""The alert as it stands after its newest event: what `alerts.events` and `alerts.current` carry, and what is read back after a start.

One value per row of schemas/avro/alert_event.avsc, and three facts beside it that only this process needs; they travel as one header of the
row (`memory`): `peak`, the worst severity of this opening (who was told of it is told of its end); `shelved_until`; `told_through`, the
latest input offset that made an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.condition import EVIDENCE, Condition, ConditionError, from_record, typed
from alerts.lifecycle import CONDITIONS, NEW, State

STORY_TEXT = ("event_id", "transition", "cause", "title_vi", "text_vi", "title_en", "actor", "note")
STORY_NUMBERS = ("sequence", "recorded_at", "opened_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. `evidence` is the newest condition row believed; times are epoch ms; `shelved_until` 0: no end given."""

    alert_id: str
    event_id: str
    sequence: int
    transition: str
    cause: str
    state: State
    title_vi: str
    text_vi: str
    title_en: str
    recorded_at: int
    opened_at: int
    actor: str
    note: str
    evidence: Condition
    peak: int
    shelved_until: int = 0
    told_through: int = -1

    @property
    def open(self) -> bool:
        """Does the condition hold?"""
        return self.state.condition in ("active", "recovering")

    def state_at(self, at: int) -> State:
        """The state at an instant (epoch ms): a shelf whose end has come no longer holds."""
        if self.state.attention == "shelved" and 0 < self.shelved_until <= at:
            return State(self.state.condition, "unacknowledged" if self.open else "returned")
        return self.state

    def memory(self) -> bytes:
        """What this process must find again beside the record: peak, shelved_until, told_through."""
        return f"{self.peak},{self.shelved_until},{self.told_through}".encode()

    def record(self) -> dict[str, Any]:
        """The Avro record of schema `alert_event`."""
        record = {name: getattr(self, name) for name in ("alert_id", *STORY_TEXT, *STORY_NUMBERS)}
        record |= {name: getattr(self.evidence, name) for name in EVIDENCE}
        return record | {"condition": self.state.condition, "attention": self.state.attention}


def state_of(alert: Alert | None, at: int) -> State:
    """The state of an alert that may have no story yet."""
    return alert.state_at(at) if alert else NEW


def restored(record: Mapping[str, Any], memory: bytes) -> Alert:
    """The alert of a row of `alerts.current` and its memory. Raises ConditionError where the row is not one this process wrote."""
    try:
        peak, shelved_until, told_through = (int(part) for part in memory.split(b","))
    except ValueError as error:
        raise ConditionError("memory", "not three numbers: the row was not written by this process") from error
    # The evidence is checked for types and ids; its transition is that of the figures, which the story's may not be (acknowledged …).
    evidence = from_record({**record, "transition": "corrected" if not record.get("severity") else "opened"})
    text = {name: typed(name, record.get(name), str) for name in STORY_TEXT}
    numbers = {name: typed(name, record.get(name), int) for name in STORY_NUMBERS}
    condition, attention = str(record.get("condition")), str(record.get("attention"))
    state = State(condition if condition in CONDITIONS else "active", attention)
    return Alert(
        alert_id=evidence.alert_id, state=state, evidence=evidence, peak=peak, shelved_until=shelved_until, told_through=told_through,
        **text, **numbers,
    )  # fmt: skip
