"""Rows of the ledger as they lie in its topic, read at a start: most are settled, and of nearly all of those only the key is needed.

The first fields of schema `notification` (four texts, state, reason, lane, channel) say whether a row is settled, and over which channel it
went: for how long it is needed whole (`Manner.whole_ms`). So a settled row is told by skipping over them instead of decoding some twenty
fields: what lets a ledger of ten million rows be read again in bounded time.
"""

from __future__ import annotations

from transport.schemas import load

SCHEMA = "notification"
_BEFORE_STATE = ("notification_key", "event_id", "alert_id", "rule")
_TOLD = (*_BEFORE_STATE, "state", "reason", "lane", "channel")
_FRAME = 5


class LedgerRows:
    """Tells settled rows written under one schema id. Raises ValueError where the schema begins otherwise: this module must follow it."""

    def __init__(self, schema_id: int) -> None:
        fields = load(SCHEMA).fields
        if tuple(f["name"] for f in fields[: len(_TOLD)]) != _TOLD:
            raise ValueError(f"schema {SCHEMA} begins with other fields than {', '.join(_TOLD)}")
        self._frame = b"\0" + schema_id.to_bytes(4, "big")
        symbols: list[str] = fields[4]["type"]["symbols"]
        self._intended, self._failed = symbols.index("intended"), symbols.index("failed")

    def settled_over(self, value: bytes) -> bytes | None:
        """The channel of a row for which nothing more is to be done; None where something is, and where the row was written under another
        schema: decode it then."""
        if value[:_FRAME] != self._frame:
            return None
        at = _FRAME
        for _ in _BEFORE_STATE:
            length, at = _number(value, at)
            at += length
        state, at = _number(value, at)
        if state == self._intended:
            return None
        length, at = _number(value, at)
        if state == self._failed and value[at : at + length] == b"retry":
            return None
        _, at = _number(value, at + length)
        length, at = _number(value, at)
        return value[at : at + length]


def _number(value: bytes, at: int) -> tuple[int, int]:
    """Avro's variable-length number at a place, and the place after it."""
    byte = value[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    found, shift = byte & 0x7F, 7
    while byte & 0x80:
        at += 1
        byte = value[at]
        found |= (byte & 0x7F) << shift
        shift += 7
    return (found >> 1) ^ -(found & 1), at + 1


def key_of(message_key: bytes) -> bytes:
    """The sixteen bytes of a notification key as it stands in a message's key."""
    return bytes.fromhex(message_key.replace(b"-", b"").decode("ascii"))
