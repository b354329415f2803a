"""Alerts of reports due and of assigned tasks: who is told, when they are told again before the day, and what the Monday digest says."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from alerts.digest import Digests
from alerts.main import audience_of, story_of
from alerts.story import Story
from indicators.assigned_task import TASK
from indicators.calendar import WorkingCalendar
from indicators.heartbeat import REPORTS
from indicators.rules.cases import instant
from tests.alerts.samples import RIVER
from transport.settings import HOME, Settings

REPORT = replace(
    RIVER, rule="BC-QUA-HAN", series="BC-QUA-HAN|31|agency:DOF-31|period=month|", indicator=REPORTS, component="", territory="31",
    subject_type="agency", subject_id="DOF-31", agency="DOF-31", provider="DOF-31", measure_unit="working_day", comparison="due",
    severity=1, level="", value=Decimal(-3), limit=Decimal(-3), gap=Decimal(0), numerator=Decimal(22),
    denominator=Decimal(30), period_type="month", period_start=instant("2026-09-01"),
    period_end=instant("2026-10-01"), since=instant("2026-09-01"), event_time=instant("2026-09-22"),
    caused_at=instant("2026-09-22"), source_record_id="", missing="vn-1012/A.I.1 vn-1012/A.XIII.7:overdue",
)  # fmt: skip
ORDERED = replace(
    REPORT, rule="NV-DEN-HAN", series="ASSIGNED-TASKS|31|agency:DOF-31|task=7|", indicator=TASK, value=Decimal(-18), numerator=Decimal(1),
    denominator=Decimal(1), period_type="on_decision", period_start=instant("2026-09-01"), period_end=instant("2026-09-26"), missing="",
    event_time=instant("2026-09-01"), caused_at=instant("2026-09-01T09:00"), source_record_id="123/TB.7",
)  # fmt: skip


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.load()


def course(story: Story, until: str) -> list[tuple[str, int]]:
    """Timers let off until an instant: note of the step, and when it was due."""
    found = []
    for alert, timer in story.due(instant(until)):
        effects = story.on_timer(alert, timer, timer.due)
        if effects.event is not None:
            found.append((effects.event.note, timer.due))
    return found


def test_a_report_due_names_what_is_missing_and_tells_the_provider(settings: Settings) -> None:
    story, _ = story_of(settings)
    effects = story.on_condition(REPORT, instant("2026-09-22T00:01"))
    assert effects.event is not None
    assert effects.event.title_vi == (
        "Sở Tài chính thành phố Hải Phòng: còn thiếu 22/30 chỉ tiêu tháng 9/2026, còn 3 ngày làm việc đến hạn"
    )
    for named in ("Chỉ số giá tiêu dùng tháng", "Nhiệm vụ quá hạn chưa hoàn thành", "và 20 chỉ tiêu khác"):
        assert named in effects.event.text_vi
    assert {r.recipient for r in effects.requests} == {"finance_department@31"}  # the office that heads the agency


def test_one_working_day_before_it_is_due_everybody_told_is_told_again(settings: Settings) -> None:
    story, _ = story_of(settings)
    story.on_condition(REPORT, instant("2026-09-22T00:01"))
    assert course(story, "2026-09-24T07:59") == []
    assert course(story, "2026-09-24T08:00") == [("due_soon:1", instant("2026-09-24T08:00"))]
    assert course(story, "2026-09-24T23:00") == []


def test_what_opens_after_its_day_is_not_said_to_be_due_soon(settings: Settings) -> None:
    story, _ = story_of(settings)
    story.on_condition(replace(REPORT, severity=2, value=Decimal(1), caused_at=instant("2026-09-28")), instant("2026-09-28T00:01"))
    assert [note for note, _ in course(story, "2026-10-30") if note.startswith("due_soon")] == []


def test_a_task_is_told_when_assigned_three_days_and_one_day_before(settings: Settings) -> None:
    story, _ = story_of(settings)
    effects = story.on_condition(ORDERED, instant("2026-09-01T09:00"))
    assert effects.event is not None
    assert effects.event.title_vi == "Sở Tài chính thành phố Hải Phòng: nhiệm vụ 123/TB.7 được giao, hạn 25/09/2026"
    assert course(story, "2026-09-25T00:00") == [("due_soon:3", instant("2026-09-22T08:00")), ("due_soon:1", instant("2026-09-24T08:00"))]


def test_a_task_done_in_time_is_reminded_of_no_more(settings: Settings) -> None:
    story, _ = story_of(settings)
    story.on_condition(ORDERED, instant("2026-09-01T09:00"))
    done = replace(ORDERED, transition="cleared", severity=0, severity_before=1, value=Decimal(-5), numerator=Decimal(0), through=99)
    effects = story.on_condition(done, instant("2026-09-18T09:00"))
    assert effects.event is not None
    assert effects.event.title_vi.endswith("nhiệm vụ 123/TB.7 đã hoàn thành")
    assert course(story, "2026-10-30") == []


def test_the_monday_digest_counts_what_is_overdue_with_its_day(settings: Settings) -> None:
    story, _ = story_of(settings)
    monday = instant("2026-09-28")
    late = replace(ORDERED, transition="worse", severity=2, severity_before=1, value=Decimal(1), event_time=monday, caused_at=monday)
    late = replace(late, through=late.through + 1)
    for c, at in ((ORDERED, "2026-09-01T09:00"), (late, "2026-09-28T00:01")):
        story.on_condition(c, instant(at))
    digests = Digests(audience_of(settings), WorkingCalendar.load(HOME))
    (message,) = digests.due(story.alerts.values(), instant("2026-10-05T08:00"))
    assert message.recipient == "finance_department@31"
    assert message.title.endswith("1 việc chưa xong, 1 chưa tiếp nhận, 1 quá hạn")
    assert "(hạn 25/09/2026)" in message.text

