"""Wall time, business time over Vietnamese holidays, quiet nights, the Monday of the digest."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from pydantic import ValidationError

from alerts.clocks import QuietHours, monday_digest
from indicators.calendar import WorkingCalendar
from indicators.due import due_after, instant_of
from indicators.instant import VIETNAM, to_ms
from indicators.rules.policy import Span
from transport.settings import HOME

CALENDAR = WorkingCalendar.load(HOME)
NIGHT = QuietHours(time(22), time(6, 30))


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))


@pytest.mark.parametrize(("start", "span", "due"), [
    ("2026-10-02 16:30", Span(after=timedelta(minutes=30)), "2026-10-02 17:00"),
    ("2026-10-02 16:30", Span(after=timedelta(days=1), clock="business"), "2026-10-05 16:30"),  # Friday → Monday
    ("2026-10-03 22:10", Span(after=timedelta(days=1), clock="business"), "2026-10-06 08:00"),  # Saturday: begins on Monday at eight
    ("2026-10-03 22:10", Span(after=timedelta(0), clock="business"), "2026-10-05 08:00"),
    ("2026-02-13 09:00", Span(after=timedelta(days=1), clock="business"), "2026-02-23 09:00"),  # over Tết Bính Ngọ
])  # fmt: skip
def test_when_something_falls_due(start: str, span: Span, due: str) -> None:
    assert due_after(at(start), span, CALENDAR) == at(due)


def test_business_time_is_whole_days() -> None:
    with pytest.raises(ValidationError, match="whole days"):
        Span(after=timedelta(hours=36), clock="business")


@pytest.mark.parametrize(("now", "opens"), [
    ("2026-10-02 21:59", "2026-10-02 21:59"), ("2026-10-02 22:00", "2026-10-03 06:30"), ("2026-10-03 06:29", "2026-10-03 06:30"),
    ("2026-10-03 06:30", "2026-10-03 06:30"), ("2026-10-03 00:00", "2026-10-03 06:30"),
])  # fmt: skip
def test_quiet_hours_over_midnight(now: str, opens: str) -> None:
    assert NIGHT.opens_at(at(now)) == at(opens)


def test_quiet_hours_within_a_day_and_none() -> None:
    noon = QuietHours(time(12), time(13))
    assert noon.opens_at(at("2026-10-02 12:30")) == at("2026-10-02 13:00")
    never = QuietHours(time(0), time(0))
    assert never.opens_at(at("2026-10-02 00:00")) == at("2026-10-02 00:00")


def test_the_digest_comes_on_monday_or_after_the_holiday() -> None:
    assert monday_digest(at("2026-10-08 12:00"), CALENDAR) == instant_of(date(2026, 10, 5))
    assert monday_digest(at("2026-04-28 12:00"), CALENDAR) == instant_of(date(2026, 4, 28))  # Monday 27: holiday of the Hùng kings in lieu
    assert monday_digest(at("2026-02-18 12:00"), CALENDAR) == instant_of(date(2026, 2, 16))  # a week of Tết: Monday all the same
