"""Who is told: rules name offices, an office is found at the place of the condition; never a person by name.

File: `catalogue/offices.yaml`. An office is told of its severity and of all above it: who knew of the beginning hears how it goes on, and
everybody who was told of an opening is told of its end. Where no office can be found, the operator's office is told, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alerts.condition import Condition
from indicators.rule import Rule
from indicators.rules.policy import Severity

COUNTRY = "VN"
CONSOLE, EMAIL, WEBHOOK = "console", "email", "webhook"
CHANNELS = (CONSOLE, EMAIL, WEBHOOK)


class OfficeError(ValueError):
    """The file of offices is wrong; the message names the file and the field."""


class Places(Protocol):
    """What must be known of territory to find an office."""

    def province_of(self, territory: str) -> str | None:
        """Code of the province a unit lies in; None where there is none."""

    def territory_name(self, code: str) -> str:
        """Name of a unit, for titles; the code itself where it is unknown."""

    def subject_name(self, kind: str, code: str) -> str:
        """Name of a subject; the code itself where it is unknown."""


class Office(BaseModel):
    """One office that exists once in the country, in each province, or at each subject. `{code}` and `{name}` stand for the place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title_vi: str = Field(min_length=2)
    title_en: str = ""
    place: Literal["country", "province", "subject"]
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="pattern of the address; `{code}` stands for the place's code")
    email_at: dict[str, str] = Field(default_factory=dict, description="place code → address, where it differs from the pattern")


class Offices(BaseModel):
    """The file `catalogue/offices.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: str = Field(description="office told when no other can be found; exists once in the country")
    offices: tuple[Office, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        ids = [office.id for office in self.offices]
        if len(ids) != len(set(ids)):
            raise ValueError("an office id is given twice")
        if self.operator not in {office.id for office in self.offices if office.place == "country"}:
            raise ValueError("operator: must be an office of the list with place country")
        return self

    def by_id(self) -> dict[str, Office]:
        """The offices by their id."""
        return {office.id: office for office in self.offices}


def load_offices(home: Path) -> Offices:
    """The offices of `home/catalogue/offices.yaml`. Raises OfficeError naming file and field."""
    path = home / "catalogue" / "offices.yaml"
    try:
        return Offices.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise OfficeError(f"{path.name}: {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}") from error
    except (OSError, yaml.YAMLError) as error:
        raise OfficeError(f"{path.name}: cannot be read as YAML; restore it from the release ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True)
class Recipient:
    """An office at a place. `id` = `office@place`; `reason` is empty unless it stands in for one that could not be found."""

    id: str
    title_vi: str
    email: str
    reason: str = ""

    def address(self, channel: str) -> str:
        """Where a channel reaches it; channels without addresses of their own name themselves."""
        return self.email if channel == EMAIL else channel


class Audience:
    """Finds the recipients and channels of a condition."""

    def __init__(self, offices: Offices, places: Places) -> None:
        self._offices = offices.by_id()
        self._operator = self._offices[offices.operator]
        self._places = places

    def recipients(self, rule: Rule | None, condition: Condition, severity: int) -> list[Recipient]:
        """Every office named for this severity or below it, in the order of the rule; the operator's office where none is found."""
        if rule is None:
            return [self._stand_in("unknown_rule")]
        found: dict[str, Recipient] = {}
        for name in _named(rule.audience, severity):
            recipient = self._at(name, condition)
            if recipient is not None:
                found.setdefault(recipient.id, recipient)
        return list(found.values()) or [self._stand_in("no_recipient")]

    def channels(self, rule: Rule | None, severity: int) -> list[str]:
        """The channels of the nearest severity at or below this one, of the lowest where all lie above; all of them for an unknown rule."""
        if rule is None or not rule.channels:
            return list(CHANNELS)
        below = [s for s in rule.channels if s <= severity]
        return list(rule.channels[max(below) if below else min(rule.channels)])

    def _at(self, name: str, condition: Condition) -> Recipient | None:
        office = self._offices.get(name)
        if office is None:
            return None
        place = self._place(office, condition)
        if not place:
            return None
        kind, _, code = place.rpartition(":")
        shown = self._places.subject_name(kind, code) if kind else self._places.territory_name(code)
        email = office.email_at.get(code) or office.email.replace("{code}", code.lower())
        return Recipient(f"{office.id}@{place}", office.title_vi.replace("{name}", shown), email)

    def _place(self, office: Office, condition: Condition) -> str:
        if office.place == "country":
            return COUNTRY
        if office.place == "subject":
            return f"{condition.subject_type}:{condition.subject_id}" if condition.subject_id else ""
        return self._places.province_of(condition.territory) or ""

    def _stand_in(self, reason: str) -> Recipient:
        office = self._operator
        return Recipient(f"{office.id}@{COUNTRY}", office.title_vi, office.email_at.get(COUNTRY, office.email), reason)


def _named(audience: dict[Severity, tuple[str, ...]], severity: int) -> Iterable[str]:
    for step in sorted(audience):
        if step <= severity:
            yield from audience[step]


def unknown_offices(rules: Iterable[Rule], offices: Offices) -> list[str]:
    """«rule: office» for every office a rule names that the file does not have: shown at start and by `nhip doctor`."""
    known = offices.by_id()
    return sorted({f"{rule.id}: {name}" for rule in rules for names in rule.audience.values() for name in names if name not in known})
