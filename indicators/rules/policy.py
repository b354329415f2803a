"""What a rule says about people: who must answer and by when, where an unanswered alert goes, how much noise is allowed.

Ladder of administrative levels: project → department, sector or locality → city leaders → Government (plan of Hải Phòng, 3.3 (2)(i)).
Leaving one's own organisation is off by default and passes its Office. Nothing here names a person. Durations in business time are whole
working days (`indicators/calendar.py`): offices count days, not hours.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from indicators.datafile import Row

Severity = Literal[1, 2, 3, 4, 5]
Clock = Literal["wall", "business"]
Stop = Literal["acknowledged", "explained", "resolved"]
Target = Literal["up", "coordinate", "office", "ministry", "government"]
DAY = timedelta(days=1)


class Span(Row):
    """How long, on which clock."""

    after: timedelta = Field(ge=timedelta(0))
    clock: Clock = "wall"

    @model_validator(mode="after")
    def _whole_days(self) -> Self:
        if self.clock == "business" and self.after % DAY:
            raise ValueError("business time is counted in whole days: P5D, not PT36H")
        return self


class EscalationStep(Span):
    """One rung: when it is due and nothing of `unless` has happened, the next level is told.

    `up`: the next agency of the tree that commands (`parent_agency`); `coordinate`: the People's Committees of the territory served, who
    coordinate and do not command; `office`: the Office of one's own organisation; `ministry`, `government`: outside it.
    """

    to: Target
    unless: tuple[Stop, ...] = ("acknowledged",)
    min_severity: Severity = 1


class Escalation(Row):
    """The rungs in order. `review`: how long the Office has before a rung outside its organisation is told."""

    steps: tuple[EscalationStep, ...] = ()
    leave_organisation: bool = False
    sector_ministry: str = Field("", description="agency code of the ministry of the matter; needed for a rung `ministry`")
    review: Span = Span(after=DAY, clock="business")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(step.to == "ministry" for step in self.steps) and not self.sector_ministry:
            raise ValueError("sector_ministry: missing, a rung goes to the ministry")
        levels = [LEVEL_OF[step.to] for step in self.steps]
        if levels != sorted(levels):
            raise ValueError("steps: an escalation never goes down a level")
        return self


LEVEL_OF: dict[Target, int] = {"coordinate": 0, "up": 0, "office": 1, "ministry": 2, "government": 3}


class Acknowledgement(Row):
    """From which severity an alert must be acknowledged, and how often its addressees are reminded while it is not."""

    required_from: Severity = 3
    remind_every: timedelta | None = Field(None, ge=timedelta(minutes=5))
    reminders: int = Field(3, ge=0, le=20, description="how often at most")


class Explanation(Row):
    """A request for explanation: drafted by the system, issued by the Office under a named authority; `within` counts from its issue."""

    required_from: Severity = 3
    within: Span = Span(after=5 * DAY, clock="business")


class Flap(Row):
    """Changes (openings and ends) of one rule and series within `window` of event time: `high` begin a flapping, `low` end it."""

    window: timedelta = Field(gt=timedelta(0))
    high: int = Field(ge=2)
    low: int = Field(ge=0)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be smaller than high")
        return self


class Storm(Row):
    """More openings of one rule than `limit` for one recipient within `window`: one summary instead of the rest."""

    limit: int = Field(ge=1)
    window: timedelta = Field(gt=timedelta(0))


class Cap(Row):
    """How alerts of the rule are described in the Common Alerting Protocol 1.2, whose words these are."""

    category: tuple[
        Literal["Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"], ...
    ] = ("Other",)
    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"] = "Expected"
    response_type: Literal["Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "None"] = "Assess"
    instruction_vi: str = ""


DEFAULT_CAP = Cap()
DEFAULT_STORM = Storm(limit=10, window=timedelta(hours=1))
"""No document gives a number: ten messages of a rule within an hour is what one duty officer can still take in; the owner sets his own."""
