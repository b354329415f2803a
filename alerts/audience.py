"""Who is told: rules name offices, an office is found at the place of the condition; never a person by name.

An office is told of its severity and of all above it: who knew of the beginning hears how it goes on, and everybody who was told of an
opening is told of its end. Where no office can be found, the operator's office is told, with the reason. Escalation names agencies: an
agency is told through its head; an office that heads an agency (`agency` in the file) is that head.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from alerts.condition import Condition
from alerts.duty import Duty, DutyFile, Seat
from alerts.offices import HEAD, RESPONSIBLE_HEAD, Office, Offices
from indicators.rule import Rule
from indicators.rules.policy import Severity
from indicators.territory import COUNTRY

CONSOLE, EMAIL, WEBHOOK, SMS, ZNS, SMS_SOAP, SMPP = "console", "email", "webhook", "sms", "zns", "sms_soap", "smpp"
CHANNELS = (CONSOLE, EMAIL, WEBHOOK)
"""What an alert without a rule goes through: free of charge and configured everywhere."""
BY_PHONE = (SMS, ZNS, SMS_SOAP, SMPP)
NOBODY_ON_DUTY = Duty(DutyFile())


class Places(Protocol):
    """What must be known of territory and agencies to find an office."""

    def province_of(self, territory: str) -> str | None:
        """Code of the province a unit lies in; None where there is none."""

    def territory_name(self, code: str) -> str:
        """Name of a unit, for titles; the code itself where it is unknown."""

    def subject_name(self, kind: str, code: str) -> str:
        """Name of a subject; the code itself where it is unknown."""

    def agency_name(self, code: str) -> str:
        """Name of an agency; the code itself where it is unknown."""

    def kind(self, code: str) -> str:
        """Kind of an agency; empty where the code is unknown."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """An office at a place. `id` = `office@place`; `reason` is empty unless it stands in for one that could not be found. `phone`: 84…,
    empty where it has none; `brief`: one line is enough."""

    id: str
    title_vi: str
    email: str
    reason: str = ""
    phone: str = ""
    brief: bool = False

    def address(self, channel: str) -> str:
        """Where a channel reaches it, empty where it cannot; channels without addresses of their own name themselves."""
        if channel in BY_PHONE:
            return self.phone
        return self.email if channel == EMAIL else channel


class Audience:
    """Finds the recipients and channels of a condition."""

    def __init__(self, offices: Offices, places: Places, duty: Duty = NOBODY_ON_DUTY) -> None:
        self._offices = offices.by_id()
        self._heads = offices.heads
        self._operator = self._offices[offices.operator]
        self._places, self._duty = places, duty

    def recipients(self, rule: Rule | None, condition: Condition, severity: int, at: int = 0) -> list[Recipient]:
        """Every office named for this severity or below it, in the order of the rule; the operator's office where none is found. `at`:
        epoch ms, for who is on duty then."""
        if rule is None:
            return [self._stand_in("unknown_rule")]
        found: dict[str, Recipient] = {}
        for name in _named(rule.audience, severity):
            if name == RESPONSIBLE_HEAD and condition.agency:
                recipient = self.of_id(self._head_id(condition.agency), at)
                found.setdefault(recipient.id, recipient)
                continue
            office = self._offices.get(name)
            place = self._place(office, condition) if office else ""
            if office and place:
                recipient = self._at(office, place, at)
                found.setdefault(recipient.id, recipient)
        return list(found.values()) or [self._stand_in("no_recipient")]

    def channels(self, rule: Rule | None, severity: int) -> list[str]:
        """The channels of the nearest severity at or below this one, of the lowest where all lie above; for an unknown rule those that
        are free."""
        if rule is None or not rule.channels:
            return list(CHANNELS)
        below = [s for s in rule.channels if s <= severity]
        return list(rule.channels[max(below) if below else min(rule.channels)])

    def of_agencies(self, codes: Iterable[str], at: int) -> list[Recipient]:
        """The heads of agencies."""
        return [self.of_id(self._head_id(code), at) for code in codes]

    def of_ids(self, ids: Sequence[str], at: int) -> list[Recipient]:
        """The recipients of these ids."""
        return [self.of_id(one, at) for one in ids]

    def of_id(self, recipient: str, at: int) -> Recipient:
        """The recipient of an id told before. An office that is no more in the file is replaced by the operator's, with the reason."""
        name, _, place = recipient.partition("@")
        if name == HEAD:
            title = self._heads.title_vi(place, self._places.kind(place), self._places.agency_name(place))
            return Recipient(recipient, title, self._heads.email.replace("{code}", place.lower()), brief=True)
        office = self._offices.get(name)
        return self._at(office, place, at) if office else self._stand_in("no_recipient")

    @property
    def operator(self) -> Recipient:
        """The operator's office."""
        return self._stand_in("")

    def _head_id(self, agency: str) -> str:
        for office in self._offices.values():
            before, mark, after = office.agency.partition("{code}")
            if agency == office.agency:
                return f"{office.id}@{COUNTRY}"
            if mark and agency.startswith(before) and agency.endswith(after):
                return f"{office.id}@{agency[len(before): len(agency) - len(after)]}"
        return f"{HEAD}@{agency}"

    def _at(self, office: Office, place: str, at: int) -> Recipient:
        kind, _, code = place.rpartition(":")
        shown = self._places.subject_name(kind, code) if kind else self._places.territory_name(code)
        seat = self._duty.on_duty(office.id, place, at)
        email = office.email_at.get(code) or office.email.replace("{code}", code.lower())
        return Recipient(
            f"{office.id}@{place}", office.title_vi.replace("{name}", shown), seat.email if seat and seat.email else email,
            phone=_phone(seat, office, code), brief=office.sees == "summary",
        )  # fmt: skip

    def _place(self, office: Office, condition: Condition) -> str:
        if office.place == "country":
            return COUNTRY
        if office.place == "subject":
            return f"{condition.subject_type}:{condition.subject_id}" if condition.subject_id else ""
        return self._places.province_of(condition.territory) or ""

    def _stand_in(self, reason: str) -> Recipient:
        office = self._operator
        return Recipient(
            f"{office.id}@{COUNTRY}", office.title_vi, office.email_at.get(COUNTRY, office.email), reason, office.phone_at.get(COUNTRY, ""),
        )  # fmt: skip


def _phone(seat: Seat | None, office: Office, code: str) -> str:
    return seat.phone if seat and seat.phone else office.phone_at.get(code, "")


def _named(audience: dict[Severity, tuple[str, ...]], severity: int) -> Iterable[str]:
    for step in sorted(audience):
        if step <= severity:
            yield from audience[step]
