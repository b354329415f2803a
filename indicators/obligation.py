"""Obligations: which agency owes figures of which series, for which periods, by which due calendar.

File: `catalogue/obligations.yaml`. A line chooses rows of one catalogue; everything else follows from the catalogue and is typed once:

- the series are the reported actual figures of the row (plans come when they are decided, readings and entries are watched for silence,
  figures of single subjects follow their registry);
- the period owed is the shortest in which the series is reported: a quarter is the same figures once more;
- the provider is the row's focal point, the first where it names several: one source for each figure (Decision 1012/QĐ-TTg I.3; guide
  7146 §3.4.2). A network («UBND các tỉnh») owes through each of its members, in its own territory.

Whether a series without `since` is owed is decided by whoever sees the reports: from its first report on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from indicators.catalogue import Indicator
from indicators.datafile import DataFileError, Row, read_rows, wrong
from indicators.instant import day_start, local_day
from indicators.period import Period, PeriodError, period_of
from indicators.rules.due_rule import DueCalendar, load_due_calendars
from indicators.spec import SeriesSpec
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary

OwedPeriod = Literal["month", "reporting_month", "quarter", "half_year", "nine_months", "july_november", "year"]
BY_LENGTH: tuple[str, ...] = (
    "instant", "hour", "day", "week", "month", "reporting_month", "quarter", "july_november", "half_year", "nine_months", "year",
)  # fmt: skip
"""Period types, the shortest first; july_november is two months a year, owed like other months but never shorter than a quarter."""


class Obligation(Row):
    """One line of the file: who owes what of which rows. `since`, `until`: days; a period is owed whose due day lies in [since, until)."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title_vi: str = Field(min_length=3)
    title_en: str = ""
    catalogue: str
    periods: tuple[OwedPeriod, ...] = Field(min_length=1, description="shortest period of the series meant")
    calendar: str = Field(description="id of due-calendars.yaml")
    rows: tuple[str, ...] = Field((), description="codes of the rows; empty: every row of the catalogue")
    but: tuple[str, ...] = Field((), description="codes of rows that are not meant")
    provider: str = Field("", description="who owes it, where it is not the row's own focal point")
    since: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.until <= self.since:
            raise ValueError("until must be after since")
        if self.rows and self.but:
            raise ValueError("give rows or but, not both")
        return self

    def means(self, row: Indicator) -> bool:
        """Is this row meant?"""
        return row.catalogue == self.catalogue and row.code not in self.but and (not self.rows or row.code in self.rows)


class Item(NamedTuple):
    """One series that is owed: indicator and component, and the days its obligation names."""

    indicator: str
    component: str
    since: date | None
    until: date | None

    @property
    def code(self) -> str:
        """`catalogue/code` or `catalogue/code:component`, as evidence names it."""
        return f"{self.indicator}:{self.component}" if self.component else self.indicator


class Debt(NamedTuple):
    """What one report is: a provider's figures of one type of period under one calendar. `area`: its territory."""

    provider: str
    period_type: str
    calendar: str
    area: str


@dataclass(frozen=True)
class ObligationBook:
    """Every debt with its items, in the order of file and catalogue; safe to share."""

    obligations: tuple[Obligation, ...]
    items: dict[Debt, tuple[Item, ...]]
    calendars: dict[str, DueCalendar]
    vocabulary: Vocabulary

    @classmethod
    def load(cls, home: Path, vocabulary: Vocabulary | None = None) -> Self:
        """The obligations of an installation; `vocabulary`: its words, where they were read anew.

        Raises DataFileError naming file, line and field: a calendar, catalogue, row or agency that does not exist, a line that means no
        series, a series owed twice.
        """
        vocabulary, calendars = vocabulary or Vocabulary.load(home), load_due_calendars(home)
        path = home / "catalogue" / "obligations.yaml"
        obligations = _read(path)
        items: dict[Debt, dict[tuple[str, str], Item]] = {}
        for index, one in enumerate(obligations):
            _check(path, index, one, vocabulary, calendars)
            count = 0
            for debt, item in _owed(one, vocabulary):
                count += 1
                known = items.setdefault(debt, {})
                if (item.indicator, item.component) in known:
                    raise _wrong(path, index, "periods", f"{item.code}: owed by another line already")
                known[item.indicator, item.component] = item
            if not count:
                raise _wrong(path, index, "periods", "no series of these rows is reported in these periods; correct rows or periods")
        return cls(tuple(obligations), {debt: tuple(found.values()) for debt, found in items.items()}, calendars, vocabulary)

    def debts_of(self, indicator: str, component: str, territory: str) -> list[Debt]:
        """The debts that a figure of this kind and territory pays: those of its province, and those of the whole country."""
        found = self._by_series.get((indicator, component), [])
        if not found:
            return []
        province = self.vocabulary.ancestor(territory, "province")
        return [debt for debt in found if debt.area in (COUNTRY, province)]

    def under(self, calendar: str) -> list[Debt]:
        """The debts of one calendar."""
        return [debt for debt in self.items if debt.calendar == calendar]

    def series(self) -> set[tuple[str, str]]:
        """Indicator and component of everything owed."""
        return set(self._by_series)

    @cached_property
    def _by_series(self) -> dict[tuple[str, str], list[Debt]]:
        found: dict[tuple[str, str], list[Debt]] = {}
        for debt, items in self.items.items():
            for item in items:
                found.setdefault((item.indicator, item.component), []).append(debt)
        return found


