"""UN/EDIFACT CUSDEC (D.96B): one interchange into messages, one message into a declaration.

An interchange is split at its segment terminators first, so that a message that cannot be read is refused alone. The envelope is
checked: UNH and UNT with the number of segments, UNZ with the number of messages; what lies after the last whole message of a cut file
is refused.

Segments read: BGM document name (929 import, 830 export), number and version, function (9 original, 4 change, 5 replace, 1
cancellation); DTM+137 registration, else DTM+132; LOC+41 office; GIS 1 | 2 | 3 under code list 109, the green, yellow and red channel;
then per CST one line: LOC+27 origin or LOC+36 destination, MOA+123 value and currency. Which segment carries the channel is our
agreement with the sender.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydifact.exceptions import EDISyntaxError
from pydifact.parser import Parser
from pydifact.segments import Segment, SegmentFactory

from producers.declaration import Declaration, Line
from producers.fields import LOCAL, decoded, epoch_ms, number_of, whole_of
from producers.reject import Refused

KINDS = {"929": "import", "830": "export"}
CANCELLATION, ORIGINAL, CHANGES = "1", "9", ("4", "5")
CHANNELS = {"1": "green", "2": "yellow", "3": "red"}
DATE_FORMATS = {"102": "%Y%m%d", "203": "%Y%m%d%H%M", "204": "%Y%m%d%H%M%S"}
REGISTERED, ARRIVAL = "137", "132"
OFFICE, ORIGIN, DESTINATION = "41", "27", "36"
STATISTICAL_VALUE = "123"
_SEGMENT = re.compile(rb"(?:\?.|[^'?])*'", re.DOTALL)


class _Plain(SegmentFactory):
    """Segments as they are: the library's own validation knows no directory D.96B and only warns."""

    @staticmethod
    def create_segment(name: str, *elements: Any, **_: Any) -> Segment:
        if not name.isalnum():
            raise EDISyntaxError("a segment without a tag")
        return Segment(name, *elements)


def messages(data: bytes) -> Iterator[tuple[int, bytes, Refused | None]]:
    """(number from 1, bytes of UNH … UNT, None) per whole message; (number, bytes, why) per torn part, and for a wrong envelope."""
    body = data.removeprefix(b"\xef\xbb\xbf").strip()
    if body.startswith(b"UNA") and not body.startswith(b"UNA:+.? '"):
        yield 0, data, Refused("contract", "UNA", "the usual separators UNA:+.? ' are required")
        return
    body = body.removeprefix(b"UNA:+.? '").lstrip()
    if not body.startswith(b"UNB+"):
        yield 0, data, Refused("decode", "UNB", "a UN/EDIFACT interchange starts with UNB; found another text")
        return
    yield from _split(body)


def _split(body: bytes) -> Iterator[tuple[int, bytes, Refused | None]]:
    number, end, current, declared = 0, 0, b"", -1
    for match in _SEGMENT.finditer(body):
        end = match.end()
        segment = match[0].strip()
        tag = segment[:3]
        if tag == b"UNH":
            if current:
                yield number, current, Refused("truncated", "UNT", "a message without its end")
            number, current = number + 1, segment
        elif tag == b"UNT" and current:
            yield number, current + segment, None
            current = b""
        elif tag == b"UNZ":
            count = segment[4:].split(b"+")[0]
            declared = int(count) if count.isdigit() else -2
        elif current:
            current += segment
    rest = (current + body[end:]).strip()
    if rest or declared == -1:
        yield number + 1, rest, Refused("truncated", "UNZ", "the interchange is cut off before its end (UNZ); send it again whole")
    elif declared != number:
        yield 0, body[-64:], Refused("contract", "UNZ", "the interchange holds another number of messages than UNZ says; send it again")


@dataclass(slots=True)
class _Goods:
    """One CST group under construction."""

    number: int
    hs: str
    places: dict[str, str] = field(default_factory=dict)
    value: Decimal | None = None


@dataclass(slots=True)
class _Message:
    """What the segments of one message said."""

    kind: str = ""
    number: str = ""
    version: int = 1
    function: str = ORIGINAL
    dates: dict[str, int] = field(default_factory=dict)
    office: str = ""
    channel: str = "unassigned"
    generated: bool = False
    goods: list[_Goods] = field(default_factory=list)


def read_message(raw: bytes) -> Declaration:
    """The declaration of one message UNH … UNT. Raises Refused naming the segment."""
    try:
        segments = list(Parser(factory=_Plain()).parse(decoded(raw)))
    except (EDISyntaxError, IndexError, TypeError, AttributeError):
        raise Refused("decode", "", "segments of UN/EDIFACT are required; found a text the syntax does not allow") from None
    _check_envelope(segments)
    message = _Message()
    for segment in segments[1:-1]:
        _READERS.get(segment.tag, _ignore)(message, [_composite(e) for e in segment.elements])
    return _declaration(message)


