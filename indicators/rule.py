"""Rules as data: what makes an alert, on which series or result, with which levels, told to whom in which words.

Files: `catalogue/rules/*.yaml`. A rule measures one number and holds it against a ladder of levels with separate clear limits:

- `threshold`: the number is the newest value of a series, or a result of a formula.
- `pacing`: the number is path(t) − value in percentage points: how far a rate of completion lies behind the plan's path at the event's
  time.

The documents print no numeric limit (domain.md §5): each default says who must set it. Limits of river stations are those of Decision
05/2020/QĐ-TTg where the subject's registry carries them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from indicators.rules.policy import DEFAULT_STORM, Acknowledgement, Escalation, Explanation, Flap, Severity, Storm

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Vietnam has kept UTC+7 without summer time since 1975; every indicator begins later."""


class RuleError(ValueError):
    """A rule file is wrong; the message names file and field."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Level(_Model):
    """One step of the ladder. With direction `above`: raised at ≥ raise_at, left at < clear_at; with `below` the other way round."""

    severity: Severity
    name: str = Field("", description="name of the level where a scale gives one, e.g. bd2; never mixed with severity")
    name_vi: str = ""
    raise_at: Decimal | str = Field(
        union_mode="left_to_right", description="a number in the rule's unit, or the name of a limit of the subject"
    )
    clear_at: Decimal | None = Field(None, description="absolute clear limit; needed unless clear_margin is given")
    clear_margin: Decimal | None = Field(None, description="clear limit as a distance from raise_at")
    hold: timedelta = Field(timedelta(0), alias="for", description="how long, in event time, before it counts")
    clear_hold: timedelta = Field(timedelta(0), alias="clear_for")

    @model_validator(mode="after")
    def _one_clear(self) -> Self:
        if (self.clear_at is None) == (self.clear_margin is None):
            raise ValueError("give exactly one of clear_at and clear_margin")
        if isinstance(self.raise_at, str) and self.clear_margin is None:
            raise ValueError("a limit taken from the subject needs clear_margin")
        return self


class Scope(_Model):
    """What the rule looks at: a series (indicator, component, figure) in stage 1, or the results of a formula in stage 2."""

    indicator: str = ""
    component: str = ""
    figure: str = "actual"
    formula: str = ""
    subject_type: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.indicator) == bool(self.formula):
            raise ValueError("give exactly one of indicator and formula")
        return self


class PathPoint(_Model):
    """A point of the path: `date` is MM-DD of the budget year, or `next-MM-DD` of the year after; share in percent of the plan."""

    date: str = Field(pattern=r"^(next-)?\d\d-\d\d$")
    share: Decimal = Field(ge=0, le=100)


class Pacing(_Model):
    """Path to the plan over a budget year; straight lines between the points, 0 on 1 January."""

    figure: Literal["plan", "plan_pm", "plan_local", "plan_carried_over", "budget_estimate"]
    path: tuple[PathPoint, ...] = Field(min_length=1)

    def share_at(self, at_ms: int, budget_year: int) -> Decimal:
        """Percent of the plan that the path asks for at `at_ms` (epoch ms) in `budget_year`; two decimals, half up."""
        points = [(_start_of(date(budget_year, 1, 1)), Decimal(0))] + [(_day_of(p.date, budget_year), p.share) for p in self.path]
        if at_ms <= points[0][0]:
            return points[0][1]
        for (t0, s0), (t1, s1) in pairwise(points):
            if at_ms <= t1:
                return (s0 + (s1 - s0) * (at_ms - t0) / (t1 - t0)).quantize(Decimal("0.01"))
        return points[-1][1]


class Message(_Model):
    """Text templates (Jinja2). What they may use: docs/alerts.md."""

    title: str
    text: str = ""


class Rule(_Model):
    """One version of a rule, valid in [valid_from, valid_to)."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9-]*$")
    version: int = Field(ge=1)
    status: Literal["draft", "exercise", "active", "retired"] = "active"
    valid_from: date
    valid_to: date | None = None
    title_vi: str
    title_en: str
    legal_basis: tuple[str, ...] = ()
    owner_agency: str
    to_be_set_by_owner: bool = Field(description="true: the limits are our defaults, no document gives them")
    scope: Scope
    kind: Literal["threshold", "pacing"]
    direction: Literal["above", "below"] = "above"
    pacing: Pacing | None = None
    levels: tuple[Level, ...] = Field(min_length=1)
    accept_status: tuple[str, ...] = ("estimated", "preliminary", "official", "revised")
    no_data: Literal["hold", "open", "resolve", "ignore"]
    lane: Literal["direct", "grouped"]
    channels: dict[Severity, tuple[str, ...]]
    audience: dict[Severity, tuple[str, ...]]
    message_vi: dict[str, Message] = Field(description="by transition; `opened` is needed and stands in for those not given")
    message_en: dict[str, Message] = {}
    notify_max_age: timedelta
    escalation: Escalation = Escalation()
    acknowledgement: Acknowledgement = Acknowledgement()
    explanation: Explanation | None = None
    flap: Flap | None = None
    storm: Storm = DEFAULT_STORM
    tests: str = ""

    @field_validator("levels")
    @classmethod
    def _rising(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        if [level.severity for level in levels] != sorted({level.severity for level in levels}):
            raise ValueError("levels must rise in severity")
        return levels

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.kind == "pacing") != (self.pacing is not None):
            raise ValueError("pacing: needed for kind pacing, and only there")
        if "opened" not in self.message_vi:
            raise ValueError("message_vi.opened: missing")
        return self

    def valid_at(self, at_ms: int) -> bool:
        """Is this version in force at the event's time (epoch ms)?"""
        day = datetime.fromtimestamp(at_ms / 1000, VIETNAM).date()
        return self.status in ("active", "exercise") and self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class RuleBook:
    """All rules, indexed: a record costs nothing for rules that do not concern its indicator."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self._by_series: dict[tuple[str, str, str], list[Rule]] = {}
        self._by_formula: dict[str, list[Rule]] = {}
        for rule in rules:
            s = rule.scope
            if s.formula:
                self._by_formula.setdefault(s.formula, []).append(rule)
            else:
                self._by_series.setdefault((s.indicator, s.component, s.figure), []).append(rule)

    @classmethod
    def load(cls, home: Path) -> Self:
        """Rules of `home/catalogue/rules`. Raises RuleError naming file and field."""
        return cls([load_rule(path) for path in sorted((home / "catalogue" / "rules").glob("*.yaml"))])

    def of_series(self, indicator: str, component: str, figure: str) -> list[Rule]:
        """Rules whose scope is this kind of series."""
        return self._by_series.get((indicator, component, figure), [])

    def of_formula(self, formula: str) -> list[Rule]:
        """Rules whose scope is the results of this formula."""
        return self._by_formula.get(formula, [])

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())


def load_rule(path: Path) -> Rule:
    """One rule file. Raises RuleError naming file and field."""
    try:
        return Rule.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise RuleError(f"{path.name}: {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}") from error
    except yaml.YAMLError as error:
        raise RuleError(f"{path.name}: not YAML: {error}") from error


def _start_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=VIETNAM).timestamp() * 1000)


def _day_of(text: str, budget_year: int) -> int:
    """End of the day `MM-DD` or `next-MM-DD` of a budget year, epoch ms."""
    year = budget_year + text.startswith("next-")
    month, day = text.removeprefix("next-").split("-")
    return _start_of(date(year, int(month), int(day))) + 86_400_000
