"""Markets and their sessions: when an exchange or the gold shops are open, and how many snapshots are due between two instants.

File: `catalogue/trading-calendars.yaml`, which says what each hour rests on and who confirms it. Instants are epoch ms UTC; hours are
Vietnam's. A trading day is one of the market's weekdays that is no public holiday, no day in lieu, no day off for a swapped one, and no
closure of its own; a rest day that offices work for a swapped one stays closed. Silence of a market's feed is measured against open time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError, Row, read_rows
from indicators.instant import VIETNAM, local_day, to_ms

SessionName = Literal["opening_auction", "continuous", "closing_auction", "after_hours", "shop_hours"]
MINUTE_MS = 60_000
LONGEST_CLOSED = 400
"""Days looked through for a trading day: longer than any holiday; a market without one in it has closed for good."""
_ONE = timedelta(days=1)


class SessionHours(Row):
    """One session of a day as the file holds it, [from, to) in Vietnam's time `HH:MM`."""

    name: SessionName
    begins: time = Field(alias="from")
    ends: time = Field(alias="to")


class Schedule(Row):
    """The sessions of every trading day in [valid_from, valid_to); a break is what lies between two of them."""

    valid_from: date
    valid_to: date | None = None
    sessions: tuple[SessionHours, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        edges = [edge for s in self.sessions for edge in (s.begins, s.ends)]
        if edges != sorted(edges) or any(s.begins >= s.ends for s in self.sessions):
            raise ValueError("sessions: each ends after it begins, and none begins before the one before it ends")
        return self


class Closure(Row):
    """A day on which the market does not open though its weekday would: a failure of its system, a storm, a decision."""

    day: date
    reason_vi: str = Field(min_length=4)
    basis: str = Field(min_length=4)


class TradingCalendarRow(Row):
    """One market as the file holds it. `weekdays`: 1 Monday to 7 Sunday; `to_confirm`: fields that are proposals, for `owner_agency`."""

    code: str = Field(pattern=r"^[A-Z]+$")
    name_vi: str = Field(min_length=3)
    name_en: str = Field(min_length=3)
    owner_agency: str
    basis: str = Field(min_length=4)
    to_confirm: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = Field(min_length=1)
    snapshot_minutes: int = Field(ge=1, le=24 * 60)
    band_percent: Decimal | None = Field(None, gt=0, le=100)
    schedules: tuple[Schedule, ...] = Field(min_length=1)
    closures: tuple[Closure, ...] = ()

    @model_validator(mode="after")
    def _one_schedule_a_day(self) -> Self:
        ordered = sorted(self.schedules, key=lambda s: s.valid_from)
        for one, following in pairwise(ordered):
            if one.valid_to is None or one.valid_to > following.valid_from:
                raise ValueError("schedules: two are valid on one day")
        if not set(self.weekdays) <= set(range(1, 8)):
            raise ValueError("weekdays: 1 (Monday) to 7 (Sunday)")
        return self


class Session(NamedTuple):
    """A session of one day, [start_ms, end_ms)."""

    name: SessionName
    start_ms: int
    end_ms: int


class TradingCalendar:
    """One market over the working-day calendar. Days beyond what that knows (1976–2100) raise CalendarError, instants PeriodError."""

    def __init__(self, row: TradingCalendarRow, calendar: WorkingCalendar) -> None:
        self.row, self._calendar = row, calendar
        self._closures = {closure.day: closure.reason_vi for closure in row.closures}
        self._days: dict[date, tuple[Session, ...]] = {}
        self.step_ms = row.snapshot_minutes * MINUTE_MS

    def sessions(self, day: date) -> tuple[Session, ...]:
        """The sessions of a day in order; none where the market stays closed."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = tuple(self._made(day)) if self.closed_vi(day) is None else ()
        return found

    def closed_vi(self, day: date) -> str | None:
        """Why the market stays closed on a day, in Vietnamese; None on trading days."""
        if day.isoweekday() not in self.row.weekdays:
            return "ngày nghỉ cuối tuần"
        reason = self._calendar.holiday_vi(day) or self._closures.get(day)
        if reason is None and self._schedule(day) is None:
            return "chưa có lịch phiên cho ngày này"
        return reason

    def session_at(self, at: int) -> Session | None:
        """The session an instant lies in; None while the market is closed."""
        return next((s for s in self.sessions(local_day(at)) if s.start_ms <= at < s.end_ms), None)

    def is_open(self, at: int) -> bool:
        """Is a session running at an instant?"""
        return self.session_at(at) is not None

    def next_opening(self, at: int) -> int | None:
        """The first instant after `at` at which the market opens after a break or a night; None where it has closed for good."""
        return next((start for start, _ in self._stretches(at) if start > at), None)

    def previous_day(self, day: date) -> date | None:
        """The last trading day before `day`; None where there is none within LONGEST_CLOSED days."""
        return next((d for n in range(1, LONGEST_CLOSED) if self.sessions(d := day - n * _ONE)), None)

    def closes(self, day: date) -> int | None:
        """The end of the day's last session; None where the market stays closed."""
        found = self.sessions(day)
        return found[-1].end_ms if found else None

    def open_ms(self, start: int, end: int) -> int:
        """How long the market is open within [start, end), in ms."""
        return sum(min(until, end) - max(since, start) for since, until in self._stretches(start, end))

    def open_until(self, start: int, length: int) -> int | None:
        """The instant at which the market has been open for `length` ms since `start`; None where it never will."""
        for since, until in self._stretches(start):
            begins = max(since, start)
            if until - begins >= length:
                return begins + length
            length -= until - begins
        return None

    def snapshots(self, start: int, end: int) -> Iterator[int]:
        """The instants in (start, end] at which a snapshot is due: every `step_ms` after an opening, the end of the stretch included."""
        for since, until in self._stretches(start - self.step_ms, end + 1):
            for at in range(since + self.step_ms, until + self.step_ms, self.step_ms):
                if start < (due := min(at, until)) <= end:
                    yield due

    def takes(self, at: int) -> bool:
        """May a snapshot bear this instant? In a session, or within one step of its end: the last one tells how it closed."""
        return self.is_open(at) or any(s.end_ms <= at <= s.end_ms + self.step_ms for s in self.sessions(local_day(at)))

    def _stretches(self, start: int, end: int | None = None) -> Iterator[tuple[int, int]]:
        """Time without a break, as [start, end), that ends after `start` and begins before `end`; without `end` up to LONGEST_CLOSED days
        after the last stretch found."""
        day, quiet = local_day(start), 0
        last = local_day(end) if end is not None else None
        while (day <= last) if last is not None else quiet < LONGEST_CLOSED:
            quiet += 1
            for since, until in _joined(self.sessions(day)):
                quiet = 0
                if until > start and (end is None or since < end):
                    yield since, until
            day += _ONE

    def _schedule(self, day: date) -> Schedule | None:
        ordered = sorted(self.row.schedules, key=lambda s: s.valid_from)
        at = bisect_right([s.valid_from for s in ordered], day) - 1
        found = ordered[at] if at >= 0 else None
        return found if found is not None and (found.valid_to is None or day < found.valid_to) else None

    def _made(self, day: date) -> Iterator[Session]:
        schedule = self._schedule(day)
        for one in schedule.sessions if schedule else ():
            start, end = (to_ms(datetime.combine(day, edge, VIETNAM)) for edge in (one.begins, one.ends))
            yield Session(one.name, start, end)


def _joined(sessions: tuple[Session, ...]) -> list[tuple[int, int]]:
    """Sessions that follow one another without a break as one stretch."""
    found: list[tuple[int, int]] = []
    for session in sessions:
        if found and found[-1][1] == session.start_ms:
            found[-1] = (found[-1][0], session.end_ms)
        else:
            found.append((session.start_ms, session.end_ms))
    return found


def read_trading_calendars(home: Path) -> dict[str, TradingCalendar]:
    """The markets of the installation at `home` by code; none without the file. Raises DataFileError naming file, line and field."""
    path = home / "catalogue" / "trading-calendars.yaml"
    if not path.exists():
        return {}
    calendar = WorkingCalendar.load(home)
    found: dict[str, TradingCalendar] = {}
    for index, row in enumerate(read_rows(path, "calendars", TradingCalendarRow)):
        if row.code in found:
            raise DataFileError(path, f"calendar {row.code} given twice", field=f"calendars.{index}.code")
        found[row.code] = TradingCalendar(row, calendar)
    return found
