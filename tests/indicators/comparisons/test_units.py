"""K9–K14 and K17: groups, units, places, denominators, costs, steps, prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.comparisons.denominator import Counted, Efficiency, Normalised, cost_per_result, normalised
from indicators.comparisons.figures import NoComparison
from indicators.comparisons.groups import Gap, Group, Parts, gap, rates_by_group
from indicators.comparisons.prices import Growth, constant, growth, rebased
from indicators.comparisons.standing import AgainstPeers, Ranking, against_peers, ranking
from indicators.comparisons.steps import StateChange, bottleneck, merged, step_times
from indicators.instant import DAY_MS
from tests.indicators.comparisons.support import month, months, year

D = Decimal


def test_k9_groups_by_the_sums_of_their_members() -> None:
    parts = {"01": Parts(D(90), D(100)), "02": Parts(D(10), D(100)), "03": Parts(D(30), D(100)), "04": Parts(D(5), None)}
    groups = rates_by_group(parts, {"01": "urban", "02": "rural", "03": "rural", "04": "rural", "05": "rural"})
    assert groups["urban"] == Group(D(90), D(90), D(100), 1, ())
    assert groups["rural"] == Group(D(20), D(40), D(200), 4, ("04", "05"))  # (10 + 30) / 200
    assert gap(groups, "urban", "rural") == Gap(D(70), D("4.5"))
    assert gap(groups, "urban", "mountain") == NoComparison("no_group")
    assert gap(groups | {"none": Group(None, D(0), D(0), 0, ())}, "urban", "none") == NoComparison("no_figure")


def test_k10_a_province_among_provinces() -> None:
    # Others of B: 50 and 80, mean 65; median of 50, 60, 80: 60; C leads by 20; share of 190: 31,578947 %.
    peers = against_peers({"A": D(50), "B": D(60), "C": D(80)}, "B")
    assert peers == AgainstPeers(D(60), D(65), D(60), "C", D(-20), D("31.578947"))
    assert against_peers({"A": D(50)}, "A") == NoComparison("too_few")
    assert against_peers({"A": D(50)}, "B") == NoComparison("no_figure")


def test_k11_ties_share_a_place_and_late_units_have_none() -> None:
    values = {"A": D("52.1"), "B": D("60"), "C": D("60.0"), "D": D("47")}
    board = ranking(values, ["A", "B", "C", "D", "E"])
    assert [(p.unit, p.place, p.tied) for p in board.places] == [("B", 1, 2), ("C", 1, 2), ("A", 3, 1), ("D", 4, 1)]
    assert board.late == ("E",)
    later = ranking(values | {"A": D(61), "E": D(1)}, ["A", "B", "C", "D", "E"], before=board)
    assert [(p.unit, p.place, p.moved) for p in later.places] == [("A", 1, 2), ("B", 2, -1), ("C", 2, -1), ("D", 4, 0), ("E", 5, None)]
    assert [p.unit for p in ranking(values, values, best="lowest").places] == ["D", "A", "B", "C"]


@given(st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(0, 4)), st.permutations("ABCDEFGH"))
def test_k11_is_a_law_of_counting(values: dict[str, int], order: list[str]) -> None:
    board: Ranking = ranking({u: D(values[u]) for u in order if u in values}, order)
    for place in board.places:
        assert place.place == 1 + sum(v > values[place.unit] for v in values.values())
        assert place.tied == sum(v == values[place.unit] for v in values.values())
    assert {p.unit for p in board.places} | set(board.late) == set("ABCDEFGH")


def test_k12_takes_the_newest_count_that_is_not_after_the_period_nor_too_old() -> None:
    counts = [Counted(date(2024, 4, 1), D(1000000), "điều tra giữa kỳ"), Counted(date(2025, 7, 1), D(1200000), "niên giám"),
              Counted(date(2026, 7, 1), D(1300000), "niên giám")]  # fmt: skip
    assert normalised(D(300), month(2026, 3), counts, per=10000) == Normalised(D("2.5"), 10000, counts[1])  # 300 / 1,2 million × 10000
    assert normalised(D(300), month(2025, 6), counts, per=10000) == Normalised(D(3), 10000, counts[0])
    assert normalised(D(300), month(2030, 1), counts) == NoComparison("stale_denominator")
    assert normalised(D(300), month(2020, 1), counts) == NoComparison("no_denominator")


def test_k13_cost_of_one_skilled_worker_and_its_change() -> None:
    costs, results = {year(2025): D(8000), year(2026): D(9000)}, {year(2025): D(500), year(2026): D(600)}
    assert cost_per_result(costs, results, year(2026)) == Efficiency(D(15), D("-6.25"))  # 16 → 15
    assert cost_per_result(costs, results, year(2025)) == Efficiency(D(16), None)
    assert cost_per_result(costs, {year(2026): D(0)}, year(2026)) == NoComparison("zero_base")
    assert cost_per_result({}, results, year(2026)) == NoComparison("no_figure")


CHANGES = [
    StateChange("a", "tiếp nhận", 0), StateChange("a", "thẩm định", 2 * DAY_MS), StateChange("a", "trả kết quả", 9 * DAY_MS),
    StateChange("b", "tiếp nhận", DAY_MS), StateChange("b", "thẩm định", 2 * DAY_MS),
]  # fmt: skip
LAST = frozenset({"trả kết quả"})


def test_k14_time_in_each_step_and_the_bottleneck() -> None:
    # Receipt: 2 and 1 days, mean 1,5. Appraisal: 7 days finished, one open for 8 days on day 10.
    times = step_times(CHANGES, 10 * DAY_MS, LAST)
    assert times["tiếp nhận"] == (3 * DAY_MS, 2, 0, 2 * DAY_MS)
    assert times["thẩm định"] == (7 * DAY_MS, 1, 1, 8 * DAY_MS)
    assert (times["tiếp nhận"].mean_days, times["thẩm định"].mean_days) == (D("1.5"), D(7))
    assert "trả kết quả" not in times
    assert bottleneck(times) == "thẩm định"
    assert bottleneck(step_times(CHANGES, 0, LAST)) is None
    assert step_times(CHANGES, -1, LAST) == {}


@given(st.permutations([*CHANGES, *CHANGES[:2]]))
def test_k14_order_and_repetition_do_not_matter_and_units_add_up(changes: list[StateChange]) -> None:
    whole = step_times(changes, 10 * DAY_MS, LAST)
    assert whole == step_times(CHANGES, 10 * DAY_MS, LAST)
    assert merged(step_times([c for c in changes if c.case == case], 10 * DAY_MS, LAST) for case in "ab") == whole


def test_k17_constant_and_current_prices() -> None:
    # 1155 against 1050 at current prices: 10 %; 1040 against 1000 at constant: 4 %; 1,10 / 1,04 = 1,0576923: prices 5,769231 %.
    current, fixed = {year(2025): D(1050), year(2026): D(1155)}, {year(2025): D(1000), year(2026): D(1040)}
    assert growth(current, fixed, year(2026)) == Growth(D(10), D(4), D("5.769231"))
    assert growth(current, {}, year(2026)) == NoComparison("no_figure")
    assert growth({year(2026): D(1)}, {year(2026): D(1)}, year(2026)) == NoComparison("no_base")
    assert growth(current | {year(2025): D(0)}, fixed, year(2026)) == NoComparison("zero_base")
    assert constant(D(1155), D(110)) == D(1050)
    assert constant(D(1), D(0)) == NoComparison("zero_base")


def test_k17_an_index_on_another_base() -> None:
    assert rebased(months(2026, 110, 121), month(2026, 1)) == months(2026, 100, 110)
    assert rebased({}, month(2026, 1)) == NoComparison("no_base")


@pytest.mark.parametrize("index", ["100", "133.1"])
def test_k17_at_its_own_base_nothing_changes(index: str) -> None:
    assert constant(D(index) * 7, D(index)) == D(700)
