"""Does a message conform to CAP 1.2: what the schema asks for and what only section 3 of the standard says. Pure.

The schema alone is not conformance: it accepts an Update that refers to nothing and a Restricted alert without its restriction. So both are
checked here: elements, their order, their values, and the rules between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as xml

from alerts.cap import NAMESPACE

ALERT = ("identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses", "code", "note", "references",
         "incidents", "info")  # fmt: skip
INFO = (
    "language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience", "eventCode", "effective", "onset",
    "expires", "senderName", "headline", "description", "instruction", "web", "contact", "parameter", "resource", "area",
)  # fmt: skip
AREA = ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling")
MANY = frozenset({"code", "info", "category", "responseType", "eventCode", "parameter", "resource", "area", "polygon", "circle", "geocode"})
NEEDED = {
    "alert": ("identifier", "sender", "sent", "status", "msgType", "scope"),
    "info": ("category", "event", "urgency", "severity", "certainty"), "area": ("areaDesc",),
}  # fmt: skip
VALUES: Mapping[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in {
    "status": "Actual Exercise System Test Draft", "msgType": "Alert Update Cancel Ack Error", "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown", "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}.items()}  # fmt: skip
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
INSTANTS = frozenset({"sent", "effective", "onset", "expires"})
FORBIDDEN = re.compile(r"[\s,<&]")
REFERENCE = re.compile(r"[^\s,<&]+,[^\s,<&]+,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
REFERRING = frozenset({"Update", "Cancel", "Ack", "Error"})
POINT = r"-?\d+(?:\.\d+)?,-?\d+(?:\.\d+)?"
CIRCLE = re.compile(rf"{POINT} \d+(?:\.\d+)?")
POLYGON = re.compile(rf"{POINT}(?: {POINT}){{3,}}")


def problems(message: bytes) -> list[str]:
    """«element: what is wrong» for everything; empty: the message conforms."""
    try:
        root = xml.fromstring(message)
    except xml.ParseError as error:
        return [f"alert: not XML: {error}"]
    if root.tag != f"{{{NAMESPACE}}}alert":
        return [f"alert: the root must be alert in {NAMESPACE}"]
    return [*_block(root, "alert", ALERT), *_between(root), *(p for info in _all(root, "info") for p in _info(info))]


def _info(info: xml.Element) -> Iterator[str]:
    yield from _block(info, "info", INFO)
    for area in _all(info, "area"):
        yield from _block(area, "area", AREA)
        for polygon in _all(area, "polygon"):
            text = polygon.text or ""
            if not POLYGON.fullmatch(text) or text.split()[0] != text.split()[-1]:
                yield "polygon: at least four points «lat,lon», the last equal to the first"
        yield from ("circle: «lat,lon radius»" for circle in _all(area, "circle") if not CIRCLE.fullmatch(circle.text or ""))
    for named in ("parameter", "eventCode"):
        for pair in _all(info, named):
            if [_name(part) for part in pair] != ["valueName", "value"]:
                yield f"{named}: needs valueName and value"


def _block(element: xml.Element, block: str, order: tuple[str, ...]) -> Iterator[str]:
    """Elements of one block: known, in order, once where once is meant, there where needed, of the values allowed."""
    names = [_name(part) for part in element]
    unknown = [name for name in names if name not in order]
    if unknown:
        yield f"{block}: unknown element {', '.join(unknown)}"
        return
    places = [order.index(name) for name in names]
    if places != sorted(places):
        yield f"{block}: elements are not in the order of the standard"
    for name in sorted({n for n in names if names.count(n) > 1} - MANY):
        yield f"{name}: given more than once"
    yield from (f"{name}: missing" for name in NEEDED[block] if name not in names)
    for part in element:
        yield from _value(_name(part), part.text or "")


def _value(name: str, text: str) -> Iterator[str]:
    if name in VALUES and text not in VALUES[name]:
        yield f"{name}: not one of {', '.join(sorted(VALUES[name]))}"
    if name in INSTANTS and not INSTANT.fullmatch(text):
        yield f"{name}: an instant with a numeric offset, «2026-11-01T09:00:00+07:00»; Z is not allowed"
    if name in ("identifier", "sender") and (not text or FORBIDDEN.search(text)):
        yield f"{name}: without spaces, commas, < and &"


def _between(root: xml.Element) -> Iterator[str]:
    """Rules between elements, which the schema does not keep."""
    text = {_name(part): part.text or "" for part in root}
    if text.get("scope") == "Restricted" and not text.get("restriction"):
        yield "restriction: needed with scope Restricted"
    if text.get("scope") == "Private" and not text.get("addresses"):
        yield "addresses: needed with scope Private"
    references = text.get("references", "")
    if text.get("msgType") in REFERRING and not references:
        yield f"references: needed with msgType {text['msgType']}"
    yield from ("references: each is «sender,identifier,sent»" for one in references.split() if not REFERENCE.fullmatch(one))


def _all(element: xml.Element, name: str) -> list[xml.Element]:
    return element.findall(f"{{{NAMESPACE}}}{name}")


def _name(element: xml.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")
