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

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from indicators.datafile import DataFileError, read_yaml
from indicators.rules import selection
from indicators.rules.kinds import (
    BY_READING,
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
WITHOUT_FIGURE: tuple[Kind, ...] = ("composite", "due", "watchdog")
"""Kinds that look at no figure of their own: their members', the reports owed (catalogue/obligations.yaml), the platform's heartbeat."""
GATED: tuple[Kind, ...] = ("threshold", "absence")
"""Kinds that may be in force for emergencies alone."""
MOST = 5
"""The highest severity there is."""


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
    `where`: which of them, a condition over `selection.SERIES`. A composite, a report due and the watchdog name
    no figure (`WITHOUT_FIGURE`).
    `emergency`: ids of scenarios: the rule judges only what lies in the area of an emergency of one of them, and while it is open.
    """

    indicator: str = ""
    component: str = ""
    figure: str = "actual"
    formula: str = ""
    awaits: str = ""
    subject_type: str = ""
    where: str = ""
    emergency: tuple[str, ...] = ()

    @property
    def named(self) -> int:
        """How many of indicator, formula and awaits are given."""
        return [bool(self.indicator), bool(self.formula), bool(self.awaits)].count(True)

    @field_validator("where")
    @classmethod
    def _a_condition(cls, where: str) -> str:
        selection.check(where, selection.SERIES)
        return where

    def holds(self, subject_type: str, values: Mapping[str, Any]) -> bool:
        """Is a series or result of this subject type, described by `values` (`selection.SERIES`), looked at? One that the condition cannot
        be asked of (a dimension it lacks) is not."""
        try:
            return self.subject_type in ("", subject_type) and selection.chosen(self.where, values)
        except selection.SelectionError:
            return False


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
    status_limits: dict[str, Severity] = Field({}, description="the highest severity that a figure of a status may raise; none: any")
    whole_periods: bool = Field(False, description="judge a period once figures of a later one have come: sums whose month still runs")
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
        if self.scope.named != 1 and (self.kind not in WITHOUT_FIGURE or self.scope.named):
            raise ValueError("scope: give exactly one of indicator, formula and awaits")
        if self.scope.awaits and self.status != "draft":
            raise ValueError("status: a rule that awaits its figures is a draft")
        if self.scope.emergency and (not self.scope.indicator or self.kind not in GATED or self.whole_periods or not self._at_once):
            raise ValueError("scope.emergency: a threshold or the absence of a series, judged at once (periods 1, whole_periods false)")
        if "opened" not in self.message_vi:
            raise ValueError("message_vi.opened: missing")
        return self

    @cached_property
    def by_reading(self) -> bool:
        """Is it judged reading by reading, as event time goes on? All others are judged period by period, or by their own evaluator."""
        return self._at_once and self.kind in BY_READING and not self.whole_periods

    @cached_property
    def _at_once(self) -> bool:
        """Does no level wait for several periods?"""
        return all(level.periods == level.clear_periods == 1 for level in self.levels)

    @property
    def at_work(self) -> bool:
        """Do the workers judge it? Drafts and retired rules cost them nothing."""
        return self.status in ("active", "exercise")

    @property
    def has_history(self) -> bool:
        """Can it be run over history (`nhip rules backtest`)? It judges a figure or a receipt, and one that is supplied."""
        return self.kind not in ("composite", "watchdog") and not self.scope.awaits

    def highest(self, status: str) -> int:
        """The highest severity that a figure of this status may raise."""
        return self.status_limits.get(status, MOST)

    @property
    def sign(self) -> int:
        """What turns a measured number so that larger is worse."""
        return 1 if self.direction == "above" else -1

    def valid_at(self, at_ms: int) -> bool:
        """Is this version in force at the event's time (epoch ms)?"""
        day = datetime.fromtimestamp(at_ms / 1000, VIETNAM).date()
        return self.at_work and self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class RuleBook:
    """All rules, and those at work by what they judge: a record costs nothing for rules that do not concern its indicator."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self._by_series: dict[tuple[str, str, str], list[Rule]] = {}
        self._by_formula: dict[str, list[Rule]] = {}
        self._composites: dict[str, list[Rule]] = {}
        self.silences = [rule for rule in rules if rule.at_work and rule.kind == "absence"]
        self.dues = [rule for rule in rules if rule.at_work and rule.kind == "due" and not rule.scope.formula]
        self.watchdogs = [rule for rule in rules if rule.at_work and rule.kind == "watchdog"]
        for rule in rules:
            s = rule.scope
            if not rule.at_work or rule.kind in ("absence", "watchdog"):
                continue
            for member in rule.composite.of if rule.composite else ():
                self._composites.setdefault(member, []).append(rule)
            if rule.composite is not None or (rule.due is not None and not s.formula):
                self._by_formula.setdefault(rule.id, []).append(rule)
            elif s.formula:
                self._by_formula.setdefault(s.formula, []).append(rule)
            elif s.indicator:
                self._by_series.setdefault((s.indicator, s.component, s.figure), []).append(rule)

    @classmethod
    def load(cls, home: Path) -> Self:
        """Rules of `home/catalogue/rules`. Raises RuleError naming file and field."""
        return cls([load_rule(path) for path in sorted((home / "catalogue" / "rules").glob("*.yaml"))])

    def of_series(self, indicator: str, component: str, figure: str) -> list[Rule]:
        """Rules at work on the figures of this kind of series; its silence: `silences`."""
        return self._by_series.get((indicator, component, figure), [])

    def of_formula(self, formula: str) -> list[Rule]:
        """Rules at work on the results of this formula; those of a composite or of reports due stand
        under its id."""
        return self._by_formula.get(formula, [])

    def composites_of(self, member: str) -> list[Rule]:
        """Composites over this rule."""
        return self._composites.get(member, [])

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())


def load_rule(path: Path) -> Rule:
    """One rule file. Raises RuleError naming file and field."""
    try:
        return Rule.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise RuleError(f"{path.name}: {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}") from error
    except DataFileError as error:
        raise RuleError(str(error)) from error
