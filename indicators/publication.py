"""Publication calendars: the instant at which the figure of a period is published. Until then it is under embargo.

File: `catalogue/publication-calendars.yaml`. Source of the day: Decree 94/2016/NĐ-CP as amended by Decrees 62/2024/NĐ-CP (months) and
13/2026/NĐ-CP (state statistics on the 3rd instead of the 6th of the month after the period); on a rest day the next working day. Plans are
no statistics: decided figures are never held.

One period may be published more than once: as an estimate, preliminary, official (Law on Statistics 89/2015/QH13, article 48.1, as amended
in 2021), each on its day (`releases`). A later release holds what amends a published figure and bears its status; a first figure is never
held beyond the first publication, whatever status it claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import product
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field

from indicators.calendar import CalendarError, WorkingCalendar
from indicators.catalogue import Indicator
from indicators.datafile import Row, read_rows, wrong
from indicators.due import instant_of
from indicators.observation import Observation
from indicators.period import Period, period_of
from indicators.rules.due_rule import DueCalendar
from indicators.vocabulary import Vocabulary

FILE: Final = "publication-calendars.yaml"
SATURDAY, SUNDAY = 5, 6
FIGURES: Final = frozenset({"actual", "forecast"})
"""What a publication brings out; plans and estimates of the budget are published by whoever decides them."""


class LaterRelease(Row):
    """A later publication of the same periods: figures of `indicators` with one of `statuses`, on the calendar's day and hour so many
    months after the last month of the period, or, `of_year`, of the calendar year it lies in. `to_confirm`: fields that are proposals."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title_vi: str
    title_en: str = ""
    statuses: tuple[Literal["preliminary", "official"], ...] = Field(min_length=1)
    indicators: tuple[str, ...] = Field(min_length=1)
    period_types: tuple[str, ...] = Field(min_length=1)
    months_later: int = Field(ge=1, le=60)
    of_year: bool = False
    legal_basis: tuple[str, ...] = ()
    to_confirm: tuple[str, ...] = ()
    note: str = ""

    def means(self, indicator: str, period_type: str, status: str) -> bool:
        """Are such figures published by this release?"""
        return indicator in self.indicators and period_type in self.period_types and status in self.statuses


class PublicationCalendar(DueCalendar):
    """A calendar of publications: `due_day`, `months_later` and `roll` say the day as those of a due calendar do, `clock` the time of day
    in Vietnam. It means the rows whose first focal point is among `providers`, for periods of `period_types`. `to_confirm`: fields that
    are proposals, for `owner_agency`, which may also move a single publication."""

    title_en: str = ""
    owner_agency: str
    providers: tuple[str, ...] = Field(min_length=1)
    period_types: tuple[str, ...] = Field(min_length=1)
    clock: time
    releases: tuple[LaterRelease, ...] = ()
    to_confirm: tuple[str, ...] = ()

    def later(self, release: str) -> LaterRelease | None:
        """The later release of an id."""
        return next((one for one in self.releases if one.id == release), None)

    def publishes(self, row: Indicator) -> bool:
        """Are the figures of this row published by this calendar?"""
        return next(iter(row.providers), "") in self.providers


@dataclass(frozen=True)
class PublicationBook:
    """Every publication calendar of an installation over its vocabulary; safe to share."""

    calendars: dict[str, PublicationCalendar]
    vocabulary: Vocabulary
    working: WorkingCalendar

    @classmethod
    def load(cls, home: Path, vocabulary: Vocabulary | None = None) -> Self:
        """Read the file; an installation without it holds nothing back. Raises DataFileError naming file, line and field."""
        words, path = vocabulary or Vocabulary.load(home), home / "catalogue" / FILE
        found: dict[str, PublicationCalendar] = {}
        for index, one in enumerate(read_rows(path, "calendars", PublicationCalendar) if path.exists() else ()):
            if one.id in found:
                raise wrong(path, ("calendars", index, "id"), f"{one.id} given twice")
            for field, codes in (("owner_agency", (one.owner_agency,)), ("providers", one.providers)):
                for code in codes:
                    if words.agency(code) is None:
                        raise wrong(path, ("calendars", index, field), f"{code} is not in agencies.yaml")
            taken = next((p for other in found.values() for p in other.providers if p in one.providers), "")
            if taken:
                raise wrong(path, ("calendars", index, "providers"), f"{taken} has a calendar already")
            for place, field, said in _wrong_releases(one, words):
                raise wrong(path, ("calendars", index, "releases", place, field), said)
            found[one.id] = one
        return cls(found, words, WorkingCalendar.load(home))

    def of(self, o: Observation) -> PublicationCalendar | None:
        """The calendar by which an observation is published; None: it is free at once."""
        if o.figure not in FIGURES:
            return None
        row = self.vocabulary.indicator(o.indicator)
        found = (one for one in self.calendars.values() if o.period_type in one.period_types and row is not None and one.publishes(row))
        return next(found, None)

    def later(self, calendar: PublicationCalendar, o: Observation) -> LaterRelease | None:
        """The later release that publishes an amendment with this status; None: it belongs to the first publication."""
        return next((one for one in calendar.releases if one.means(o.indicator, o.period_type, o.status)), None)

    def release(self, calendar: PublicationCalendar, period: Period, later: LaterRelease | None = None) -> int:
        """The instant of a publication, epoch ms: from it on the figures are free; `later`: of that release. Beyond the years whose
        holidays are known only weekends are days of rest: for want of holidays a figure may come out a day early, never at once."""
        if later is not None:
            calendar = calendar.model_copy(update={"months_later": later.months_later})
            period = period_of("year", period.end_ms - 1) if later.of_year else period
        try:
            day = calendar.due(period, self.working)
        except CalendarError:
            day = calendar.model_copy(update={"roll": "none"}).due(period, self.working)
            day += timedelta(days=SUNDAY + 1 - day.weekday() if day.weekday() >= SATURDAY else 0)
        return instant_of(day, calendar.clock)

    def indicators(self) -> Iterable[str]:
        """The ids of all rows that some calendar publishes."""
        return [row.id for row in self.vocabulary.indicators() if any(one.publishes(row) for one in self.calendars.values())]


def _wrong_releases(calendar: PublicationCalendar, words: Vocabulary) -> Iterator[tuple[int, str, str]]:
    """(place, field, what is wrong) of releases that could not be kept apart, or that hold nothing."""
    ids: set[str] = set()
    taken: set[tuple[str, str, str]] = set()
    for place, one in enumerate(calendar.releases):
        if one.id in ids:
            yield place, "id", f"{one.id} given twice"
        ids.add(one.id)
        for kind in one.period_types:
            if kind not in calendar.period_types:
                yield place, "period_types", f"{kind} is not of {calendar.id}; it has {', '.join(calendar.period_types)}"
        for indicator in one.indicators:
            row = words.indicator(indicator)
            if row is None or not calendar.publishes(row):
                yield place, "indicators", f"{indicator} is no row that {calendar.id} publishes"
        if one.months_later <= calendar.months_later:
            yield place, "months_later", f"must be more than {calendar.months_later}, those of the first publication"
        means = set(product(one.indicators, one.period_types, one.statuses))
        for indicator, kind, status in sorted(means & taken):
            yield place, "statuses", f"{indicator}, {kind}, {status} has a release already"
        taken |= means
