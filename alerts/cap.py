"""An alert as messages of the Common Alerting Protocol 1.2 (OASIS Standard, 1 July 2010; ITU-T X.1303). Pure: steps of a story in, XML out.

Every change is a message of its own that refers to all before it: opened → Alert; worse, better, corrected, cleared → Update (cleared with
response type AllClear); cancelled → Cancel. Acts, reminders and escalations are our own affair and are not exported. Messages are
Restricted: this is an alert to officials, not to the public. Exercises carry status Exercise, replays Test: receivers act on Actual only.
Severity here is the alert's; river alarm levels and disaster risk levels go along as parameters under their own names, never instead of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree as xml

from alerts.alert import Alert
from alerts.messages import Names
from indicators.instant import local
from indicators.rule import Rule
from indicators.rules.policy import DEFAULT_CAP

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
TYPES = {"opened": "Alert", "worse": "Update", "better": "Update", "corrected": "Update", "cleared": "Update", "cancelled": "Cancel"}
STATUS = {"live": "Actual", "exercise": "Exercise", "replay": "Test", "backfill": "Test"}
SEVERITY = {0: "Minor", 1: "Minor", 2: "Moderate", 3: "Severe", 4: "Severe", 5: "Extreme"}
CERTAINTY = {"official": "Observed", "revised": "Observed", "preliminary": "Likely", "estimated": "Possible", "deleted": "Unknown"}
RESTRICTION = "Chỉ dùng trong cơ quan nhà nước / for official use only"
GEOCODE = "VN-DVHC-2025"
"""Value name of the national codes of administrative units in force since 1 July 2025."""
HEADLINE = 160


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who issues the messages. `sender` is unique in the world (a domain name); `name_vi` is shown."""

    sender: str
    name_vi: str


def exported(steps: Iterable[Alert]) -> list[Alert]:
    """The steps of one alert that become messages, in order."""
    return sorted((step for step in steps if step.transition in TYPES), key=lambda step: step.recorded_at)


def cap_xml(steps: Sequence[Alert], rule: Rule | None, names: Names, publisher: Publisher) -> bytes:
    """The message of the last of these steps, which are those of one alert as `exported` gives them. Raises ValueError for none."""
    if not steps:
        raise ValueError("no step of this alert can be exported")
    step, before = steps[-1], steps[:-1]
    root = xml.Element("alert", {"xmlns": NAMESPACE})
    head = [
        ("identifier", step.event_id), ("sender", publisher.sender), ("sent", _instant(step.recorded_at)),
        ("status", STATUS[step.evidence.mode]), ("msgType", _type(step, before)), ("scope", "Restricted"), ("restriction", RESTRICTION),
        ("references", " ".join(f"{publisher.sender},{s.event_id},{_instant(s.recorded_at)}" for s in before)),
        ("incidents", step.alert_id),
    ]  # fmt: skip
    _fill(root, head)
    root.append(_info(step, rule, names, publisher))
    xml.indent(root)
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + xml.tostring(root, encoding="unicode").encode()


def _type(step: Alert, before: Sequence[Alert]) -> str:
    """A change whose beginning was never exported is an Alert: there is nothing it could refer to."""
    return TYPES[step.transition] if before else "Alert"


def _info(step: Alert, rule: Rule | None, names: Names, publisher: Publisher) -> xml.Element:
    c, cap = step.evidence, rule.cap if rule else DEFAULT_CAP
    over = step.transition in ("cleared", "cancelled")
    info = xml.Element("info")
    _fill(info, [
        ("language", "vi-VN"), *(("category", category) for category in cap.category), ("event", rule.title_vi if rule else c.rule),
        ("responseType", "AllClear" if over else cap.response_type), ("urgency", "Past" if over else cap.urgency),
        ("severity", SEVERITY[c.severity]), ("certainty", CERTAINTY.get(c.status, "Unknown")), ("effective", _instant(step.recorded_at)),
        ("onset", _instant(c.since)), ("senderName", publisher.name_vi), ("headline", step.title_vi[:HEADLINE]),
        ("description", step.text_vi), ("instruction", cap.instruction_vi),
    ])  # fmt: skip
    for name, value in _parameters(step, rule, names):
        pair = xml.SubElement(info, "parameter")
        _fill(pair, [("valueName", name), ("value", value)])
    area = xml.SubElement(info, "area")
    place = names.subject_name(c.subject_type, c.subject_id) if c.subject_id else names.territory_name(c.territory)
    _fill(area, [("areaDesc", place)])
    _fill(xml.SubElement(area, "geocode"), [("valueName", GEOCODE), ("value", c.territory)])
    return info


def _parameters(step: Alert, rule: Rule | None, names: Names) -> list[tuple[str, str]]:
    c = step.evidence
    level = next((x.name for x in rule.levels if x.severity == c.severity), "") if rule else ""
    found = [
        ("rule", f"{c.rule} v{c.rule_version}"), ("indicator", f"{c.indicator} {c.component}".strip()), ("value", _number(c.value)),
        ("limit", _number(c.limit)), ("unit", c.measure_unit), ("period", f"{_instant(c.period_start)}/{_instant(c.period_end)}"),
        ("responsible_agency", names.agency_name(c.agency)), ("data_provider", names.agency_name(c.provider) if c.provider else ""),
        ("alert_severity", str(c.severity)), ("river_alarm_level", level if level.startswith("bd") else ""),
        ("legal_basis", ", ".join(rule.legal_basis) if rule else ""),
    ]  # fmt: skip
    return [(name, value) for name, value in found if value]


def _fill(parent: xml.Element, parts: Iterable[tuple[str, str]]) -> None:
    for name, value in parts:
        if value:
            xml.SubElement(parent, name).text = value


def _number(value: Decimal | None) -> str:
    return "" if value is None else format(value.normalize() + 0, "f")


def _instant(at_ms: int) -> str:
    """CAP wants a numeric offset; «Z» is not allowed."""
    return local(at_ms).isoformat(timespec="seconds")
