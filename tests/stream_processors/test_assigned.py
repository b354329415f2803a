"""Assigned tasks in the running stages: one alert a task from the order to the end, and the count of overdue ones of each agency; the same
whatever the chunks and after a restart."""

from __future__ import annotations

from decimal import Decimal

import pytest

from indicators.assigned_task import NO_DUE_MS, TASK
from indicators.instant import HOUR_MS, local_day
from indicators.observation import Observation
from indicators.rule import RuleBook
from indicators.rules.cases import instant
from tests.stream_processors.offline import OfflineContext
from tests.stream_processors.test_dues import Platform, Sent, days
from transport.settings import HOME

BOOK = RuleBook.load(HOME)
EACH, COUNT = "NV-DEN-HAN", "NV-QUA-HAN"
AGENCY = "DOF-31"


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    """The shipped rules, with the clock going to one agency alone: a day is then two operands."""
    context = OfflineContext(RuleBook([BOOK.rules[EACH], BOOK.rules[COUNT]]))
    context.dues.of_tasks = [to for to in context.dues.of_tasks if f"agency:{AGENCY}|" in to.result]
    return context


def task(identity: str, assigned: str, due: str, done: str = "", revision: int = 0, status: str = "official") -> Observation:
    """A task of the agency."""
    begins, at = instant(assigned), instant(done or assigned)
    ends = instant(due) + 24 * HOUR_MS if due else begins + NO_DUE_MS
    return Observation(
        indicator=TASK, concept="assigned_tasks_open", measure_unit="task", period_type="on_decision", period_start=begins, period_end=ends,
        event_time=at, ingested_at=at, territory="31", agency=AGENCY, provider="OPC-31",
        source_system="tasks", source_record_id=identity, dimensions=(("agency", AGENCY),), status=status, revision=revision,
        value=None if status == "deleted" else Decimal(0 if done else 1),
    )  # fmt: skip


def autumn() -> Sent:
    """Task a: done three days late. b: extended before its day, done in time. c: withdrawn. d: without a due day."""
    sent = [
        (instant("2026-09-01T09:00"), task("a", "2026-09-01", "2026-09-25")),
        (instant("2026-09-01T09:00"), task("b", "2026-09-01", "2026-09-25")),
        (instant("2026-09-01T09:01"), task("c", "2026-09-01", "2026-09-25")),
        (instant("2026-09-01T09:02"), task("d", "2026-09-01", "")),
        (instant("2026-09-24T09:00"), task("b", "2026-09-01", "2026-10-30", revision=1)),
        (instant("2026-09-24T09:00"), task("c", "2026-09-01", "2026-09-25", revision=1, status="deleted")),
        (instant("2026-09-30T09:00"), task("a", "2026-09-01", "2026-09-25", done="2026-09-30", revision=1)),
        (instant("2026-09-30T09:01"), task("b", "2026-09-01", "2026-10-30", done="2026-09-30", revision=2)),
        (instant("2026-09-30T09:02"), task("a", "2026-09-01", "2026-09-25")),  # an old version once more
    ]
    return sorted([*sent, *days("2026-08-31", "2026-09-02"), *days("2026-09-23", "2026-10-02")], key=lambda pair: pair[0])


TOLD = [
    (EACH, "a", "opened", 1, "01"), (EACH, "b", "opened", 1, "01"), (EACH, "c", "opened", 1, "01"),
    (EACH, "c", "corrected", 0, "24"), (COUNT, "", "opened", 1, "26"), (EACH, "a", "worse", 2, "28"),
    (EACH, "a", "cleared", 0, "30"), (EACH, "b", "cleared", 0, "30"), (COUNT, "", "cleared", 0, "30"),
]  # fmt: skip
"""Rule, task, transition, severity, day of September. 25 September 2026 is a Friday; the count is of calendar days, a task's of working
days."""


def told(platform: Platform) -> list[tuple[str, str, str, int, str]]:
    return [
        (row["rule"], row["source_record_id"], row["transition"], row["severity"], f"{local_day(row['event_time']).day:02}")
        for row in platform.said
    ]


@pytest.mark.parametrize(("chunk", "restarts"), [(1, True), (5, False)])
def test_one_alert_a_task_and_the_count_of_overdue_ones(
    context: OfflineContext, monkeypatch: pytest.MonkeyPatch, chunk: int, restarts: bool
) -> None:
    platform = Platform(context, monkeypatch)
    for n, (appended, o) in enumerate(autumn()):
        platform.send(o, appended)
        platform.run(chunk)
        if restarts and n % 4 == 1:
            platform.restart()
    assert sorted(told(platform)) == sorted(TOLD)
    assert {row["agency"] for row in platform.said} == {AGENCY}
    assert len({row["alert_id"] for row in platform.said}) == 4


def test_a_fresh_run_tells_the_same_story_of_each_task(context: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a task that was done, a run that begins today knows the whole course."""
    platform = Platform(context, monkeypatch)
    for appended, o in autumn():
        platform.send(o, appended)
    platform.run()
    assert [step[2:] for step in told(platform) if step[:2] == (EACH, "a")] == [
        ("opened", 1, "01"), ("worse", 2, "28"), ("cleared", 0, "30")
    ]  # fmt: skip


def test_a_task_that_comes_in_overdue_is_news_of_the_day_it_came(context: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform(context, monkeypatch)
    came = instant("2026-10-02T09:00")
    for appended, o in [*days("2026-10-01", "2026-10-02")[:3], (came, task("a", "2026-09-01", "2026-09-25"))]:
        platform.send(o, appended)
    platform.run()
    assert [step for step in told(platform) if step[0] == EACH] == [(EACH, "a", "opened", 1, "01"), (EACH, "a", "worse", 2, "28")]
    assert {row["caused_at"] for row in platform.said if row["rule"] == EACH} == {came}
