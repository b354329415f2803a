"""Rules of emergencies in stage 1: in force from the opening to the close, for the area alone, by event time, whatever the chunks and
whenever the inputs are folded."""

from __future__ import annotations

from decimal import Decimal

import pytest

from indicators.emergency import Area, Step
from indicators.observation import Observation
from indicators.period import period_of
from indicators.rule import Rule, RuleBook
from stream_processors.expected import expected_series
from tests.stream_processors.offline import OfflineContext
from tests.stream_processors.test_stage1_against_oracle import base
from tests.stream_processors.test_stage1_rules import MINUTE, START, Works, level
from transport.emergencies import LEAD_MS, EmergencyBook, step_key
from transport.partitioner import partition_of
from transport.settings import HOME
from transport.topics import GROUPS

BOOK = RuleBook.load(HOME)
RAIN, BEDS = "KC-MUA-DON-DAP", "KC-GIUONG-ICU-CAN"
STATION, OUTSIDE = "MUA-HAIPHONG", "MUA-SAPA"
OPEN, CLOSE = START + 60 * MINUTE, START + 180 * MINUTE


def steps(
    *, drill: bool = False, close: int = CLOSE, scenario: str = "storm-flood", area: tuple[str, ...] = ("31",)
) -> EmergencyBook:
    """A book with one emergency of Hải Phòng in effect from OPEN until `close` (0: open still)."""
    book = EmergencyBook()
    opened = Step(id="S1", emergency="E1", did="open", at=0, actor="lanhdao", why="bão", document="01", scenario=scenario, exercise=drill,
                  phase="response", area=Area(area))  # fmt: skip
    ended = Step(id="S2", emergency="E1", did="close", at=0, actor="lanhdao", why="tan")
    for step, at in ((opened, OPEN), (ended, close)):
        if at:
            book.take(step_key(step), step.body(), at - LEAD_MS)
    return book


def works_of(rule: str, book: EmergencyBook, key: str, patch: pytest.MonkeyPatch) -> Works:
    context = OfflineContext(RuleBook([BOOK.rules[rule]]))
    context.emergencies.book, context.emergencies.seen_at = book, CLOSE - MINUTE
    return Works(context, "emergency", partition_of(key.encode(), GROUPS["emergency"]), patch)


def rain(minute: int, value: int, station: str = STATION, lag: int = 0) -> tuple[int, Observation]:
    at = START + minute * MINUTE
    o = base(event_time=at, component="rain", concept="rain", measure_unit="mm", subject_id=station,
             territory="31" if station == STATION else "15", source_record_id=f"{station}{minute}", value=Decimal(value))  # fmt: skip
    return at + lag * MINUTE, o


KEY = rain(0, 0)[1].series().key()
HEAVY = [rain(50, 45), rain(70, 25), rain(80, 45), rain(170, 44), rain(190, 44), rain(200, 44)]
SAID = [("opened", 3, 25), ("worse", 4, 45), ("cleared", 0, 44)]


@pytest.mark.parametrize(("chunk", "cut"), [(1, 0), (2, 3), (100, 0), (100, 5)])
def test_a_rule_judges_from_the_opening_until_the_close(monkeypatch: pytest.MonkeyPatch, chunk: int, cut: int) -> None:
    works = works_of(RAIN, steps(), KEY, monkeypatch)
    works.bring(HEAVY[:cut], chunk)
    if cut:
        works.restart()
    works.bring(HEAVY[cut:], chunk)
    assert [(t, s, int(v)) for t, s, _, v in works.steps()] == SAID
    assert {row["mode"] for row in works.said} == {"live"}
    assert works.said[-1]["comparison"] == "emergency"
    assert len({row["alert_id"] for row in works.said}) == 1


