"""What was confirmed, so that no correction is lost behind it: `Confirmed` stands before the other deliveries.

A confirmation takes the next revision of its record (confirmations.py), and a provider who numbers corrections himself does not know
that: his next correction would come under the same number and be dropped below as a repetition. It is refused instead, with the number to
send, so its sender is told at once. Identities and revisions alone are kept, in one small file beside the positions, after what they
speak of was delivered. """

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from indicators.observation import Observation
from producers.confirmations import NAME
from producers.durable import DurableFile
from producers.publisher import NotDelivered
from producers.reject import Refused, Reject, identity_of
from producers.runner import Delivery

FILE: Final = "confirmed.sqlite"
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS confirmed "
    "(source_system TEXT, record TEXT, revision INTEGER NOT NULL, PRIMARY KEY (source_system, record)) WITHOUT ROWID;"
)


class Confirmed:
    """A `Delivery`. Every confirmation is kept in memory too: each record that comes in is looked up."""

    def __init__(self, delivery: Delivery, folder: Path) -> None:
        self._delivery = delivery
        self._file = DurableFile(folder / FILE, _SCHEMA, _failure)
        rows = self._file.rows("SELECT source_system, record, revision FROM confirmed")
        self._known: dict[tuple[str, str], int] = {(system, record): revision for system, record, revision in rows}

    def deliver(self, source: str, observations: Sequence[Observation], rejects: Sequence[Reject]) -> None:
        """See runner.Delivery. Raises NotDelivered."""
        if source == NAME:
            self._delivery.deliver(source, observations, rejects)
            self._keep(observations)
            return
        taken = [o for o in observations if self._known.get((o.source_system, o.source_record_id), -1) == o.revision]
        if not taken:
            self._delivery.deliver(source, observations, rejects)
            return
        free = [o for o in observations if self._known.get((o.source_system, o.source_record_id), -1) != o.revision]
        self._delivery.deliver(source, free, [*rejects, *(_refused(o, source) for o in taken)])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _keep(self, observations: Sequence[Observation]) -> None:
        rows = [(o.source_system, o.source_record_id, o.revision) for o in observations]
        with self._file.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO confirmed VALUES (?, ?, ?)", rows)
        self._known.update({(system, record): revision for system, record, revision in rows})


def _refused(o: Observation, source: str) -> Reject:
    detail = f"this figure was confirmed as revision {o.revision}; send a correction as {o.revision + 1} or higher"
    original = identity_of(o)
    place = f"{o.source_system}/{o.source_record_id}"
    return Reject.of(Refused("contract", "revision", detail), place=place, original=original, source=source, provider=o.provider)


def _failure(_act: str, cause: Exception) -> NotDelivered:
    return NotDelivered(
        f"không dùng được tệp {FILE} ({type(cause).__name__}); kiểm tra đĩa và quyền / cannot use {FILE}: check disk and permissions"
    )