def owed_period(spec: SeriesSpec) -> str | None:
    """The shortest period in which a series is reported; None: it is not owed by a due day (readings, entries, subjects, days)."""
    if spec.fold_of("actual") != "reported" or "actual" not in spec.figures or spec.subject_type:
        return None
    known = sorted((p for p in spec.period_types if p in BY_LENGTH), key=BY_LENGTH.index)
    return known[0] if known and BY_LENGTH.index(known[0]) >= BY_LENGTH.index("month") else None


def periods_of(period_type: str, first_ms: int, last_ms: int) -> list[Period]:
    """Periods of a type that lie in part in [first, last] (epoch ms), in order. Raises PeriodError for instants outside the calendar."""
    found: dict[int, Period] = {}
    day, last = local_day(first_ms), local_day(last_ms)
    month = day.year * 12 + day.month - 1
    while month <= last.year * 12 + last.month:
        year, number = divmod(month, 12)
        for of_month in (1, 20):
            try:
                period = period_of(period_type, day_start(date(year, number + 1, of_month)))
            except PeriodError:
                continue  # July and November alone have periods of their type
            if period.end_ms > first_ms and period.start_ms <= last_ms:
                found[period.start_ms] = period
        month += 1
    return [found[start] for start in sorted(found)]


def period_named(text: str) -> Period:
    """The period of `2026-10`, `2026-Q3`, `2026-H1` or `2026`. Raises ValueError for another shape, PeriodError outside the calendar."""
    year, _, part = text.partition("-")
    if not part:
        return period_of("year", day_start(date(int(year), 1, 1)))
    if part in ("H1", "H2"):
        return period_of("half_year", day_start(date(int(year), 1 if part == "H1" else 7, 1)))
    if part.startswith("Q"):
        return period_of("quarter", day_start(date(int(year), 3 * int(part[1:]) - 2, 1)))
    return period_of("month", day_start(date(int(year), int(part), 1)))


def _read(path: Path) -> list[Obligation]:
    found: list[Obligation] = []
    for index, one in enumerate(read_rows(path, "obligations", Obligation)):
        if one.id in {other.id for other in found}:
            raise _wrong(path, index, "id", f"{one.id} given twice")
        found.append(one)
    return found


def _check(path: Path, index: int, one: Obligation, vocabulary: Vocabulary, calendars: dict[str, DueCalendar]) -> None:
    if one.calendar not in calendars:
        raise _wrong(path, index, "calendar", f"{one.calendar} is not in due-calendars.yaml; one of {', '.join(calendars)}")
    if one.catalogue not in vocabulary.catalogues:
        raise _wrong(path, index, "catalogue", f"{one.catalogue} does not exist; one of {', '.join(vocabulary.catalogues)}")
    for field in ("rows", "but"):
        for code in getattr(one, field):
            if vocabulary.indicator(f"{one.catalogue}/{code}") is None:
                raise _wrong(path, index, field, f"{one.catalogue} has no row {code}")
    if one.provider and vocabulary.agency(one.provider) is None:
        raise _wrong(path, index, "provider", f"{one.provider} is not in agencies.yaml")


def _owed(one: Obligation, vocabulary: Vocabulary) -> Iterator[tuple[Debt, Item]]:
    for spec in vocabulary.series_specs():
        row, period = vocabulary.indicator(spec.indicator), owed_period(spec)
        if row is None or period not in one.periods or not one.means(row):
            continue
        provider = one.provider or next(iter(row.providers), "")
        for code, area in _members(provider, vocabulary):
            yield Debt(code, period, one.calendar, area), Item(spec.indicator, spec.component, one.since, one.until)


def _members(code: str, vocabulary: Vocabulary) -> Iterable[tuple[str, str]]:
    """(agency, its territory): the agency itself, or the members of a network. Who answers to one province owes that province's figures,
    any other those of the country."""
    agency = vocabulary.agency(code)
    if agency is None:
        return []
    if agency.kind == "network":
        provinces = [unit.code for unit in vocabulary.territories("province")]
        members = [(f"{code}-{province}", province) for province in provinces if vocabulary.agency(f"{code}-{province}")]
        if members:
            return members
    local = agency.territory_served if len(agency.territory_served) == 1 else (COUNTRY,)
    return [(code, local[0] if vocabulary.ancestor(local[0], "province") == local[0] else COUNTRY)]


def _wrong(path: Path, index: int, field: str, problem: str) -> DataFileError:
    return wrong(path, ("obligations", index, field), problem)
