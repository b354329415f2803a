"""K6, K7 and targets: several plans of one thing, three kinds of path, gaps in points and in days."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from indicators.comparisons.figures import NoComparison
from indicators.comparisons.plan import Completion, OnPath, against_path, against_plans
from indicators.datafile import DataFileError
from indicators.target import Target, TargetBook
from transport.settings import HOME

D = Decimal
BASE: dict[str, Any] = {
    "id": "t", "name_vi": "Chỉ tiêu thử", "plan": "plan_pm", "indicator": "guide-7146/F02", "territory": "VN", "agency": "MOF",
    "document": {"kind": "decision", "title_vi": "Quyết định thử", "signed_on": "2025-12-01"}, "direction": "at_least",
    "measure_unit": "percent", "end_value": "100", "starts_on": "2026-01-01", "ends_on": "2026-04-11", "path": {"shape": "straight"},
    "standing": "set",
}  # fmt: skip


def target(**changes: Any) -> Target:
    return Target.model_validate(BASE | changes)


def on_path(outcome: OnPath | NoComparison) -> OnPath:
    assert isinstance(outcome, OnPath)
    return outcome


def test_k6_eleven_months_of_2022_against_both_plans() -> None:
    # The published rates: 58,33 % of the Prime Minister's plan, 52,43 % of everything assigned; amounts chosen to give them.
    found = against_plans(D("52430"), {"plan_pm": D("89885.136"), "plan_local": D(100000), "plan_carried_over": None, "none": D(0)})
    assert found["plan_pm"] == Completion("plan_pm", D("58.330000"), D("37455.136"))
    assert found["plan_local"] == Completion("plan_local", D("52.43"), D(47570))
    assert found["plan_carried_over"] == NoComparison("no_plan")
    assert found["none"] == NoComparison("zero_base")
    assert against_plans(None, {"plan_pm": D(1)}) == {"plan_pm": NoComparison("no_figure")}


def test_k7_a_straight_path_in_points_and_days() -> None:
    # 100 days, 100 %: one point a day. On day 50 the path is at 50; a figure of 43,5 is 6,5 points and 7 days behind.
    behind = on_path(against_path(target(), D("43.5"), date(2026, 2, 20)))
    assert (behind.path, behind.gap, behind.days, behind.missing) == (D(50), D("-6.5"), -7, D("56.5"))
    ahead = on_path(against_path(target(), D(60), date(2026, 2, 20)))
    assert (ahead.gap, ahead.days) == (D(10), 10)
    assert on_path(against_path(target(), D(100), date(2026, 2, 20))).days == 50
    assert on_path(against_path(target(), D(101), date(2026, 2, 20))).days is None
    assert against_path(target(), D(1), date(2026, 4, 12)) == NoComparison("outside_path")


def test_k7_the_guides_example_of_sixty_percent_in_june() -> None:
    example = TargetBook.load(HOME)["f02-vn-2025-plan-pm"]
    june = on_path(against_path(example, D(52), date(2025, 6, 30)))
    assert (june.path, june.gap, june.plan) == (D(60), D(-8), "plan_pm")
    # From 60 to 95 in 184 days: 30 September is the 92nd, half way: 77,5.
    assert on_path(against_path(example, D("77.5"), date(2025, 9, 30))).gap == 0


def test_k7_the_shape_of_last_year_forgives_its_slow_months() -> None:
    last = {date(2025, 1, 1): D(0), date(2025, 7, 1): D(20), date(2025, 12, 31): D(80)}
    aim = target(path={"shape": "last_year"}, end_value="96", ends_on="2026-12-31")
    middle = on_path(against_path(aim, D(24), date(2026, 7, 1), last))
    assert (middle.path, middle.gap, middle.days) == (D(24), D(0), 0)  # a quarter of the way last year: 96 / 4
    assert against_path(aim, D(1), date(2026, 7, 1)) == NoComparison("no_base")


def test_k7_on_a_plateau_a_figure_is_behind_from_its_end_only() -> None:
    points = [{"day": "2026-02-20", "value": "50"}, {"day": "2026-03-02", "value": "50"}, {"day": "2026-04-11", "value": "100"}]
    aim = target(path={"shape": "points", "points": points})
    assert on_path(against_path(aim, D(50), date(2026, 3, 12))).days == -10


def test_k7_at_most_is_ahead_when_below() -> None:
    aim = target(direction="at_most", end_value="3", path={"shape": "straight", "start_value": "5"})
    below = on_path(against_path(aim, D("3.5"), date(2026, 2, 20)))
    assert (below.path, below.gap, below.days, below.missing) == (D(4), D("0.5"), 25, D("0.5"))
    assert on_path(against_path(aim, D("4.5"), date(2026, 2, 20))).days == -25


@given(st.integers(0, 100), st.integers(0, 99))
def test_a_figure_on_its_path_is_neither_ahead_nor_behind(percent: int, days: int) -> None:
    start = date(2026, 1, 1).toordinal()
    outcome = on_path(against_path(target(), D(percent), date.fromordinal(start + days)))
    assert outcome.days == percent - days
    assert outcome.gap == percent - days


def test_plans_of_one_thing_stand_apart_and_an_amendment_replaces_only_its_own() -> None:
    second = target(id="t2", plan="plan_local")
    amended = target(id="t3", end_value="90", replaces="t", document=BASE["document"] | {"signed_on": "2026-02-01"})
    book = TargetBook([target(), second, amended])
    assert [t.id for t in book.of("guide-7146/F02", "", "VN", date(2026, 1, 15))] == ["t", "t2"]
    assert [t.id for t in book.of("guide-7146/F02", "", "VN", date(2026, 2, 15))] == ["t2", "t3"]
    assert book.of("guide-7146/F02", "", "31", date(2026, 2, 15)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ends_on": "2025-01-01"}, "after starts_on"), ({"path": {"shape": "points"}}, "points: needed"),
        ({"path": {"shape": "points", "points": [{"day": "2026-02-01", "value": "1"}]}}, "last point must be ends_on"),
        ({"path": {"shape": "points", "points": [{"day": "2027-02-01", "value": "1"}]}}, "outside"),
        ({"path": {"shape": "straight", "points": [{"day": "2026-02-01", "value": "1"}]}}, "no other"), ({"plan": ""}, "plan"),
    ],
)  # fmt: skip
def test_a_target_that_contradicts_itself_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        target(**change)


def test_the_files_name_what_they_replace(tmp_path: Path) -> None:
    shutil.copytree(HOME / "catalogue" / "targets", tmp_path / "catalogue" / "targets")
    path = tmp_path / "catalogue" / "targets" / "public-investment.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "  replaces: nothing\n", encoding="utf-8")
    with pytest.raises(DataFileError, match="replaces nothing"):
        TargetBook.load(tmp_path)
    path.write_text(text.replace("f02-vn-2026-plan-local", "f02-vn-2026-plan-pm"), encoding="utf-8")
    with pytest.raises(DataFileError, match="given twice"):
        TargetBook.load(tmp_path)
    path.write_text(text.replace("shape: straight", "shape: round"), encoding="utf-8")
    with pytest.raises(DataFileError, match=r"public-investment.yaml:\d+: targets.2.path.shape"):
        TargetBook.load(tmp_path)
