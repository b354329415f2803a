"""Publication calendars: the instant at which the figure of a period is published. Until then it is under embargo.

File: `catalogue/publication-calendars.yaml`. Source of the day: Decree 94/2016/NĐ-CP as amended by Decree 62/2024/NĐ-CP (state statistics
on the 6th of the month after the period; on a rest day the next working day). Plans are no statistics: decided figures are never held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Final, Self

from pydantic import Field

from indicators.calendar import CalendarError, WorkingCalendar
from indicators.catalogue import Indicator
from indicators.datafile import read_rows, wrong
from indicators.due import instant_of
from indicators.observation import Observation
from indicators.period import Period
from indicators.rules.due_rule import DueCalendar
from indicators.vocabulary import Vocabulary

FILE: Final = "publication-calendars.yaml"
SATURDAY, SUNDAY = 5, 6
FIGURES: Final = frozenset({"actual", "forecast"})
"""What a publication brings out; plans and estimates of the budget are published by whoever decides them."""


class PublicationCalendar(DueCalendar):
    """A calendar of publications: `due_day`, `months_later` and `roll` say the day as those of a due calendar do, `clock` the time of day
    in Vietnam. It means the rows whose first focal point is among `providers`, for periods of `period_types`. `to_confirm`: fields that
    are proposals, for `owner_agency`, which may also move a single publication."""

    title_en: str = ""
    owner_agency: str
    providers: tuple[str, ...] = Field(min_length=1)
    period_types: tuple[str, ...] = Field(min_length=1)
    clock: time
    to_confirm: tuple[str, ...] = ()

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
            found[one.id] = one
        return cls(found, words, WorkingCalendar.load(home))

    def of(self, o: Observation) -> PublicationCalendar | None:
        """The calendar by which an observation is published; None: it is free at once."""
        if o.figure not in FIGURES:
            return None
        row = self.vocabulary.indicator(o.indicator)
        found = (one for one in self.calendars.values() if o.period_type in one.period_types and row is not None and one.publishes(row))
        return next(found, None)

    def release(self, calendar: PublicationCalendar, period: Period) -> int:
        """The instant of a publication, epoch ms: from it on the figures are free. Beyond the years whose holidays are known only weekends
        are days of rest: for want of holidays a figure may come out a day early, never at once."""
        try:
            day = calendar.due(period, self.working)
        except CalendarError:
            day = calendar.model_copy(update={"roll": "none"}).due(period, self.working)
            day += timedelta(days=SUNDAY + 1 - day.weekday() if day.weekday() >= SATURDAY else 0)
        return instant_of(day, calendar.clock)

    def indicators(self) -> Iterable[str]:
        """The ids of all rows that some calendar publishes."""
        return [row.id for row in self.vocabulary.indicators() if any(one.publishes(row) for one in self.calendars.values())]
