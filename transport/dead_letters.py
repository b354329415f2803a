"""Dead letters: a refused message as it was, with a `DeadLetter` record that says why, where from, and how to group alike ones.

Value and key are the original's bytes, unchanged. The record travels framed in the header `nhip-dead-letter`; beside it stand the headers
that Kafka Connect's tools know (`__connect.errors.*`). No text of a dead letter repeats a value: payloads may hold what a log must not.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

from transport.records import AvroDecoder, AvroEncoder, DecodeError
from transport.schema_ids import Resolver

Reason = Literal[
    "decode", "schema_unknown", "validation", "contract", "unknown_indicator", "unknown_territory", "unknown_agency", "unknown_subject",
    "impossible_date", "wrong_scale", "out_of_range", "not_a_number", "sentinel", "too_large", "wrong_encoding", "truncated",
    "changed_header", "sink_rejected", "too_late", "poison_crash", "other",
]  # fmt: skip
"""Why a message is refused. The same closed list as in schemas/avro/dead_letter.avsc; a test keeps the two equal."""

REASONS: Final[tuple[str, ...]] = get_args(Reason)
HEADER: Final = "nhip-dead-letter"
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://nhip.vn/dead-letter")
DETAIL_LIMIT: Final = 500
_NUMBER: Final = re.compile(r"\d+")

Headers = list[tuple[str, bytes]]


class DeadLetterError(ValueError):
    """A dead letter's reason is not in the closed list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the refused message lay. Times in epoch ms. A producer that never wrote it gives its source as `topic`, -1 and a row number."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    source: str = ""
    place: str = ""

    def text(self) -> str:
        """`place`, or topic, partition and offset."""
        return self.place or f"{self.topic} [{self.partition}] {self.offset}"


class DeadLetter(NamedTuple):
    """What to send to `dead.<stage>`."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def dead_letter_id(origin: Origin, stage: str) -> str:
    """The same message refused again at the same stage has the same id: uuid5 of topic, partition, offset and stage."""
    return str(uuid.uuid5(NAMESPACE, f"{origin.topic}|{origin.partition}|{origin.offset}|{stage}"))


def fingerprint(stage: str, reason: str, field: str, detail: str, source: str) -> str:
    """Sixteen hex digits, equal for alike refusals: numbers in field and detail do not count."""
    parts = (stage, reason, _NUMBER.sub("#", field), _NUMBER.sub("#", detail), source)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class DeadLetters:
    """Makes dead letters of one stage. `encoder`: of the schema `dead_letter`; `stage`: e.g. `stage1`, `producers.customs`."""

    def __init__(self, stage: str, encoder: AvroEncoder) -> None:
        self.stage, self._encoder = stage, encoder

    def letter(
        self, key: bytes | None, value: bytes | None, origin: Origin, why: tuple[str, str, str], *, first_seen: int, attempts: int = 1
    ) -> DeadLetter:
        """A dead letter. `why`: reason, field (empty: the whole), detail (never the value); `first_seen`: epoch ms.

        Raises DeadLetterError where the reason is not in the closed list.
        """
        reason, field, detail = why
        if reason not in REASONS:
            raise DeadLetterError(f"dead letter: «{reason}» is not a reason; add it to dead_letter.avsc and transport/dead_letters.py")
        detail = detail[:DETAIL_LIMIT]
        record = {
            "dead_letter_id": dead_letter_id(origin, self.stage), "stage": self.stage, "reason": reason, "field": field, "detail": detail,
            "source": origin.source, "place": origin.text(), "original_topic": origin.topic, "original_partition": origin.partition,
            "original_offset": origin.offset, "original_timestamp": origin.timestamp, "attempts": attempts,
            "fingerprint": fingerprint(self.stage, reason, field, detail, origin.source), "first_seen": first_seen,
        }  # fmt: skip
        return DeadLetter(key, value, [(HEADER, self._encoder.encode(record)), *_connect_headers(self.stage, reason, field, detail,
        origin)])


def _connect_headers(stage: str, reason: str, field: str, detail: str, origin: Origin) -> Headers:
    message = f"{reason}: {field + ': ' if field else ''}{detail}"
    texts = {
        "topic": origin.topic, "partition": str(origin.partition), "offset": str(origin.offset), "stage": stage, "exception.message":
        message,
    }  # fmt: skip
    return [(f"__connect.errors.{name}", text.encode()) for name, text in texts.items()]


def read_record(headers: Iterable[tuple[str, bytes | str | None]] | None, decoder: AvroDecoder) -> dict[str, Any]:
    """The DeadLetter record of a message's headers. Raises DecodeError where there is none or it cannot be read."""
    for name, data in headers or ():
        if name == HEADER and isinstance(data, bytes):
            return decoder.decode(data)
    raise DecodeError("decode", HEADER, "the message has no dead letter record in its headers")


def decoder(resolver: Resolver) -> AvroDecoder:
    """A decoder of DeadLetter records."""
    return AvroDecoder("dead_letter", resolver)