def _check_envelope(segments: list[Segment]) -> None:
    head, tail = [_composite(e) for e in segments[0].elements], [_composite(e) for e in segments[-1].elements]
    if len(head) < 2 or head[1][0] != "CUSDEC":
        raise Refused("contract", "UNH", "a message of type CUSDEC is required")
    if len(tail) < 2 or tail[0][0] != str(len(segments)):
        raise Refused("truncated", "UNT", "the message holds another number of segments than UNT says; send it again")
    if tail[1][0] != head[0][0]:
        raise Refused("contract", "UNT", "UNH and UNT name different messages")


def _composite(element: Any) -> list[str]:
    return [str(part) for part in element] if isinstance(element, list) else [str(element)]


def _part(elements: list[list[str]], element: int, component: int, segment: str) -> str:
    try:
        return elements[element][component]
    except IndexError:
        raise Refused("validation", segment, f"component {component + 1} of element {element + 1} is required; found nothing") from None


def _bgm(m: _Message, e: list[list[str]]) -> None:
    m.kind = KINDS.get(_part(e, 0, 0, "BGM"), "")
    m.number = _part(e, 1, 0, "BGM")
    m.function = _part(e, 2, 0, "BGM")
    if m.function not in (ORIGINAL, CANCELLATION, *CHANGES):
        raise Refused("validation", "BGM", "a message function 9, 4, 5 or 1 is required")
    if len(e[1]) > 1 and e[1][1]:
        m.version = whole_of(e[1][1], "BGM version", minimum=1, maximum=10_000)
    elif m.function != ORIGINAL:
        raise Refused("validation", "BGM", "a change or cancellation needs the version of the document (second component of its number)")


def _dtm(m: _Message, e: list[list[str]]) -> None:
    qualifier, text, form = (_part(e, 0, i, "DTM") for i in range(3))
    pattern = DATE_FORMATS.get(form)
    try:
        at = datetime.strptime(text, pattern or "").replace(tzinfo=LOCAL)
    except ValueError:
        raise Refused("impossible_date", "DTM", f"a time in one of the formats {', '.join(DATE_FORMATS)} is required") from None
    m.dates[qualifier] = epoch_ms(at)


def _loc(m: _Message, e: list[list[str]]) -> None:
    qualifier, code = _part(e, 0, 0, "LOC"), _part(e, 1, 0, "LOC")
    if qualifier == OFFICE:
        m.office = code
    elif m.goods:
        m.goods[-1].places[qualifier] = code


def _gis(m: _Message, e: list[list[str]]) -> None:
    if len(e[0]) > 1 and e[0][1] == "109":
        m.channel = CHANNELS.get(e[0][0], e[0][0])


def _ftx(m: _Message, e: list[list[str]]) -> None:
    m.generated = m.generated or any("GENERATED" in part for element in e for part in element)


def _cst(m: _Message, e: list[list[str]]) -> None:
    m.goods.append(_Goods(whole_of(_part(e, 0, 0, "CST"), "CST", minimum=1, maximum=9999), _part(e, 1, 0, "CST")))


def _moa(m: _Message, e: list[list[str]]) -> None:
    if not m.goods or _part(e, 0, 0, "MOA") != STATISTICAL_VALUE:
        return
    if _part(e, 0, 2, "MOA") != "USD":
        raise Refused("validation", "MOA", "a value in USD is required; convert at the declaration's own rate before sending")
    m.goods[-1].value = number_of(_part(e, 0, 1, "MOA"), "MOA")


def _ignore(m: _Message, e: list[list[str]]) -> None:
    """Segments that carry nothing we publish: parties, weights, transport, free text."""


_READERS = {"BGM": _bgm, "DTM": _dtm, "LOC": _loc, "GIS": _gis, "FTX": _ftx, "CST": _cst, "MOA": _moa}


def _declaration(m: _Message) -> Declaration:
    registered = m.dates.get(REGISTERED, m.dates.get(ARRIVAL))
    cancelled = m.function == CANCELLATION
    if registered is None and not cancelled:
        raise Refused("impossible_date", "DTM", "the time of registration (DTM+137 or DTM+132) is required; found nothing")
    lines = []
    for goods in () if cancelled else m.goods:
        market = goods.places.get(ORIGIN if m.kind == "import" else DESTINATION)
        if market is None or goods.value is None:
            raise Refused("validation", "LOC" if market is None else "MOA", "each goods line needs its country and its value")
        lines.append(Line(goods.number, goods.hs, market, goods.value))
    return Declaration(m.number, m.version, m.kind, registered or 0, m.channel, m.office, cancelled, tuple(lines), m.generated)
