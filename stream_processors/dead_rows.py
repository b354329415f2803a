"""Dead letters of a stage: a record that cannot be folded becomes a row of the same transaction that steps over it, its bytes unchanged."""

from __future__ import annotations

from typing import Any

from transport.dead_letters import DeadLetters, Origin
from transport.transactions import Rows

Why = tuple[str, str, str]
"""Reason of the closed list, field (empty: the whole), detail."""


def add_letter(rows: Rows, letters: DeadLetters, source: tuple[str, int], record: Any, why: Why) -> None:
    """Add the letter of one record of `source` (topic, partition) to `rows`. It was first seen when the broker appended it, whoever reads
    it now. Raises DeadLetterError for a reason that the list does not have."""
    origin = Origin(topic=source[0], partition=source[1], offset=record.offset, timestamp=record.timestamp)
    letter = letters.letter(record.key, record.value, origin, why, first_seen=record.timestamp)
    rows.add(letter.key or b"", letter.value, letter.headers)
