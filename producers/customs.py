"""Customs: declarations as UN/EDIFACT CUSDEC interchanges (`.edi`) and as JSON, one declaration or a list (`.json`), or one a line
(`.jsonl`).

JSON: declaration, version, kind, registered_at, channel, cleared_at, office, trader, cancelled, lines of no, hs, origin or destination,
kg, value, currency. The day of registration decides the day counted. Values are in USD; a value in another currency is refused, never
converted at a guessed rate. The trader's code is read past, and replaced by its pseudonym in whatever is refused.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from producers.codes import OfficeCodes
from producers.cusdec import messages, read_message
from producers.declaration import CHANNELS, PROVIDER, Declaration, Line, Publication
from producers.documents import Document, Overlay, Parsed
from producers.fields import instant_of, list_of, loads, mapping_of, number_of, text_of, whole_of
from producers.pseudonym import Pseudonyms
from producers.reject import Refused

MAX_DECLARATION_BYTES = 512 << 10
KINDS = ("import", "export")
HS = re.compile(r"\d{6}(\d{2})?", re.ASCII)
COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
NUMBER = re.compile(r"\d{11,12}", re.ASCII)


class Customs:
    """The adapter of all three forms."""

    name = "customs"
    provider = PROVIDER

    def __init__(self, offices: OfficeCodes, pseudonyms: Pseudonyms) -> None:
        self._publication = Publication(offices)
        self._pseudonyms = pseudonyms

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter."""
        name = document.name.lower()
        if name.endswith((".edi", ".edifact")):
            self._interchange(document, memory, into)
        elif name.endswith(".jsonl"):
            for index, line in enumerate(document.data.split(b"\n")):
                if index >= document.from_line and line.strip():
                    self._json(line, f"{document.name}:{index + 1}", memory, into)
        else:
            self._json(document.data, document.name, memory, into)

    def _interchange(self, document: Document, memory: Overlay, into: Parsed) -> None:
        for number, raw, refused in messages(document.data):
            place = f"{document.name}#{number}"
            if refused:
                into.refuse(refused, place, self._pseudonyms.masked(raw))
                continue
            try:
                _bounded(raw)
                declaration = checked(read_message(raw))
                self._publication.publish(declaration, memory, into, place, self._pseudonyms.masked(raw))
            except Refused as e:
                into.refuse(e, place, self._pseudonyms.masked(raw))

    def _json(self, data: bytes, place: str, memory: Overlay, into: Parsed) -> None:
        try:
            content = loads(data)
        except Refused as refused:
            into.refuse(refused, place, self._pseudonyms.masked(data))
            return
        many = isinstance(content, list)
        for index, record in enumerate(content if many else [content]):
            original = self._pseudonyms.masked(_again(record) if many else data)
            at = f"{place}#{index + 1}" if many else place
            try:
                _bounded(original)
                self._publication.publish(checked(read_json(record)), memory, into, at, original)
            except Refused as refused:
                into.refuse(refused, at, original)


def _bounded(raw: bytes) -> None:
    if len(raw) > MAX_DECLARATION_BYTES:
        raise Refused("too_large", "", f"a declaration of at most {MAX_DECLARATION_BYTES} bytes is expected")


def _again(record: object) -> bytes:
    return json.dumps(record, ensure_ascii=False, default=str).encode()


def read_json(content: object) -> Declaration:
    """A declaration of the JSON form. Raises Refused naming the field."""
    record = mapping_of(content, "declaration")
    kind = text_of(record, "kind")
    cancelled = record.get("cancelled") is True
    lines = [] if cancelled else list_of(record.get("lines"), "lines")
    return Declaration(
        number=text_of(record, "declaration"), version=whole_of(record.get("version"), "version", minimum=1, maximum=10_000), kind=kind,
        registered_at=instant_of(record.get("registered_at"), "registered_at"), channel=record.get("channel") or "unassigned",
        office=text_of(record, "office"), cancelled=cancelled, generated=record.get("generated") is True,
        lines=tuple(_json_line(mapping_of(line, "lines"), "origin" if kind == "import" else "destination") for line in lines),
    )  # fmt: skip


def _json_line(line: dict[str, Any], market: str) -> Line:
    if text_of(line, "currency") != "USD":
        raise Refused("validation", "currency", "a value in USD is required; convert at the declaration's own rate before sending")
    return Line(whole_of(line.get("no"), "no", minimum=1, maximum=9999), text_of(line, "hs"), text_of(line, market),
                number_of(line.get("value"), "value"))  # fmt: skip


def checked(d: Declaration) -> Declaration:
    """The declaration where it is plausible in itself. Raises Refused naming the field."""
    if not NUMBER.fullmatch(d.number):
        raise Refused("validation", "declaration", "a declaration number of 11 or 12 digits is required")
    if d.kind not in KINDS:
        raise Refused("validation", "kind", "import or export is required")
    if d.channel not in CHANNELS:
        raise Refused("validation", "channel", f"one of {', '.join(CHANNELS)} is required")
    if not d.lines and not d.cancelled:
        raise Refused("validation", "lines", "at least one line is required")
    if len({line.number for line in d.lines}) != len(d.lines):
        raise Refused("validation", "lines.no", "each line number once")
    for line in d.lines:
        if not HS.fullmatch(line.hs):
            raise Refused("validation", "hs", "an HS code of 6 or 8 digits is required")
        if not COUNTRY.fullmatch(line.market):
            raise Refused("validation", "market", "a country code of two capital letters is required")
        if line.value < Decimal(0):
            raise Refused("out_of_range", "value", "a value is not negative")
    return d
