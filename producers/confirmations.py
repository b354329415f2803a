"""Confirmations: figures that were reported and are now confirmed («xác nhận»), as `nhip catalogue confirm` puts them into the inbox.

The two-step status, reported then confirmed: domain reference, section 9 (the EU's recovery scoreboard: figures are reported by the
member and then assessed). A document is JSON {"authority", "document", "figures": [observation, …]}: each observation is the one that the
person saw, with the next revision and status `official`. It takes the way of every figure, so whatever is made of it follows by itself:
panes, results, alerts whose `status_limits` depend on the status, the board's words. Who supplied it stays its provider.

A confirmation takes a revision number that a correction may claim too. Whichever comes second under that number would be dropped unread, so
a correction that does is refused with the number to send instead (confirmed.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from indicators.observation import Observation
from producers.documents import Document, Overlay, Parsed
from producers.reject import Refused, identity_of

NAME: Final = "confirmations"
CONFIRMED: Final = "official"
MOST: Final = 10_000
"""Figures of one confirmation."""


class Confirmation(BaseModel):
    """One act of confirming: on whose authority, by which document, which figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authority: str = Field(min_length=1)
    document: str = Field(min_length=1)
    figures: tuple[Observation, ...] = Field(min_length=1, max_length=MOST)

    @classmethod
    def of(cls, authority: str, document: str, seen: Iterable[Observation]) -> Confirmation:
        """The confirmation of figures as they were seen."""
        made = tuple(replace(o, status=CONFIRMED, revision=o.revision + 1) for o in seen)
        return cls(authority=authority, document=document, figures=made)

    def put(self, inbox: Path, name: str) -> None:
        """Into the inbox, whole or not at all. Raises OSError."""
        folder = inbox / NAME
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{name}.part"
        part.write_text(self.model_dump_json(), encoding="utf-8")
        os.replace(part, folder / name)


class Confirmations:
    """The adapter."""

    name = NAME
    provider = "OOG"

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter."""
        try:
            found = Confirmation.model_validate_json(document.data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            detail = f"a confirmation as `nhip catalogue confirm` writes it is required; {first['msg']}"
            into.refuse(Refused("contract", ".".join(map(str, first["loc"])), detail), document.name, document.data)
            return
        for number, o in enumerate(found.figures, 1):
            self._take(o, f"{document.name}#{number}", into)

    def _take(self, o: Observation, place: str, into: Parsed) -> None:
        original = identity_of(o)
        if o.status != CONFIRMED or o.revision < 1:
            detail = "a confirmed figure is official, and a revision of one that was reported"
            into.refuse(Refused("contract", "status", detail), place, original)
            return
        into.take(replace(o, ingested_at=into.now), place, original)