def test_a_running_worker_takes_up_what_is_opened_widened_and_closed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    book, whole = EmergencyBook(), steps()
    works = works_of(RAIN, book, KEY, monkeypatch)
    works.bring([rain(50, 45)])
    other = Step(id="S1", emergency="E1", did="open", at=0, actor="lanhdao", why="bão", document="01", scenario="storm-flood",
                 phase="response", area=Area(("15",)))  # fmt: skip
    book.take(step_key(other), other.body(), OPEN - LEAD_MS)
    works.bring([rain(70, 25)])
    assert works.said == []
    widened = Step(id="S3", emergency="E1", did="widen", at=0, actor="lanhdao", why="lan rộng", area=Area(("31",)))
    book.take(step_key(widened), widened.body(), START + 80 * MINUTE - LEAD_MS)
    works.bring([rain(90, 26)])
    ended = whole.emergencies["E1"].steps[1].step
    book.take(step_key(ended), ended.body(), CLOSE - LEAD_MS)
    works.bring([rain(190, 44)])
    said = [(t, s, int(v)) for t, s, _, v in works.steps()]
    assert said == [("opened", 3, 26), ("cleared", 0, 26)], "the end clears, with the value last judged"


def test_outside_the_area_and_without_an_emergency_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = [rain(minute, 60, OUTSIDE) for minute in (50, 70, 90)]
    works = works_of(RAIN, steps(close=0), outside[0][1].series().key(), monkeypatch)
    works.bring(outside)
    assert works.said == []
    for book in (EmergencyBook(), steps(close=0, scenario="epidemic")):
        works = works_of(RAIN, book, KEY, monkeypatch)
        works.bring(HEAVY)
        assert works.said == []


