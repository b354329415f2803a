"""The contract of every source: `fetch(since) → observations, rejects, position`.

1. `fetch(since)` returns what lies after the position `since`, parsed and checked, and the position reached. It has no side effect that a
   second `fetch` of the same position would not repeat, so nothing is lost when what it returned was not delivered.
2. The runner delivers observations and rejects to Kafka, waits for every acknowledgement, and only then saves the position (and what the
   adapter asked to remember) in one durable write.
3. The next `fetch` gets the saved position. To a live source this is the acknowledgement of everything up to it.

A crash between 2 and the save repeats a fetch: the same records with the same (source_record_id, revision), which the workers drop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from indicators.observation import Observation
from producers.reject import Reject

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
Position: TypeAlias = Mapping[str, Json]
"""Small and JSON-able: file name → digest and line for folders, session and sequence for MQTT. Empty: from the beginning."""

START: Position = {}


class SourceUnavailable(RuntimeError):
    """The source cannot be reached or read now (server down, folder missing); the runner backs off and tries again."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an adapter must still know later (the lines of a declaration, the amount of an entry); forgotten at `expires_at` (epoch ms)."""

    value: Json
    expires_at: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """Result of one fetch. `remembered`: key → value to keep with the position. `more`: the source has more at once, ask again.
    `superseded`: records known before in the same or a newer version; counted, sent nowhere."""

    observations: list[Observation]
    rejects: list[Reject]
    position: Position
    remembered: dict[str, Remembered] = field(default_factory=dict)
    more: bool = False
    superseded: int = 0


class Memory(Protocol):
    """What the adapter was promised to remember: values saved with delivered positions."""

    def recall(self, key: str) -> Json:
        """The remembered value, or None where the key is unknown or expired."""
        ...


class Source(Protocol):
    """One source: an adapter with its transport. `name` is also its consumer-visible label in metrics and dead letters."""

    @property
    def name(self) -> str: ...

    def fetch(self, since: Position) -> Fetched:
        """Everything after `since`, bounded in size. Raises SourceUnavailable; bad input is a reject, never an exception."""
        ...

    def close(self) -> None:
        """Release connections; unfetched messages stay with the provider or broker."""
        ...
