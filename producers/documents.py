"""Documents: a transport that delivers named files, an adapter that parses them, and the source they make together.

The transport (`files.Folder`, `http.HttpFolder`) says what is new or changed after a position; the adapter's `parse` is pure: bytes in,
observations and rejects out, given what was remembered. A file that only grew is taken up after its last complete line; a file that
changed is read again whole, and its unchanged records repeat their (source_record_id, revision).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from indicators.observation import Observation
from producers.clock import Clock
from producers.contract import Fetched, Json, Memory, Position, Remembered
from producers.reject import Refused, Reject
from producers.validation import Door

MAX_DOCUMENT_BYTES = 64 << 20
MAX_BATCH_BYTES = 4 << 20
MAX_BATCH_DOCUMENTS = 64


@dataclass(frozen=True, slots=True)
class Document:
    """One file as received. Lines below `from_line` (0-based) were delivered before. `mark` is what the position keeps of it.
    `refused` is set where the transport could not take it (too large); then `data` holds its first bytes."""

    name: str
    data: bytes
    mark: Json
    from_line: int = 0
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """New documents in order of delivery, the names that still exist, and whether more wait."""

    documents: list[Document]
    names: frozenset[str]
    more: bool


class Documents(Protocol):
    """A transport of files."""

    def changed(self, marks: Mapping[str, Json]) -> Listing:
        """Documents that are new or differ from their mark, bounded by MAX_BATCH_*. Raises SourceUnavailable."""
        ...

    def close(self) -> None: ...


class Overlay:
    """Memory as of the batch: what was saved, with what this batch remembers on top (a file may amend the file before it)."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.changes: dict[str, Remembered] = {}

    def recall(self, key: str) -> Json:
        """The newest remembered value, or None."""
        change = self.changes.get(key)
        return change.value if change else self._memory.recall(key)

    def remember(self, key: str, value: Json, expires_at: int) -> None:
        """Keep a value until `expires_at` (epoch ms)."""
        self.changes[key] = Remembered(value, expires_at)


class Parsed:
    """What an adapter made of one document or message, each observation through the door as it comes: what the door refuses becomes a
    reject with the place and bytes it came from. `superseded` counts records known before in the same or a newer version."""

    def __init__(self, source: str, provider: str, door: Door, now: int) -> None:
        self.source, self.provider, self.now = source, provider, now
        self.observations: list[Observation] = []
        self.rejects: list[Reject] = []
        self.superseded = 0
        self._door = door

    def take(self, observation: Observation, place: str, original: bytes) -> bool:
        """Whether the door let it through."""
        try:
            self._door.check(observation, self.now)
        except Refused as refused:
            self.refuse(refused, place, original, observation.provider)
            return False
        self.observations.append(observation)
        return True

    def refuse(self, refused: Refused, place: str, original: bytes, provider: str = "") -> None:
        """A refused record."""
        self.rejects.append(Reject.of(refused, place=place, original=original, source=self.source, provider=provider or self.provider))


class Adapter(Protocol):
    """Parsing of one source's formats. `provider` is the agency that supplies it where a record does not name one."""

    @property
    def name(self) -> str: ...

    @property
    def provider(self) -> str: ...

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """Bytes to observations and rejects, put `into`; touches nothing but `memory`; raises nothing for bad input."""
        ...


class DocumentSource:
    """Adapter + transport + door = a `Source` of files. Position: {"files": {name: mark}}."""

    def __init__(self, adapter: Adapter, transport: Documents, door: Door, memory: Memory, clock: Clock, name: str = "") -> None:
        self._name = name or adapter.name
        self._adapter, self._transport, self._door, self._memory, self._clock = adapter, transport, door, memory, clock

    @property
    def name(self) -> str:
        """The adapter's name, or another where one adapter reads from several places."""
        return self._name

    def fetch(self, since: Position) -> Fetched:
        """See contract.Source: new documents since the position, in the transport's order."""
        files = since.get("files")
        marks: dict[str, Json] = dict(files) if isinstance(files, dict) else {}
        listing = self._transport.changed(marks)
        overlay = Overlay(self._memory)
        parsed = Parsed(self._adapter.name, self._adapter.provider, self._door, self._clock.now_ms())
        for document in listing.documents:
            self._parse(document, overlay, parsed)
            marks[document.name] = document.mark
        kept = {name: mark for name, mark in marks.items() if name in listing.names}
        return Fetched(parsed.observations, parsed.rejects, {"files": kept}, overlay.changes, listing.more, parsed.superseded)

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def _parse(self, document: Document, overlay: Overlay, into: Parsed) -> None:
        if document.refused:
            into.refuse(document.refused, document.name, document.data)
        elif not document.data.strip():
            into.refuse(Refused("truncated", "", "an empty file; send it again with its content"), document.name, document.data)
        else:
            self._adapter.parse(document, overlay, into)