def test_readings_told_late_or_ahead_are_judged_by_what_was_in_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the emergency that comes after its close counts; one whose clock runs ahead is not judged by an opening still to come."""
    works = works_of(RAIN, steps(), KEY, monkeypatch)
    works.bring([rain(100, 30, lag=120)])
    assert [t for t, *_ in works.steps()] == ["opened"]
    works = works_of(RAIN, steps(), KEY, monkeypatch)
    works.bring([rain(70, 30, lag=-30)])
    assert works.said == []


def test_a_drill_says_so_in_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    works = works_of(RAIN, steps(drill=True), KEY, monkeypatch)
    works.bring(HEAVY)
    assert [row["transition"] for row in works.said] == ["opened", "worse", "cleared"]
    assert {row["mode"] for row in works.said} == {"exercise"}


def test_where_no_reading_comes_any_more_the_end_clears_what_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    works = works_of(RAIN, steps(), KEY, monkeypatch)
    works.bring(HEAVY[:4])
    due = works.stage.due_at()
    assert due is not None
    assert due <= works.clock.now + 2, "the lane looks again though nothing comes in"
    works.wait(2)
    assert works.steps()[-1][0] == "worse", "the end is not known yet"
    works.context.emergencies.seen_at = CLOSE
    works.stage.rules.at_end = lambda position: False  # type: ignore[method-assign]
    works.wait(2)
    assert works.steps()[-1][0] == "worse", "inputs of the emergency may lie unread"
    works.stage.rules.at_end = lambda position: True  # type: ignore[method-assign]
    works.wait(2)
    assert (works.said[-1]["transition"], works.said[-1]["event_time"], works.said[-1]["alert_id"]) == (
        "cleared", CLOSE, works.said[0]["alert_id"])  # fmt: skip
    works.restart()
    works.bring(HEAVY[4:])
    works.wait(2)
    assert [(t, s, int(v)) for t, s, _, v in works.steps()] == SAID


def beds(hour: int, value: int) -> tuple[int, Observation]:
    period = period_of("hour", START + hour * 60 * MINUTE)
    at = period.end_ms - 1
    return at, base(
        event_time=at, indicator="guide-7146/T14.ICU", component="free", concept="icu_beds_free", measure_unit="bed", period_type="hour",
        period_start=period.start_ms, period_end=period.end_ms, subject_type="hospital", subject_id="BV-31-01", territory="31",
        source_record_id=f"B{hour}", value=Decimal(value), ingested_at=at + MINUTE,
    )  # fmt: skip


@pytest.mark.parametrize(("chunk", "cut"), [(1, 0), (100, 0), (2, 3), (1, 4)])
def test_reported_series_obey_the_same_spans(monkeypatch: pytest.MonkeyPatch, chunk: int, cut: int) -> None:
    course = [beds(0, 1), beds(1, 4), beds(2, 1), beds(3, 1), beds(4, 1)]
    works = works_of(BEDS, steps(scenario="epidemic"), course[0][1].series().key(), monkeypatch)
    works.bring(course[:cut], chunk)
    if cut:
        works.restart()
    works.bring(course[cut:], chunk)
    assert [(t, s) for t, s, *_ in works.steps()] == [("opened", 3), ("worse", 4), ("cleared", 0)]
    assert works.said[-1]["comparison"] == "emergency"


QUIET = "KC-TRAM-IM-LANG"
SILENCE = [("opened", 3, "0.66"), ("worse", 4, "2")]
"""Hours since the opening, at the first record after half an hour and after two."""


def silent_works(patch: pytest.MonkeyPatch, close: int, *, drill: bool = False) -> tuple[Works, str, str]:
    """A partition with two gauges, and an emergency of the whole country from OPEN on."""
    context = OfflineContext(RuleBook([BOOK.rules[QUIET]]))
    found: dict[int, list[str]] = {}
    for series, _ in expected_series(BOOK.rules[QUIET], context.vocabulary):
        found.setdefault(partition_of(series.key().encode(), GROUPS["emergency"]), []).append(series.subject_id)
    partition, (one, other, *_) = max(found.items(), key=lambda item: len(item[1]))
    context.emergencies.book, context.emergencies.seen_at = steps(close=close, drill=drill, area=("VN",)), START
    return Works(context, "emergency", partition, patch), one, other


def gauges(works: Works, one: str, other: str) -> list[tuple[int, Observation]]:
    """One speaks every twenty minutes of ten hours, the other until 00:20 and again at 08:00."""
    spoken = [(minute, name) for minute in range(0, 600, 20) for name in (one, other) if name == one or minute <= 20 or minute == 480]
    return [level(works.context, name, minute) for minute, name in spoken]


@pytest.mark.parametrize(("chunk", "cut"), [(1, 0), (5, 7), (1000, 0), (3, 13)])
def test_silence_is_judged_at_the_frequency_of_the_scenario_while_it_is_open(
    monkeypatch: pytest.MonkeyPatch, chunk: int, cut: int
) -> None:
    """The other is silent before the opening too: it counts from the opening. Its next value comes after the end: that clears."""
    works, one, other = silent_works(monkeypatch, START + 240 * MINUTE)
    told = gauges(works, one, other)
    works.bring(told[:cut], chunk)
    if cut:
        works.restart()
    works.bring(told[cut:], chunk)
    assert [(t, s, str(v)) for t, s, who, v in works.steps() if who == other] == [*SILENCE, ("cleared", 0, "2")]
    assert {who for _, _, who, _ in works.steps()} == {other}
    assert [row["event_time"] for row in works.said] == [OPEN + 40 * MINUTE, OPEN + 120 * MINUTE, START + 240 * MINUTE]
    assert works.said[-1]["comparison"] == "emergency"


def test_a_silence_that_the_end_cleared_is_not_cleared_again_by_a_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    works, one, other = silent_works(monkeypatch, START + 240 * MINUTE)
    told = gauges(works, one, other)
    works.bring([(at, o) for at, o in told if at < START + 240 * MINUTE])
    works.context.emergencies.seen_at = START + 240 * MINUTE
    works.wait(2)
    assert [row["transition"] for row in works.said] == ["opened", "worse", "cleared"]
    works.bring([(at, o) for at, o in told if at >= START + 240 * MINUTE])
    works.wait(2)
    assert [row["transition"] for row in works.said] == ["opened", "worse", "cleared"]


def test_a_silence_of_a_drill_says_so_and_a_voice_within_it_clears(monkeypatch: pytest.MonkeyPatch) -> None:
    works, one, other = silent_works(monkeypatch, 0, drill=True)
    opened, works.context.emergencies.book = works.context.emergencies.book, EmergencyBook()
    told = gauges(works, one, other)
    works.bring([(at, o) for at, o in told if at < OPEN])
    works.context.emergencies.book = opened
    works.bring([(at, o) for at, o in told if at >= OPEN])
    mine = [row for row in works.said if row["subject_id"] == other]
    assert [row["transition"] for row in mine[:3]] == ["opened", "worse", "cleared"]
    assert {row["mode"] for row in mine} == {"exercise"}
    assert mine[2]["comparison"] == "absence"


def test_a_rule_of_emergencies_is_a_threshold_judged_at_once() -> None:
    plain = BOOK.rules[RAIN].model_dump(by_alias=True)
    plain["levels"] = [{"severity": 3, "raise_at": "20", "clear_at": "10", "periods": 2}]
    with pytest.raises(ValueError, match="judged at once"):
        Rule.model_validate(plain)
