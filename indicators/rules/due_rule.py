"""Reports due on a day of a reporting calendar: reminders before it, absence after it, until everything expected is there. Pure.

File: `catalogue/due-calendars.yaml`. The number is working days past the due day, below zero before it: −3 is the reminder three working
days ahead, 0 the due day itself, 1 the first working day after it; a level is reached with the first instant of that day in Vietnam.
A report is complete when all expected series of the period have a value.

What is said follows from when each series came (and went) and from the time that has passed, from nothing else: judged once a day or
once a year, before a restart or after it, a report says the same at the same instants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError, Row, read_rows
from indicators.instant import day_start, local_day
from indicators.period import Period
from indicators.rule import Rule
from indicators.rules.finding import Finding, Said, change, ladder_of, said_after
from indicators.rules.ladder import Standing, Step


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
    found: dict[str, DueCalendar] = {}
    for one in read_rows(path, "calendars", DueCalendar):
        if one.id in found:
            raise DataFileError(path, f"calendar {one.id} given twice", field="id")
        found[one.id] = one
    return found


class DueDay(Protocol):
    """A due calendar, or what stands for one."""

    def due(self, period: Period, calendar: WorkingCalendar) -> date:
        """The due day of a period."""


class Presence(NamedTuple):
    """Since when the figure of a series is there (epoch ms); None: it is not, and `gone` says since when, where it had been (0: never)."""

    since: int | None = None
    gone: int = 0


ABSENT = Presence()


class Statement(NamedTuple):
    """A finding, the instant it is about (epoch ms), and the series that were missing then."""

    finding: Finding
    at: int
    missing: tuple[str, ...]


class LastWord(NamedTuple):
    """What was last said of a report, and the instant it was about (epoch ms)."""

    said: Said = Said()
    at: int = 0

    def after(self, statement: Statement) -> LastWord:
        """The last word once this is said."""
        return LastWord(said_after(statement.finding, self.said), statement.at)


NOTHING_SAID = LastWord()


class DueRule:
    """One rule of kind due, over the reports of one due calendar."""

    def __init__(self, rule: Rule, due: DueDay, calendar: WorkingCalendar) -> None:
        self.rule, self._due, self._calendar = rule, due, calendar
        self.ladder = ladder_of(rule)

    def due_day(self, period: Period) -> date:
        """The day by whose end the report of a period is due. Raises CalendarError beyond the years the calendar knows."""
        return self._due.due(period, self._calendar)

    def instants(self, period: Period) -> list[tuple[int, Step]]:
        """When each level is reached if nothing comes, the mildest first; none before the period begins."""
        due = self.due_day(period)
        return [(max(period.start_ms, day_start(self._day_of(due, int(step.raise_at)))), step) for step in self.ladder.steps]

    def next_due(self, period: Period, now: int) -> int | None:
        """The first instant after `now` at which a level is reached; None: none is left."""
        return min((at for at, _ in self.instants(period) if at > now), default=None)

    def judge(self, period: Period, owed: Mapping[str, Presence], last: LastWord, now: int) -> list[Statement]:
        """What is to be said of a report by `now`, in order.

        Levels passed while something was missing are said one by one. Levels that had passed before a figure was taken back are said at
        once, from then on. A report that is complete is over: `cleared` where it came after the first reminder, else `corrected`: it had
        been there all the time, or is owed no more.
        """
        there = [one.since for one in owed.values() if one.since is not None]
        complete = max(there, default=0) if len(there) == len(owed) else None
        gone = max((one.gone for one in owed.values() if one.since is None), default=0)
        found = list(self._risen(period, owed, last, (now if complete is None else min(now, complete - 1), gone)))
        said = said_after(found[-1].finding, last.said) if found else last.said
        if complete is not None and said.severity:
            began, _ = self.instants(period)[0]
            end = max(complete, began) if owed else now
            found.append(self._said(period, owed, said, (0, end), corrected=complete <= began))
        return found

    def _risen(self, period: Period, owed: Mapping[str, Presence], last: LastWord, span: tuple[int, int]) -> Iterator[Statement]:
        """Levels reached after the last word and until the first instant of `span`; those from before the second count from it."""
        until, gone = span
        said = last.said
        reached = [(max(at, gone), step.severity) for at, step in self.instants(period) if at <= until]
        for at in sorted({at for at, _ in reached if at > last.at}):
            severity = max(severity for when, severity in reached if when == at)
            if severity > said.severity:
                statement = self._said(period, owed, said, (severity, at), corrected=False)
                said = said_after(statement.finding, said)
                yield statement

    def _said(
        self, period: Period, owed: Mapping[str, Presence], said: Said, now: tuple[int, int], *, corrected: bool
    ) -> Statement:
        severity, at = now
        missing = tuple(name for name, one in owed.items() if one.since is None or one.since > at) if severity else ()
        number = Decimal(self._calendar.working_days_between(self.due_day(period), local_day(at)))
        standing = Standing(severity, period.start_ms, at)
        finding = change(
            self.ladder, said, standing, corrected=corrected, number=number, value=Decimal(len(missing)), period=period
        )
        assert finding is not None  # the severities differ: it was asked for a change
        return Statement(finding, at, missing)

    def _day_of(self, due: date, number: int) -> date:
        """The day on which so many working days have passed since the due day."""
        return due if not number else self._calendar.add_working_days(due, number)
