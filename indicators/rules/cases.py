"""Golden cases of rules: what comes in, step by step, and what the rule must say at once. Run by the pure evaluators, without a broker.

Files: `catalogue/rules/cases/<rule id in small letters>.yaml`: `rule`, and `cases` each with a `name`, its setting (`limits`, `expected`)
and `steps`. A step brings a value (`period`, `value`, `unit` or `series`), a member's severity, or the clock alone (`now`), and says what
must follow: `says: opened 3`, `nothing` (the default), or by unit `{"31": opened 2}`. Times are Vietnam's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from indicators.assigned_task import OWN_DAY, OwnDay
from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError, Row, read_yaml, row_of
from indicators.instant import VIETNAM, day_start, to_ms
from indicators.period import Period, period_of
from indicators.rule import Rule
from indicators.rules.composite_rule import CompositeRule, CompositeState
from indicators.rules.due_rule import ABSENT, NOTHING_SAID, DueCalendar, DueRule, LastWord, Presence, load_due_calendars
from indicators.rules.finding import Finding
from indicators.rules.rank_rule import RankRule, RankState
from indicators.rules.series_rule import Reading, SeriesRule, SeriesState
from indicators.rules.silence import SilenceRule, SilenceState, hours_of
from indicators.trading_calendar import TradingCalendar, read_trading_calendars

NOTHING = "nothing"
ONLY = ""


class CaseStep(Row):
    """One thing that happens."""

    now: str = Field("", description="the wall clock: 2026-10-05T07:00")
    period: str = Field("", description="2026, 2026-Q3, 2026-10, 2026-10-05 or 2026-10-05T07:00")
    at: str = Field("", description="event time, where it is not the end of the period")
    value: Decimal | None = None
    status: str = "official"
    revision: int = 0
    unit: str = Field("", description="territory of a ranking, or the provider of a report")
    series: str = ""
    member: str = Field("", description="the rule a member's severity comes from")
    severity: int = 0
    close: bool = False
    says: str | dict[str, str] = NOTHING


class Case(Row):
    """A course of steps. `expected`: units, series or providers that should speak; `members`: how many members a composite has."""

    name: str = Field(min_length=3)
    limits: dict[str, Decimal] = Field(default_factory=dict)
    expected: tuple[str, ...] = ()
    since: str = Field("", description="since when the expected are expected")
    members: int = 0
    steps: tuple[CaseStep, ...] = Field(min_length=1)


class CaseFile(Row):
    """The cases of one rule."""

    rule: str
    cases: tuple[Case, ...] = Field(min_length=1)


class Setting(NamedTuple):
    """What evaluators need beside the rule."""

    calendar: WorkingCalendar
    dues: dict[str, DueCalendar]
    trading_calendars: Mapping[str, TradingCalendar] = {}

    @classmethod
    def load(cls, home: Path) -> Setting:
        """That of an installation. Raises DataFileError naming file, line and field."""
        return cls(WorkingCalendar.load(home), load_due_calendars(home), read_trading_calendars(home))


class Failure(NamedTuple):
    """A step that said something else. `step` counts from 1."""

    rule: str
    case: str
    step: int
    wanted: dict[str, str]
    said: dict[str, str]

    def __str__(self) -> str:
        return f"{self.rule}: «{self.case}», bước {self.step}: cần {_shown(self.wanted)}, được {_shown(self.said)} / wanted, got"


def case_path(home: Path, rule: str) -> Path:
    """Where the cases of a rule lie."""
    return home / "catalogue" / "rules" / "cases" / f"{rule.lower()}.yaml"


def load_cases(path: Path) -> CaseFile:
    """The cases of a file. Raises DataFileError naming file, line and field."""
    return row_of(path, read_yaml(path), CaseFile)


def failures(rule: Rule, content: CaseFile, setting: Setting) -> Iterator[Failure]:
    """Run all cases of a rule, whatever its status. Raises DataFileError where a case does not fit the rule."""
    if content.rule != rule.id:
        raise DataFileError(Path(f"{rule.id.lower()}.yaml"), f"cases of {content.rule}, not of {rule.id}", field="rule")
    for case in content.cases:
        say = _machine(rule, case, setting)
        for number, step in enumerate(case.steps, 1):
            said = {name: str(finding) for name, finding in say(step).items()}
            wanted = step.says if isinstance(step.says, dict) else {} if step.says == NOTHING else {ONLY: step.says}
            if not isinstance(step.says, dict) and len(said) == 1:
                said = {ONLY: next(iter(said.values()))}
            if said != wanted:
                yield Failure(rule.id, case.name, number, wanted, said)


Machine = Callable[[CaseStep], dict[str, Finding]]


def _machine(rule: Rule, case: Case, setting: Setting) -> Machine:
    match rule.kind:
        case "rank":
            return _ranked(RankRule(rule, case.expected), rule)
        case "absence" | "watchdog":
            hours = hours_of(rule, setting.trading_calendars.get)
            return _silent(SilenceRule(rule, dict.fromkeys(case.expected, instant(case.since)), hours))
        case "due":
            if rule.due is not None and rule.due.calendar == OWN_DAY:
                return _due(DueRule(rule, OwnDay(), setting.calendar), _expected(case))
            if rule.due is None or rule.due.calendar not in setting.dues:
                raise DataFileError(Path(f"{rule.id.lower()}.yaml"), "names no calendar of due-calendars.yaml", field="due.calendar")
            return _due(DueRule(rule, setting.dues[rule.due.calendar], setting.calendar), _expected(case))
        case "composite":
            return _composed(CompositeRule(rule, case.members))
        case _:
            return _of_series(SeriesRule(rule, dict(case.limits)), rule)


def _of_series(machine: SeriesRule, rule: Rule) -> Machine:
    states: dict[str, SeriesState] = {}

    def say(step: CaseStep) -> dict[str, Finding]:
        period = period_at(rule, step.period)
        at = instant(step.at) if step.at else period.start_ms if period.type == "instant" else period.end_ms - 1
        year = int(step.period[:4])
        reading = Reading(period, step.value, step.status, step.revision, at, year)
        states[step.series], finding = machine.step(states.get(step.series, SeriesState()), reading)
        return {step.series: finding} if finding else {}

    return say


def _ranked(machine: RankRule, rule: Rule) -> Machine:
    states = [RankState()]

    def say(step: CaseStep) -> dict[str, Finding]:
        period = period_at(rule, step.period)
        if step.close:
            after, found = machine.close(states[-1], period)
        else:
            after, found = machine.step(states[-1], period, step.unit, step.value or Decimal(0), step.revision)
        states.append(after)
        return found

    return say


def _silent(machine: SilenceRule) -> Machine:
    states = [SilenceState()]

    def say(step: CaseStep) -> dict[str, Finding]:
        at = instant(step.now)
        after, found = machine.hear(states[-1], step.series, at) if step.series else machine.tick(states[-1], at)
        states.append(after)
        return found

    return say


def _expected(case: Case) -> dict[str, list[str]]:
    """Provider → the series it owes, of `DOF-31:x+y`."""
    return {name.partition(":")[0]: name.partition(":")[2].split("+") for name in case.expected}


def _due(machine: DueRule, expected: Mapping[str, list[str]]) -> Machine:
    """A step with a period begins to watch it; with a series it arrives, or is taken back where the status says so."""
    there: dict[tuple[str, Period], dict[str, Presence]] = {}
    last: dict[tuple[str, Period], LastWord] = {}

    def say(step: CaseStep) -> dict[str, Finding]:
        now = instant(step.now)
        if step.period:
            period = period_of(_type_of(step.period), instant(step.period))
            for provider, series in expected.items():
                there.setdefault((provider, period), dict.fromkeys(series, ABSENT))
            if step.series in expected.get(step.unit, ()):
                gone = step.status == "deleted"
                there[step.unit, period][step.series] = Presence(None, now) if gone else Presence(now)
        found: dict[str, Finding] = {}
        for (provider, period), owed in there.items():
            for one in machine.judge(period, owed, last.get((provider, period), NOTHING_SAID), now):
                last[provider, period] = last.get((provider, period), NOTHING_SAID).after(one)
                found[provider] = one.finding
        return found

    return say


def _type_of(text: str) -> str:
    """The type of a period by the shape of its text."""
    return "quarter" if "Q" in text else ("year", "month", "day")[text.count("-")]


def _composed(machine: CompositeRule) -> Machine:
    states = [CompositeState()]

    def say(step: CaseStep) -> dict[str, Finding]:
        after, finding = machine.step(states[-1], (step.member, step.series), step.severity, instant(step.now))
        states.append(after)
        return {ONLY: finding} if finding else {}

    return say


def period_at(rule: Rule, text: str) -> Period:
    """The period of this text, of the type the rule judges; an instant where it names none."""
    return period_of(rule.period or "instant", instant(text), int(text[:4]))


def instant(text: str) -> int:
    """Epoch ms of `2026`, `2026-Q3`, `2026-10`, `2026-10-05` (its first instant) or `2026-10-05T07:00`, Vietnam's time. Raises
    ValueError."""
    if "T" in text:
        return to_ms(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))
    year, _, rest = text.partition("-")
    if rest.startswith("Q"):
        return day_start(date(int(year), 3 * int(rest[1:]) - 2, 1))
    return day_start(date.fromisoformat(f"{year}-{rest or '01-01'}" if len(rest) != 2 else f"{year}-{rest}-01"))


def _shown(said: dict[str, str]) -> str:
    return ", ".join(f"{name}: {what}" if name else what for name, what in sorted(said.items())) or NOTHING


