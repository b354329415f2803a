"""Sessions of markets: hours, breaks, Tết, swapped days, closures, and what open time makes of silence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError
from indicators.instant import day_start
from indicators.rules.cases import instant
from indicators.trading_calendar import MINUTE_MS, TradingCalendar, TradingCalendarRow, read_trading_calendars
from transport.settings import HOME

MARKETS = read_trading_calendars(HOME)
HOSE, HNX, UPCOM, SJC = (MARKETS[code] for code in ("HOSE", "HNX", "UPCOM", "SJC"))
HOUR = 60 * MINUTE_MS
instants = st.integers(day_start(date(2026, 1, 25)), day_start(date(2026, 3, 5)))


@pytest.mark.parametrize(
    ("at", "hose", "hnx", "upcom"),
    [
        ("2026-03-20T08:59", None, None, None), ("2026-03-20T09:00", "opening_auction", "continuous", "continuous"),
        ("2026-03-20T09:15", "continuous", "continuous", "continuous"), ("2026-03-20T11:30", None, None, None),
        ("2026-03-20T12:59", None, None, None), ("2026-03-20T14:30", "closing_auction", "closing_auction", "continuous"),
        ("2026-03-20T14:45", "after_hours", "after_hours", "continuous"), ("2026-03-20T15:00", None, None, None),
    ],
)  # fmt: skip
def test_the_session_of_an_instant(at: str, hose: str | None, hnx: str | None, upcom: str | None) -> None:
    found = [market.session_at(instant(at)) for market in (HOSE, HNX, UPCOM)]
    assert [session.name if session else None for session in found] == [hose, hnx, upcom]


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-03-21", "ngày nghỉ cuối tuần"), ("2026-02-17", "Tết Nguyên Đán"), ("2026-09-02", "Quốc khánh"),
        ("2026-01-02", "Nghỉ hoán đổi (làm bù ngày 10/01/2026)"), ("2026-01-10", "ngày nghỉ cuối tuần"),
        ("2025-04-26", "ngày nghỉ cuối tuần"),
        ("2020-12-31", "chưa có lịch phiên cho ngày này"), ("2026-03-20", None),
    ],
)  # fmt: skip
def test_why_an_exchange_stays_closed_a_weekend_worked_for_a_swapped_day_among_it(day: str, reason: str | None) -> None:
    assert HOSE.closed_vi(date.fromisoformat(day)) == reason


def test_offices_work_on_the_swapped_saturday_on_which_the_exchange_is_closed() -> None:
    assert WorkingCalendar.load(HOME).is_working_day(date(2026, 1, 10))
    assert not HOSE.sessions(date(2026, 1, 10))
    assert SJC.is_open(instant("2026-01-10T10:00"))  # shops are open on Saturdays


def test_the_next_opening_is_after_the_break_the_night_the_weekend_and_tet() -> None:
    pairs = [("2026-03-20T10:00", "2026-03-20T13:00"), ("2026-03-20T13:00", "2026-03-23T09:00"), ("2026-03-20T16:00", "2026-03-23T09:00"),
             ("2026-02-13T15:00", "2026-02-23T09:00")]  # fmt: skip
    assert [HOSE.next_opening(instant(at)) for at, _ in pairs] == [instant(opening) for _, opening in pairs]
    assert HOSE.previous_day(date(2026, 2, 23)) == date(2026, 2, 13)
    assert HOSE.previous_day(date(2026, 3, 23)) == date(2026, 3, 20)


def test_open_time_stands_still_while_the_market_is_closed() -> None:
    assert HOSE.open_ms(instant("2026-03-20T09:00"), instant("2026-03-20T15:00")) == 4 * HOUR + HOUR // 2
    assert HOSE.open_ms(instant("2026-03-20T11:27"), instant("2026-03-20T13:03")) == 6 * MINUTE_MS
    assert HOSE.open_ms(instant("2026-02-13T15:00"), instant("2026-02-23T09:00")) == 0
    assert HOSE.open_until(instant("2026-02-13T14:57"), 15 * MINUTE_MS) == instant("2026-02-23T09:12")


def test_snapshots_due_are_ninety_a_day_and_none_at_night() -> None:
    day = list(HOSE.snapshots(instant("2026-03-20T00:00"), instant("2026-03-21T00:00")))
    assert (len(day), day[0], day[-1]) == (90, instant("2026-03-20T09:03"), instant("2026-03-20T15:00"))
    assert all(HOSE.takes(at) for at in day)
    assert list(HOSE.snapshots(instant("2026-03-20T11:27"), instant("2026-03-20T13:05"))) == [
        instant("2026-03-20T11:30"), instant("2026-03-20T13:03"),
    ]  # fmt: skip
    assert list(HOSE.snapshots(instant("2026-03-20T15:00"), instant("2026-03-23T09:00"))) == []


def test_the_last_snapshot_of_a_stretch_may_come_within_a_step_of_its_end() -> None:
    taken = [HOSE.takes(instant(f"2026-03-20T{clock}")) for clock in ("08:59", "09:00", "11:33", "11:34", "15:03", "15:04")]
    assert taken == [False, True, True, False, True, False]


@settings(max_examples=60, deadline=None)
@given(instants, instants, instants)
def test_open_time_adds_up_and_runs_until_where_it_ends(a: int, b: int, c: int) -> None:
    first, middle, last = sorted((a, b, c))
    assert HOSE.open_ms(first, middle) + HOSE.open_ms(middle, last) == HOSE.open_ms(first, last)
    spent = HOSE.open_ms(first, last)
    until = HOSE.open_until(first, spent)
    assert until is not None
    assert until <= last or spent == 0
    assert HOSE.open_ms(first, until) == spent
    assert list(HOSE.snapshots(first, middle)) + list(HOSE.snapshots(middle, last)) == list(HOSE.snapshots(first, last))


def test_a_market_may_change_its_hours_close_for_a_day_and_for_good() -> None:
    hours = [{"name": "continuous", "from": "09:00", "to": "10:00"}]
    longer = [{"name": "continuous", "from": "09:00", "to": "12:00"}]
    row = {
        "code": "X", "name_vi": "Chợ thử", "name_en": "Test", "owner_agency": "MOF", "basis": "thử nghiệm", "weekdays": [1, 2, 3, 4, 5],
        "snapshot_minutes": 3, "closures": [{"day": "2026-03-19", "reason_vi": "sự cố hệ thống", "basis": "thông báo"}],
        "schedules": [{"valid_from": "2026-03-18", "valid_to": "2026-03-20", "sessions": hours},
                      {"valid_from": "2026-03-20", "valid_to": "2026-03-24", "sessions": longer}],
    }  # fmt: skip
    market = TradingCalendar(TradingCalendarRow.model_validate(row), WorkingCalendar.load(HOME))
    open_hours = [market.open_ms(day_start(date(2026, 3, d)), day_start(date(2026, 3, d + 1))) // HOUR for d in range(17, 26)]
    assert open_hours == [0, 1, 0, 3, 0, 0, 3, 0, 0]
    assert market.closed_vi(date(2026, 3, 19)) == "sự cố hệ thống"
    assert market.next_opening(instant("2026-03-24T00:00")) is None
    assert market.open_until(instant("2026-03-23T11:00"), 2 * HOUR) is None


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('to: "09:15"', 'to: "09:30"', "calendars.0.schedules.0"), ("weekdays: [1, 2, 3, 4, 5]", "weekdays: [0]", "calendars.0"),
        ("code: HNX", "code: HOSE", "calendars.1.code"),
        ("valid_from: 2021-01-01", "valid_from: soon", "calendars.0.schedules.0.valid_from"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_with_its_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "working-days.yaml").write_text("swaps: []\n", encoding="utf-8")
    text = (HOME / "catalogue" / "trading-calendars.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "trading-calendars.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataFileError, match=field.replace(".", r"\.")):
        read_trading_calendars(tmp_path)


def test_an_installation_without_markets_has_none(tmp_path: Path) -> None:
    assert read_trading_calendars(tmp_path) == {}
