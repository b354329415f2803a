"""The alert as it stands after its newest event: what `alerts.events` and `alerts.current` carry, and what is read back after a start.

One value per row of schemas/avro/alert_event.avsc, and what only this process needs beside it (`Memory`), which travels as one header of
the row. Three clocks, never mixed: event time (`evidence.event_time`), the instant of an act or of a timer (`memory.happened_at`), and when
this process wrote it (`recorded_at`, rising within an alert: it orders messages).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from alerts.condition import EVIDENCE, Condition, ConditionError, from_record, typed
from alerts.inquiry import Inquiry
from alerts.lifecycle import CONDITIONS, NEW, State

STORY_TEXT = ("event_id", "transition", "cause", "title_vi", "text_vi", "title_en", "actor", "note")
STORY_NUMBERS = ("sequence", "recorded_at", "opened_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What this process must find again beside the record. Instants are epoch ms.

    `peak`: the worst severity of this opening. `shelved_until` 0: no end given. `told_through`: the latest input offset that made an event.
    `told`: ids of recipients who were sent its opening, a rise or an escalation (they hear of the end); None: a row of before this was
    kept. `attention_since`: since when somebody should have acted, the base of all its timers. `fired`: timers gone off since then.
    `changes`: event times of openings and ends of the same rule and series, for flapping. `happened_at`: when the newest step took place.
    `inquiries`: the requests issued on it, in order.
    """

    peak: int = 0
    shelved_until: int = 0
    told_through: int = -1
    told: tuple[str, ...] | None = None
    attention_since: int = 0
    explained: bool = False
    fired: tuple[str, ...] = ()
    changes: tuple[int, ...] = ()
    happened_at: int = 0
    inquiries: tuple[Inquiry, ...] = ()

    def bytes(self) -> bytes:
        """As a header of a row."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()


def memory_of(header: bytes) -> Memory:
    """The memory of a header. Raises ConditionError where this process did not write it."""
    try:
        return _MEMORY.validate_json(header)
    except ValidationError:
        return _old_memory(header)


_MEMORY = TypeAdapter(Memory)


def _old_memory(header: bytes) -> Memory:
    """Rows of version 0.1 hold peak, shelved_until and told_through with commas between."""
    try:
        peak, shelved_until, told_through = (int(part) for part in header.split(b","))
    except ValueError as error:
        raise ConditionError("memory", "neither JSON nor three numbers: the row was not written by this process") from error
    return Memory(peak=peak, shelved_until=shelved_until, told_through=told_through)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. `evidence` is the newest condition row believed; times are epoch ms."""

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
    memory: Memory = field(default_factory=Memory)

    @property
    def open(self) -> bool:
        """Does the condition hold?"""
        return self.state.condition in ("active", "recovering")

    def state_at(self, at: int) -> State:
        """The state at an instant (epoch ms): a shelf whose end has come no longer holds."""
        if self.state.attention == "shelved" and 0 < self.memory.shelved_until <= at:
            return State(self.state.condition, "unacknowledged" if self.open else "returned")
        return self.state

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
    # The evidence is checked for types and ids; its transition is that of the figures, which the story's may not be (acknowledged …).
    evidence = from_record({**record, "transition": "corrected" if not record.get("severity") else "opened"})
    text = {name: typed(name, record.get(name), str) for name in STORY_TEXT}
    numbers = {name: typed(name, record.get(name), int) for name in STORY_NUMBERS}
    condition, attention = str(record.get("condition")), str(record.get("attention"))
    state = State(condition if condition in CONDITIONS else "active", attention)
    return Alert(alert_id=evidence.alert_id, state=state, evidence=evidence, memory=memory_of(memory), **text, **numbers)
