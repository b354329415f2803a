"""Rules as data: what makes an alert, on which series or result, with which levels, told to whom in which words.

Files: `catalogue/rules/*.yaml`. A rule measures one number and holds it against a ladder of levels with separate clear limits:

- `threshold`: the number is the newest value of a series, or a result of a formula.
- `pacing`: the number is path(t) − value in percentage points: how far a rate of completion lies behind the plan's path at the event's
  time.
- the other kinds, and what each measures: indicators/rules/kinds.py; how they are stepped: indicators/rules/.

The documents print no numeric limit (domain.md §5): each default says who must set it. Limits of river stations are those of Decision
05/2020/QĐ-TTg where the subject's registry carries them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from indicators.rules.kinds import (
    Absence,
    ChangeOver,
    Composite,
    Due,
    Kind,
    Outlier,
    Pacing,
    Rank,
    Watchdog,
    YearOnYear,
)
from indicators.rules.policy import DEFAULT_CAP, DEFAULT_STORM, Acknowledgement, Cap, Escalation, Explanation, Flap, Severity, Storm

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Vietnam has kept UTC+7 without summer time since 1975; every indicator begins later."""


PARAMETERS: tuple[Kind, ...] = ("pacing", "year_on_year", "change", "outlier", "rank", "absence", "due", "composite", "watchdog")
"""Kinds with parameters of their own, under the kind's name."""


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
    periods: int = Field(1, ge=1, description="how many periods in a row before it counts")
    clear_periods: int = Field(1, ge=1)
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
    """What the rule looks at: a series (indicator, component, figure) in stage 1, or the results of a formula in stage 2.

    `awaits` names a figure that no feed or formula gives yet: the rule is whole and proven by its cases, and stays a draft until then.
    """

    indicator: str = ""
    component: str = ""
    figure: str = "actual"
    formula: str = ""
    awaits: str = ""
    subject_type: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if [bool(self.indicator), bool(self.formula), bool(self.awaits)].count(True) != 1:
            raise ValueError("give exactly one of indicator, formula and awaits")
        return self


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
    kind: Kind
    direction: Literal["above", "below"] = "above"
    period: str = Field("", description="type of the periods judged (month, quarter …); empty: whatever comes in")
    pacing: Pacing | None = None
    year_on_year: YearOnYear | None = None
    change: ChangeOver | None = None
    outlier: Outlier | None = None
    rank: Rank | None = None
    absence: Absence | None = None
    due: Due | None = None
    composite: Composite | None = None
    watchdog: Watchdog | None = None
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
    cap: Cap = DEFAULT_CAP
    tests: str = ""

    @field_validator("levels")
    @classmethod
    def _rising(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        if [level.severity for level in levels] != sorted({level.severity for level in levels}):
            raise ValueError("levels must rise in severity")
        return levels

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for kind in PARAMETERS:
            if (self.kind == kind) != (getattr(self, kind) is not None):
                raise ValueError(f"{kind}: needed for kind {kind}, and only there")
        if self.scope.awaits and self.status != "draft":
            raise ValueError("status: a rule that awaits its figures is a draft")
        if "opened" not in self.message_vi:
            raise ValueError("message_vi.opened: missing")
        return self

    @property
    def streamed(self) -> bool:
        """Do the workers judge it reading by reading (`stream_processors`)? All others are judged by the evaluators of indicators/rules."""
        plain = all(level.periods == level.clear_periods == 1 for level in self.levels)
        return plain and (self.kind == "threshold" or (self.pacing is not None and self.pacing.compare == "gap_points"))

    @property
    def sign(self) -> int:
        """What turns a measured number so that larger is worse."""
        return 1 if self.direction == "above" else -1

    def valid_at(self, at_ms: int) -> bool:
        """Is this version in force at the event's time (epoch ms)?"""
        day = datetime.fromtimestamp(at_ms / 1000, VIETNAM).date()
        return self.status in ("active", "exercise") and self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class RuleBook:
    """All rules, indexed: a record costs nothing for rules that do not concern its indicator.

    `of_series` and `of_formula` give the rules judged reading by reading; `of_kinds` those that evaluators of indicators/rules judge.
    """

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self._by_series: dict[tuple[str, str, str], list[Rule]] = {}
        self._by_formula: dict[str, list[Rule]] = {}
        for rule in rules:
            s = rule.scope
            if not rule.streamed or s.awaits:
                continue
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

    def of_kinds(self, *kinds: Kind) -> list[Rule]:
        """Rules of these kinds that are not judged reading by reading."""
        return [rule for rule in self.rules.values() if rule.kind in kinds and not rule.streamed]

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
