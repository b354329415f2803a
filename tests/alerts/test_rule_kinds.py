"""Evaluators of rules: the last word does not depend on the order of arrival (P1), nothing changes between clear and raise (P5), paths of
cumulative plans only rise (P8), states survive being written down, clocks say when to ask again."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.calendar import WorkingCalendar
from indicators.instant import DAY_MS, HOUR_MS, day_start
from indicators.period import Period, period_of
from indicators.rule import Level, Rule, RuleBook
from indicators.rules.cases import instant
from indicators.rules.due_rule import ABSENT, NOTHING_SAID, DueRule, Presence, load_due_calendars
from indicators.rules.finding import Finding
from indicators.rules.kinds import Pacing
from indicators.rules.ladder import Ladder, Number, Step
from indicators.rules.rank_rule import RankRule, RankState
from indicators.rules.series_rule import KEPT, Reading, SeriesRule, SeriesState
from indicators.rules.silence import SilenceRule, SilenceState
from transport.settings import HOME

BOOK = RuleBook.load(HOME)
MONTHS = [period_of("month", instant(f"{year}-{month:02}")) for year in (2025, 2026) for month in range(1, 13)]
CALENDAR = WorkingCalendar.load(HOME)


def reading(period: Period, value: str | None, revision: int = 0, status: str = "official") -> Reading:
    return Reading(period, None if value is None else Decimal(value), status, revision, period.end_ms - 1, 2026)


def fold(rule: Rule, readings: list[Reading]) -> tuple[SeriesState, list[Finding]]:
    machine, state, found = SeriesRule(rule), SeriesState(), []
    for one in readings:
        state, finding = machine.step(state, one)
        found += [finding] if finding else []
    return state, found


NAMES = ("TN-SUC-MUA", "DT-FDI-PHU-THUOC", "XH-GIAM-LIEN-TIEP", "NS-THU-GIAM-CUNG-KY", "KH-CHI-TIEU-NGUY-CO")
JUDGED = [BOOK.rules[name] for name in NAMES]
CHANGED = JUDGED[1].model_copy(update={"period": "month"})
values = st.lists(st.tuples(st.integers(0, 23), st.decimals("0.9", "70", places=2)), min_size=1, max_size=14)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([JUDGED[0], CHANGED, *JUDGED[2:]]), values, st.randoms(use_true_random=False))
def test_any_order_of_arrival_ends_in_the_same_standing(rule: Rule, drawn: list[tuple[int, Decimal]], order: random.Random) -> None:
    """P1, with revisions that arrive before what they revise."""
    scale = Decimal(10**9) if rule.kind == "year_on_year" else Decimal(1)
    revisions: dict[int, int] = {}
    readings = []
    for month, value in drawn:
        revisions[month] = revisions.get(month, -1) + 1
        readings.append(reading(MONTHS[month], str(value * scale), revisions[month]))
    shuffled = list(readings)
    order.shuffle(shuffled)
    (one, found), (other, _) = fold(rule, readings), fold(rule, shuffled)
    assert one.said.severity == other.said.severity
    assert dict(one.readings) == dict(other.readings)
    severity = 0
    for finding in found:  # a chain without a gap: each begins where the one before ended
        assert finding.severity_before == severity
        severity = finding.severity
    again, nothing = fold(rule, readings)
    assert (again, len(nothing)) == (one, len(found))


@settings(max_examples=40, deadline=None)
@given(values)
def test_a_state_is_found_again(drawn: list[tuple[int, Decimal]]) -> None:
    rule = JUDGED[2]
    state, _ = fold(rule, [reading(MONTHS[month], str(value), n) for n, (month, value) in enumerate(drawn)])
    machine = SeriesRule(rule)
    assert machine.state_of(json.loads(json.dumps(state.content()))) == state


steps = (Step(2, "a", Decimal(10), Decimal(8)), Step(3, "b", Decimal(20), Decimal(15), periods=2))


@given(st.lists(st.decimals("8", "9.99", places=2), max_size=10), st.booleans())
def test_nothing_changes_between_clear_and_raise(inside: list[Decimal], raised: bool) -> None:
    """P5."""
    ladder = Ladder(steps, 1, "hold")
    first = [Number(0, 0, Decimal(12 if raised else 5))]
    before = ladder.standing(first).severity
    course = first + [Number(n + 1, n + 1, value) for n, value in enumerate(inside)]
    assert ladder.standing(course).severity == before == (2 if raised else 0)


@pytest.mark.parametrize(("no_data", "severity"), [("hold", 2), ("ignore", 2), ("open", 2), ("resolve", 0)])
def test_a_gap_does_what_the_rule_says(no_data: str, severity: int) -> None:
    course = [Number(0, 0, Decimal(12)), Number(1, 1, None)]
    assert Ladder(steps, 1, no_data).standing(course).severity == severity  # type: ignore[arg-type]
    silent = Ladder(steps, 1, no_data).standing([Number(0, 0, None)])  # type: ignore[arg-type]
    assert silent.severity == (2 if no_data == "open" else 0)


points = st.lists(st.tuples(st.integers(1, 360), st.integers(0, 100)), min_size=1, max_size=6, unique_by=lambda pair: pair[0])


@settings(max_examples=40, deadline=None)
@given(points, st.lists(st.integers(-5, 420), min_size=2, max_size=8))
def test_the_path_of_a_cumulative_plan_only_rises(drawn: list[tuple[int, int]], days: list[int]) -> None:
    """P8."""
    ordered = sorted(day for day, _ in drawn)
    shares = sorted(share for _, share in drawn)
    path = [{"date": (date(2026, 1, 1) + timedelta(days=d)).strftime("%m-%d"), "share": s} for d, s in zip(ordered, shares, strict=True)]
    pacing = Pacing.model_validate({"figure": "plan", "path": path})
    start = day_start(date(2026, 1, 1))
    asked = [pacing.share_at(start + day * DAY_MS, 2026) for day in sorted(days)]
    assert asked == sorted(asked)
    assert all(0 <= share <= 100 for share in asked)


def test_behind_in_points_in_days_and_at_the_end_of_the_year() -> None:
    """R1 of the worked rules: the seasonal path asks for 56.85 % on 31 August 2026, the straight one for 61.36 %."""
    seasonal = BOOK.rules["GN-DTC-CHAM-KE-HOACH"].pacing
    assert seasonal is not None
    at = instant("2026-08-31")
    assert seasonal.share_at(at + DAY_MS, 2026) == Decimal("56.85")
    straight = Pacing.model_validate({"figure": "plan_pm", "path": [{"date": "next-01-31", "share": "100"}]})
    assert straight.share_at(at + DAY_MS, 2026) == Decimal("61.36")
    assert straight.measured(Decimal(50), at + DAY_MS, 2026) == Decimal("11.36")
    days = straight.model_copy(update={"compare": "gap_days"})
    assert days.measured(Decimal(50), at + DAY_MS, 2026) == Decimal("45.00")  # half of 396 days is 198; 243 have passed
    forecast = straight.model_copy(update={"compare": "forecast"})
    assert forecast.measured(Decimal("30.68"), at + DAY_MS, 2026) == Decimal("50.00")


def test_status_is_looked_at_and_what_is_taken_back_counts_no_more() -> None:
    rule = CHANGED.model_copy(update={"accept_status": ("official",)})
    _, found = fold(rule, [reading(MONTHS[0], "99", status="estimated"), reading(MONTHS[0], "55"), reading(MONTHS[0], None, 1, "deleted")])
    assert [str(f) for f in found] == ["opened 2", "corrected 0"]


def test_the_figure_people_were_told_of_is_corrected_also_where_the_severity_stays() -> None:
    _, found = fold(CHANGED, [reading(MONTHS[0], "55"), reading(MONTHS[0], "56", 1), reading(MONTHS[0], "56", 2)])
    assert [str(f) for f in found] == ["opened 2", "corrected 2"]
    assert found[1].value == Decimal(56)


def test_only_so_many_periods_are_remembered() -> None:
    rule = CHANGED.model_copy(update={"period": "day", "levels": (Level(severity=2, raise_at=Decimal(50), clear_at=Decimal(48)),)})
    start = instant("2023-01-01")
    machine = SeriesRule(rule)
    days = [period_of("day", start + n * DAY_MS) for n in range(KEPT)]
    state = SeriesState({day: reading(day, "1") for day in days}, dict.fromkeys(days, Decimal(1)))
    state, finding = machine.step(state, reading(period_of("day", start + KEPT * DAY_MS), "51"))
    assert (len(state.readings), str(finding)) == (KEPT, "opened 2")


@given(st.lists(st.tuples(st.sampled_from(MONTHS[:3]), st.sampled_from("abcdefgh"), st.integers(0, 9)), min_size=1, max_size=12))
@settings(max_examples=40)
def test_a_machine_that_knows_its_places_says_what_a_new_one_says(steps: list[tuple[Period, str, int]]) -> None:
    rule, units = BOOK.rules["GN-DTC-NHOM-CUOI"], tuple("abcdefgh")
    kept, state = RankRule(rule, units), RankState()
    reported = [(month, unit, place) for month in MONTHS[:2] for place, unit in enumerate(units)]
    for revision, (month, unit, value) in enumerate(reported + steps):
        fresh = RankRule(rule, units).step(state, month, unit, Decimal(value), revision)
        state, found = kept.step(state, month, unit, Decimal(value), revision)
        assert (state, found) == fresh


def test_rank_ties_share_the_worse_place() -> None:
    machine = RankRule(BOOK.rules["GN-DTC-NHOM-CUOI"], tuple("abcdefgh"))
    state = RankState()
    found: dict[str, Finding] = {}
    for unit, value in zip("abcdefgh", (10, 20, 30, 40, 50, 50, 90, 95), strict=True):
        state, found = machine.step(state, MONTHS[0], unit, Decimal(value), 0)
    assert sorted(found) == ["a", "b", "c", "d"]  # e and f share place 5 but are no worse than the mean of the others
    table = state.tables[MONTHS[0]]
    assert [machine.places_inside(table, unit) for unit in "abcd"] == [5, 4, 3, 2]
    assert machine.step(state, MONTHS[0], "a", Decimal(99), 0) == (state, {})  # not a newer revision
    assert machine.close(state, MONTHS[0]) == (state, {})
    assert machine.step(state, MONTHS[1], "nobody", Decimal(1), 0) == (state, {})


def test_silence_says_when_to_ask_again() -> None:
    machine, start = SilenceRule(BOOK.rules["TB-TRAM-IM-LANG"], {"x": 0, "y": 0}), 1000 * HOUR_MS
    state, _ = machine.hear(SilenceState(), "x", start)
    state, _ = machine.hear(state, "y", start + 60_000)
    assert machine.next_due(state, start) == start + HOUR_MS
    state, found = machine.tick(state, start + HOUR_MS)
    assert {name: str(f) for name, f in found.items()} == {"x": "opened 2"}
    assert machine.next_due(state, start + HOUR_MS) == start + HOUR_MS + 60_000
    assert machine.hear(state, "x", start - 5) == (state, {})
    assert machine.hear(state, "nobody", start + 5) == (state, {})
    state, found = machine.tick(state, start + 10 * HOUR_MS)
    assert {name: str(f) for name, f in found.items()} == {"x": "worse 3", "y": "opened 3"}
    assert machine.next_due(state, start + 10 * HOUR_MS) is None


def test_due_says_when_to_ask_again_and_what_is_missing() -> None:
    machine = DueRule(BOOK.rules["BC-QUA-HAN"], load_due_calendars(HOME)["nd09-2019"], CALENDAR)
    period, came = period_of("month", instant("2026-09")), instant("2026-09-29T10:00")
    assert machine.next_due(period, instant("2026-09-15")) == instant("2026-09-22")
    assert machine.next_due(period, instant("2026-09-30")) is None
    owed = {"x": Presence(came), "y": ABSENT}
    said = machine.judge(period, owed, NOTHING_SAID, instant("2026-09-30"))
    assert [(str(one.finding), one.at, one.missing) for one in said] == [
        ("opened 1", instant("2026-09-22"), ("x", "y")), ("worse 2", instant("2026-09-28"), ("x", "y")),
        ("worse 3", instant("2026-09-30"), ("y",)),
    ]  # fmt: skip
    assert machine.judge(period, owed, NOTHING_SAID, instant("2026-09-21")) == []
    last = NOTHING_SAID
    for one in said:
        last = last.after(one)
    assert machine.judge(period, owed, last, instant("2026-12-31")) == []
    assert [str(one.finding) for one in machine.judge(period, {}, last, instant("2026-12-31"))] == ["corrected 0"]


@pytest.mark.parametrize(("roll", "day"), [("preceding", 23), ("following", 26), ("none", 25)])
def test_a_due_day_on_a_day_of_rest(roll: str, day: int) -> None:
    calendar = load_due_calendars(HOME)["nd09-2019"].model_copy(update={"roll": roll})
    period = period_of("reporting_month", instant("2026-10-14"))
    assert calendar.due(period, CALENDAR) == date(2026, 10, day)  # 25 October 2026 is a Sunday
