"""A reject: one record, line, message or file that was refused, with its reason, its place and the bytes as received.

Reasons are the closed list of `schemas/avro/dead_letter.avsc`. `detail` says what was expected and which kind of value was found, never
the value itself: rejects travel to logs and to people who may not see the data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from indicators.observation import Observation
from transport.dead_letters import Reason

__all__ = ["Reason", "Refused", "Reject", "identity_of"]

class Refused(ValueError):
    """Raised by the parsers of fields and by the door; the adapter turns it into a `Reject` of the record at hand and goes on."""

    def __init__(self, reason: Reason, field: str, detail: str) -> None:
        super().__init__(f"{reason}: {field}: {detail}")
        self.reason: Reason = reason
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """What was refused. `place` is `file:line`, `file#message` or `topic:sequence`; `original` the bytes as received (customs: without the
    trader's code); `field` empty where the whole is meant."""

    reason: Reason
    detail: str
    place: str
    original: bytes
    source: str
    provider: str
    field: str = ""

    @classmethod
    def of(cls, refused: Refused, *, place: str, original: bytes, source: str, provider: str) -> Reject:
        """The reject of a record whose parsing or check raised `refused`."""
        return cls(reason=refused.reason, field=refused.field, detail=refused.detail, place=place, original=original, source=source,
                   provider=provider)  # fmt: skip


def identity_of(o: Observation) -> bytes:
    """What a reject shows of an observation that never came as bytes of its own: its record and revision, no value."""
    return json.dumps([o.source_system, o.source_record_id, o.revision]).encode()
