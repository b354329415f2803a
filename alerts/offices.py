"""The file of offices: which offices can be told, where each exists, how it is reached; the heads of agencies; the quiet night.

File: `catalogue/offices.yaml`. Functions only, never persons; who sits at a desk now is in `catalogue/duty.yaml` (alerts/duty.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time, timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alerts.bundling import NO_THROTTLE, Throttle
from alerts.clocks import QuietHours
from indicators.datafile import DataFileError, read_yaml
from indicators.rule import Rule
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary

HEAD = "head"
"""In the id of a recipient: the head of the agency that stands for the place."""
RESPONSIBLE_HEAD = "responsible_head"
"""In a rule's audience: the head of whatever agency the condition names as responsible."""
EMAIL_PATTERN = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
PHONE_PATTERN = r"^84\d{9,10}$"


class OfficeError(ValueError):
    """The file of offices is wrong; the message names the file and the field."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Office(_Part):
    """One office that exists once in the country, in each province, or at each subject. `{code}` and `{name}` stand for the place."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title_vi: str = Field(min_length=2)
    title_en: str = ""
    place: Literal["country", "province", "subject"]
    agency: str = Field("", description="code of the agency it heads, `{code}` for the place: the same person is not told twice")
    email: str = Field(pattern=EMAIL_PATTERN, description="pattern of the address; `{code}` stands for the place's code")
    email_at: dict[str, str] = Field(default_factory=dict, description="place code → address, where it differs from the pattern")
    phone_at: dict[str, str] = Field(default_factory=dict, description="place code → 84…; no text messages elsewhere")
    sees: Literal["summary", "table"] = Field("table", description="one line for a leader, the whole text for staff")


class Heads(_Part):
    """Who is written to as an agency: its head. `{name}` stands for the agency's name, `{code}` for its code in small letters."""

    email: str = Field(pattern=EMAIL_PATTERN)
    title_of_kind: dict[str, str] = Field(description="kind of agency → title")
    title_at: dict[str, str] = Field(default_factory=dict, description="beginning of an agency's code → title; the longest one counts")
    otherwise: str = "Thủ trưởng {name}"

    def title_vi(self, code: str, kind: str, name: str) -> str:
        """«Giám đốc Sở Tài chính thành phố Hải Phòng» of DOF-31."""
        beginnings = sorted((b for b in self.title_at if code.startswith(b)), key=len)
        title = self.title_at[beginnings[-1]] if beginnings else self.title_of_kind.get(kind, self.otherwise)
        return title.replace("{name}", name)


class Night(_Part):
    """Quiet hours of the grouped lane, Vietnam's time."""

    begins: time
    ends: time


class Room(_Part):
    """How many messages of the grouped lane one recipient is sent by themselves over a channel; what is more within `window` goes as
    one."""

    messages: int = Field(ge=1)
    window: timedelta = Field(gt=timedelta(0), le=timedelta(days=1))
    channels: tuple[str, ...] = Field(description="channels it holds for: those that ring, and others the owner finds too loud")


NO_HEADS = Heads(email="{code}@example.vn", title_of_kind={})
NO_NIGHT = Night(begins=time(0), ends=time(0))


class Offices(_Part):
    """The file `catalogue/offices.yaml`."""

    operator: str = Field(description="office told when no other can be found; exists once in the country")
    quiet_hours: Night = NO_NIGHT
    room: Room | None = Field(None, description="none: everything is sent by itself")
    heads: Heads = NO_HEADS
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

    def throttle(self) -> Throttle:
        """How much one recipient is sent."""
        room = self.room
        return Throttle(room.messages, room.window // timedelta(milliseconds=1), frozenset(room.channels)) if room else NO_THROTTLE

    def night(self) -> QuietHours:
        """The quiet hours as a clock."""
        return QuietHours(self.quiet_hours.begins, self.quiet_hours.ends)


def load_offices(home: Path) -> Offices:
    """The offices of `home/catalogue/offices.yaml`. Raises OfficeError naming file and field."""
    path = home / "catalogue" / "offices.yaml"
    try:
        return Offices.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise OfficeError(f"{path.name}: {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}") from error
    except DataFileError as error:
        raise OfficeError(str(error)) from error


def unknown_recipient(recipient: str, offices: Offices, vocabulary: Vocabulary) -> str:
    """What is wrong with the id of a recipient, `office@place` or `head@AGENCY`, Vietnamese first; empty: it can be told."""
    name, _, place = recipient.partition("@")
    if name == HEAD:
        known = vocabulary.agency(place) is not None
        return "" if known else f"{recipient}: không có cơ quan / no such agency: {place}; xem / see catalogue/agencies.yaml"
    office = offices.by_id().get(name)
    if office is None:
        return f"{recipient}: không có chức danh / no such office: {name}; có / there are: {', '.join(offices.by_id())}"
    kind, _, code = place.partition(":")
    unit = vocabulary.territory(place)
    known = {
        "country": place == COUNTRY, "province": unit is not None and unit.kind == "province",
        "subject": vocabulary.subject(kind, code) is not None,
    }[office.place]  # fmt: skip
    shape = {"country": f"{name}@{COUNTRY}", "province": f"{name}@31", "subject": f"{name}@hospital:MÃ"}[office.place]
    return "" if known else f"{recipient}: không có nơi này / no such place; viết như / write as {shape}"


def unknown_offices(rules: Iterable[Rule], offices: Offices) -> list[str]:
    """«rule: office» for every office a rule names that the file does not have: shown at start and by `nhip rules check`."""
    known = {*offices.by_id(), RESPONSIBLE_HEAD}
    return sorted({f"{rule.id}: {name}" for rule in rules for names in rule.audience.values() for name in names if name not in known})
