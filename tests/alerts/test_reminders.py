"""The schedule of reminders and the Monday digest."""

from __future__ import annotations

from datetime import date, datetime

from alerts.reminders import Outstanding, digest_vi, reminder_vi, reminders
from indicators.calendar import WorkingCalendar
from indicators.due import instant_of
from indicators.instant import VIETNAM, to_ms
from transport.settings import HOME

CALENDAR = WorkingCalendar.load(HOME)
ASSIGNED = to_ms(datetime(2026, 10, 1, 14, tzinfo=VIETNAM))


def test_assigned_three_days_one_day_after() -> None:
    found = reminders(ASSIGNED, date(2026, 10, 15), CALENDAR)
    assert [(r.which, r.at) for r in found] == [
        ("assigned", ASSIGNED), ("three_days", instant_of(date(2026, 10, 12))), ("one_day", instant_of(date(2026, 10, 14))),
        ("after", instant_of(date(2026, 10, 16))),
    ]  # fmt: skip


def test_a_day_of_rest_moves_a_reminder_before_it() -> None:
    found = reminders(ASSIGNED, date(2026, 10, 13), CALENDAR)  # three days before: Saturday 10
    assert found[1].at == instant_of(date(2026, 10, 9))


def test_two_reminders_never_come_at_once_and_none_before_the_assignment() -> None:
    found = reminders(ASSIGNED, date(2026, 10, 5), CALENDAR)  # Monday: both fall on Friday 2
    assert [r.which for r in found] == ["assigned", "three_days", "after"]
    assert [r.which for r in reminders(ASSIGNED, date(2026, 10, 1), CALENDAR)] == ["assigned", "after"]
    assert [r.which for r in reminders(ASSIGNED, date(2026, 9, 1), CALENDAR)] == ["assigned"]


def test_words() -> None:
    assert reminder_vi("three_days", date(2026, 10, 15)) == "Còn 3 ngày đến hạn 15/10/2026"


def test_the_digest_counts_and_lists_the_worst() -> None:
    lines = [Outstanding(f"Việc {n:02d}", 2 + n % 3, n % 2 == 0, date(2026, 10, 1 + n)) for n in range(12)]
    title, text = digest_vi("Sở Tài chính thành phố Hải Phòng", lines, to_ms(datetime(2026, 10, 5, 8, tzinfo=VIETNAM)))
    assert title == "Sở Tài chính thành phố Hải Phòng: 12 việc chưa xong, 6 chưa tiếp nhận, 4 quá hạn"
    assert text.splitlines()[0] == "Tính đến ngày 05/10/2026, Sở Tài chính thành phố Hải Phòng còn 12 việc chưa xong."
    assert text.splitlines()[1] == "– Mức 4: Việc 02 (hạn 03/10/2026)"
    assert text.splitlines()[-1] == "… và 2 việc khác."
    assert len(text.splitlines()) == 12
