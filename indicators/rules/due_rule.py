"""Reports due on a day of a reporting calendar: reminders before it, absence after it, until everything expected is there. Pure.

File: `catalogue/due-calendars.yaml`. The number is working days past the due day, below zero before it: −3 is the reminder three working
days ahead, 0 the due day itself, 1 the first working day after it. A report is complete when all expected series of the period have a
value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError, Row, read_yaml, refuse
from indicators.instant import day_start, local_day
from indicators.period import Period
from indicators.rule import Rule
from indicators.rules.finding import Finding, Said, change, ladder_of, said_after
from indicators.rules.ladder import Standing

Owed = tuple[str, Period]
"""A provider and the period it owes a report of."""
Findings = dict[Owed, Finding]


class DueCalendar(Row):
    """When the report of a period is due: `due_day` of the month its last day lies in (`months_later` 0), rolled off days of rest."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title_vi: str
    due_day: int = Field(ge=1, le=28)
    months_later: int = Field(0, ge=0, le=12)
    roll: Literal["preceding", "following", "none"]
    legal_basis: tuple[str, ...] = ()
    note: str = ""

    def due(self, period: Period, calendar: WorkingCalendar) -> date:
        """The due day of a period. Raises CalendarError beyond the years the calendar knows."""
        last = local_day(period.end_ms - 1)
        months = last.year * 12 + last.month - 1 + self.months_later
        day = date(months // 12, months % 12 + 1, self.due_day)
        if self.roll == "none" or calendar.is_working_day(day):
            return day
        return calendar.add_working_days(day, -1 if self.roll == "preceding" else 1)


def load_due_calendars(home: Path) -> dict[str, DueCalendar]:
    """The calendars by id. Raises DataFileError naming file, line and field."""
    path = home / "catalogue" / "due-calendars.yaml"
    content = read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("calendars"), list):
        raise DataFileError(path, "expected a mapping with a list `calendars`")
    found: dict[str, DueCalendar] = {}
    for index, entry in enumerate(content["calendars"]):
        try:
            one = DueCalendar.model_validate(entry)
        except ValidationError as error:
            refuse(path, error, ("calendars", index))
        if one.id in found:
            raise DataFileError(path, f"calendar {one.id} given twice", field="id")
        found[one.id] = one
    return found


@dataclass(frozen=True, slots=True)
class DueState:
    """Of each provider and period: which series are there, and the last word. A pair is watched from its `open` on."""

    there: Mapping[Owed, frozenset[str]] = field(default_factory=dict)
    said: Mapping[Owed, Said] = field(default_factory=dict)


class DueRule:
    """One rule of kind due. `expected`: provider → the series it owes each period."""

    def __init__(self, rule: Rule, due: DueCalendar, calendar: WorkingCalendar, expected: Mapping[str, frozenset[str]]) -> None:
        self.rule, self._due, self._calendar, self._expected = rule, due, calendar, dict(expected)
        self.ladder = ladder_of(rule)

    def open(self, state: DueState, period: Period) -> DueState:
        """From now on this period is watched for every provider."""
        new = {(provider, period): frozenset[str]() for provider in self._expected}
        return replace(state, there={**new, **state.there})

    def arrive(self, state: DueState, provider: str, series: str, period: Period, now: int) -> tuple[DueState, Findings]:
        """A value of a series came in. What nobody expects of this provider is not looked at."""
        if series not in self._expected.get(provider, frozenset()):
            return state, {}
        pair = (provider, period)
        there = {**state.there, pair: state.there.get(pair, frozenset()) | {series}}
        return self._judged(replace(state, there=there), now, [pair])

    def tick(self, state: DueState, now: int) -> tuple[DueState, Findings]:
        """Time has passed."""
        return self._judged(state, now, list(state.there))

    def missing(self, state: DueState, provider: str, period: Period) -> frozenset[str]:
        """The series still owed."""
        return self._expected.get(provider, frozenset()) - state.there.get((provider, period), frozenset())

    def next_due(self, state: DueState, now: int) -> int | None:
        """The first instant after `now` at which a level is reached: the beginning of a day in Vietnam; None: nothing is owed."""
        found = [
            at
            for provider, period in state.there
            if self.missing(state, provider, period)
            for step in self.ladder.steps
            if (at := day_start(self._day_of(period, int(step.raise_at)))) > now
        ]
        return min(found, default=None)

    def _day_of(self, period: Period, number: int) -> date:
        """The day on which so many working days have passed since the due day."""
        due = self._due.due(period, self._calendar)
        return due if not number else self._calendar.add_working_days(due, number)

    def _judged(self, state: DueState, now: int, pairs: list[Owed]) -> tuple[DueState, Findings]:
        found: Findings = {}
        said = dict(state.said)
        for pair in pairs:
            provider, period = pair
            number = Decimal(self._calendar.working_days_between(self._due.due(period, self._calendar), local_day(now)))
            owed = self.missing(state, provider, period)
            reached = self.ladder.raised(number) if owed else 0
            before = said.get(pair, Said())
            standing = Standing(reached, period.start_ms, now)
            finding = change(self.ladder, before, standing, corrected=False, number=number, value=Decimal(len(owed)))
            said[pair] = said_after(finding, before)
            if finding is not None:
                found[pair] = finding
        return replace(state, said=said), found


