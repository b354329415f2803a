"""Stage 2 over the definitions: alignment of periods, parts and parents, coverage, dimensions, results of results; and its law: whatever
order and chunks the operands and their revisions come in, the results are those of one fresh computation."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indicators.derived.evaluation import Value
from indicators.dimension_sets import PART, set_id
from indicators.series import Series
from tests.stream_processors.offline import OfflineContext, Record
from tests.stream_processors.results import Bench, Told, month, operands, raw_operand, reported

COMMUNES = ("00004", "00008")
"""Two of Hà Nội."""


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    return OfflineContext()


def run(context: OfflineContext, told: list[Told]) -> Bench:
    bench = Bench(context)
    bench.feed([record for through, one in enumerate(told) for record in operands(context, one, through)])
    return bench


def tasks(territory: str, done: int, assigned: int | None, at: int) -> list[Told]:
    """F05.government: completed tasks of those assigned."""
    given = (("done_on_time", done), ("assigned", assigned))
    return [Told(reported("vn-1012/A.XIII.7", c, territory), "month", at, Decimal(n)) for c, n in given if n is not None]


def test_a_parent_is_computed_from_its_parts_and_late_ones_are_counted_but_not_as_zero(context: OfflineContext) -> None:
    at = month(2026, 3)
    bench = run(context, [*tasks("01", 9, 10, at), *tasks("79", 10, 100, at), *tasks("31", 900, None, at)])
    country = bench.one("F05.government.country", "VN", at)
    assert (country["value"], country["of"], country["expected"]) == (Decimal("17.27"), 2, 34)  # 19 / 110, no mean of 90 % and 10 %
    assert (country["numerator"], country["denominator"]) == (19, 110)
    late = bench.one("F05.government.province", "31", at)
    assert (late["value"], late["reason"], late["deleted"]) == (None, "missing_operand", False)


def test_communes_add_up_to_their_province_and_its_own_report_goes_before_them(context: OfflineContext) -> None:
    at = month(2026, 3)
    below = [told for n, commune in enumerate(COMMUNES) for told in tasks(commune, 1 + n, 4, at)]
    bench = run(context, below)
    province, country = bench.one("F05.government.province", "01", at), bench.one("F05.government.country", "VN", at)
    assert (province["value"], province["of"]) == (Decimal("37.50"), 2)
    assert province["expected"] == len([t for t in context.vocabulary.territories() if t.parent == "01"])
    assert (country["value"], country["of"], country["expected"]) == (Decimal("37.50"), 1, 34)
    both = run(context, [*below, *tasks("01", 8, 10, at)])
    assert [both.one(f, w, at)["value"] for f, w in (("F05.government.province", "01"), ("F05.government.country", "VN"))] == [80, 80]
    assert both.one("F05.government.province", "01", at)["of"] == 1


def test_the_same_period_of_last_year_and_the_month_before_come_by_the_calendar(context: OfflineContext) -> None:
    cases = {(2025, 2): 230, (2026, 1): 160, (2026, 2): 184}
    bench = run(context, [Told(reported("vn-1012/A.XI.7", "", "01"), "month", month(*at), Decimal(n)) for at, n in cases.items()])
    assert bench.one("F07.province", "01", month(2026, 2))["value"] == Decimal("-20.00")
    assert bench.one("F07.previous.province", "01", month(2026, 2))["value"] == Decimal("15.00")
    january = bench.one("F07.province", "01", month(2026, 1))
    assert (january["value"], january["reason"]) == (None, "missing_operand")


def test_a_year_to_date_of_reports_needs_every_month_and_a_revision_moves_the_months_after_it(context: OfflineContext) -> None:
    fdi = {1: 10, 2: 20, 3: 30}
    told = [Told(reported("guide-7146/T6.3.1", "", "01"), "month", month(2026, m), Decimal(n)) for m, n in fdi.items() if m != 2]
    item = (("revenue_item", "noi_dia"),)
    revenue = reported("guide-7146/F25", "revenue", "01", dimensions=item)
    bench = Bench(context)
    sums = [_part(context, revenue, month(2026, m), Decimal(100), m) for m in fdi]
    bench.feed([*(r for n, one in enumerate(told) for r in operands(context, one, n)), *sums])
    gap = bench.one("F11.province", "01", month(2026, 3))
    assert (gap["value"], gap["reason"]) == (None, "missing_operand")
    bench.feed(operands(context, Told(reported("guide-7146/T6.3.1", "", "01"), "month", month(2026, 2), Decimal(20)), 9))
    assert bench.one("F11.province", "01", month(2026, 3))["value"] == Decimal("20.00")  # 60 / 300
    bench.feed(operands(context, Told(reported("guide-7146/T6.3.1", "", "01"), "month", month(2026, 1), Decimal(40)), 10))
    assert bench.one("F11.province", "01", month(2026, 3))["value"] == Decimal("30.00")
    assert bench.one("F11.province", "01", month(2026, 1))["value"] == Decimal("40.00")


def _part(context: OfflineContext, series: Series, at: int, value: Decimal, through: int) -> Record:
    """The share of one input partition in the total over a row's dimensions, as stage 1 forwards it."""
    key = f"{set_id(series.indicator, series.component)}|{series.territory}|||"
    return raw_operand(context, key, PART, f"{PART}|obs.test|0|||", at, value, through)


def test_each_value_of_a_dimension_gives_a_result_against_the_total(context: OfflineContext) -> None:
    at, bench = month(2026, 3), Bench(context)
    told: list[Record] = []
    for item, amount in (("noi_dia", 750), ("dau_tho", 250)):
        series = reported("guide-7146/F25", "revenue", "01", dimensions=(("revenue_item", item),))
        told += operands(context, Told(series, "month", at, Decimal(amount)), len(told))
    bench.feed([*told, _part(context, reported("guide-7146/F25", "revenue", "01"), at, Decimal(1000), 7)])
    shares = {i: bench.one("F25.province", "01", at, f"revenue_item={i}")["value"] for i in ("noi_dia", "dau_tho")}
    assert shares == {"noi_dia": Decimal("75.00"), "dau_tho": Decimal("25.00")}
    assert bench.one("F25.country", "VN", at, "revenue_item=noi_dia")["of"] == 1


def test_the_leading_province_is_found_among_all_and_found_again_when_it_changes(context: OfflineContext) -> None:
    at, dims = month(2026, 1), (("pci_component", "minh_bach"),)
    scores = {"01": "7.45", "79": "8.12", "31": "8.00"}
    told = [Told(reported("guide-7146/F03", "score", t, dimensions=dims), "month", at, Decimal(v)) for t, v in scores.items()]
    bench = run(context, told)
    gaps = {t: bench.one("F03.leading.province", t, at, "pci_component=minh_bach")["value"] for t in scores}
    assert gaps == {"01": Decimal("-0.67"), "79": Decimal(0), "31": Decimal("-0.12")}
    bench.feed(operands(context, told[1]._replace(value=None), 9))
    assert bench.one("F03.leading.province", "01", at, "pci_component=minh_bach")["value"] == Decimal("-0.55")
    assert bench.one("F03.leading.province", "79", at, "pci_component=minh_bach")["deleted"]


def test_a_scoreboard_takes_the_exact_ratios_of_other_results(context: OfflineContext) -> None:
    year, at = 2026, month(2026, 3)
    project = Series("vn-1012/A.II.3", "", "01", "project", "DA-1", (), "actual")
    told = [
        Told(project, "month", at, Decimal(1), year),
        Told(project._replace(figure="plan_pm"), "budget_year", month(2026, 1), Decimal(3), year),
        Told(reported("vn-1012/A.II.1", "", "01", figure="budget_estimate"), "budget_year", month(2026, 1), Decimal(7), year),
        Told(reported("guide-7146/F06", "on_time", "01"), "month", at, Decimal(2)),
        Told(reported("guide-7146/F06", "settled", "01"), "month", at, Decimal(3)),
    ]  # fmt: skip
    bench = run(context, told)
    bench.feed([raw_operand(context, f"SET.vn-1012.A.II.4|01|||{year}", "part", "part|obs.test|0|||", at, Decimal(2), 8, budget_year=year)])
    wanted = context.formulas["F06.province"].derived
    assert wanted is not None
    exact = wanted.evaluate({"revenue": Fraction(200, 7), "disbursement": Fraction(100, 3), "on_time": Decimal(2), "settled": Decimal(3)})
    assert isinstance(exact, Value)
    assert bench.one("F06.province", "01", at)["value"] == exact.value == Decimal("41.43")


def test_plans_of_three_kinds_share_what_was_disbursed(context: OfflineContext) -> None:
    year, projects = 2026, {"DA-1": "01", "DA-2": "79"}
    told = []
    for subject, territory in projects.items():
        series = Series("vn-1012/A.II.3", "", territory, "project", subject, (), "actual")
        told += [Told(series, "month", month(2026, m), Decimal(10), year) for m in ((1, 2) if territory == "01" else (1,))]
        told.append(Told(series._replace(figure="plan_local"), "budget_year", month(2026, 1), Decimal(50), year))
    bench = run(context, told)
    assert bench.one("F02.local.province", "01", month(2026, 2))["value"] == Decimal("40.00")
    assert bench.one("F02.local.country", "VN", month(2026, 2))["value"] == Decimal("30.00")  # the other province's January still counts
    assert bench.one("F02.local.country", "VN", month(2026, 2))["figure_compared"] == "plan_local"
    paid = Series("vn-1012/A.II.3", "", "01", "project", "DA-1", (), "actual")
    bench.feed(operands(context, Told(paid, "month", month(2027, 1), Decimal(5), year), 99))
    assert bench.one("F02.local.province", "01", month(2027, 1))["value"] == Decimal("50.00"), "January belongs to the budget year before"


def test_comparisons_of_a_row_are_series_like_any_other(context: OfflineContext) -> None:
    """K1, K3, K5, K10 and K11 of exports, worked by hand: 100 and 60 a year ago; 120 and 80, then 150 and 50 now."""
    bench = Bench(context)
    amounts = {(2025, 2): (100, 60), (2026, 1): (120, 80), (2026, 2): (150, 50)}
    for n, (at, values) in enumerate(amounts.items()):
        for territory, value in zip(("01", "79"), values, strict=True):
            key = f"SET.vn-1012.A.II.5.export|{territory}|||"
            bench.feed([raw_operand(context, key, PART, f"{PART}|obs.test|0|||", month(*at), Decimal(value), n)])
    february, name = month(2026, 2), "vn-1012.A.II.5.export"
    found = {kind: bench.one(f"{kind}.{name}.province", "01", february)["value"] for kind in ("K1", "K3", "K5", "K10", "K11")}
    assert found == {"K1": Decimal("25.00"), "K3": Decimal("50.00"), "K5": 270, "K10": Decimal("75.00"), "K11": 150}
    assert bench.one(f"K1.{name}.country", "VN", february)["value"] == Decimal(0)  # 200 after 200
    assert bench.one(f"K10.{name}.province", "79", february)["value"] == Decimal("25.00")
    assert {t: bench.one(f"K11.{name}.rank", t, february)["rank"] for t in ("01", "79")} == {"01": 1, "79": 2}
    assert bench.one(f"K3.{name}.province", "01", month(2026, 1))["reason"] == "missing_operand"
    bench.feed([raw_operand(context, f"SET.{name}|79|||", PART, f"{PART}|obs.test|0|||", february, Decimal(450), 9)])
    assert bench.one(f"K10.{name}.province", "01", february)["value"] == Decimal("25.00"), "a revision of one moves the share of the other"
    assert bench.one(f"K11.{name}.rank", "01", february)["rank"] == 2


def test_entries_of_two_budget_years_in_one_month_are_two_operands(context: OfflineContext) -> None:
    """A year's capital is paid until 31 January of the next: that January holds entries of both years, and its total is their sum."""
    bench, january, part = Bench(context), month(2027, 1), f"{PART}|obs.test|0|||"
    key = "SET.vn-1012.A.II.5.export|01|||"
    bench.feed([raw_operand(context, key, PART, part, month(2026, 12), Decimal(10), 0, budget_year=2026)])
    bench.feed([raw_operand(context, key, PART, part, january, Decimal(5), n + 1, budget_year=2026 + n) for n in range(2)])
    assert bench.one("K5.vn-1012.A.II.5.export.province", "01", january)["value"] == 10
    bench.feed([raw_operand(context, key, PART, part, january, Decimal(7), 3, budget_year=2026)])
    assert bench.one("K1.vn-1012.A.II.5.export.province", "01", january)["value"] == Decimal("20.00"), "one replaced, the other kept"


def test_a_comparison_with_the_plan_is_the_year_to_date_of_the_newest_plan(context: OfflineContext) -> None:
    jobs = reported("guide-7146/T5.5.2", "", "01")
    told = [Told(jobs, "month", month(2026, m), Decimal(n)) for m, n in ((1, 30), (2, 20))]
    told.append(Told(jobs._replace(figure="plan"), "budget_year", month(2026, 1), Decimal(200)))
    assert run(context, told).one("K6.guide-7146.T5.5.2.province", "01", month(2026, 2))["value"] == Decimal("25.00")
    rate = [Told(reported("guide-7146/T5.6.2", "", "01"), "month", month(2026, m), Decimal(n)) for m, n in ((1, 80), (2, 75))]
    points = run(context, rate).one("K1.guide-7146.T5.6.2.province", "01", month(2026, 2))
    assert (points["value"], points["measure_unit"]) == (Decimal("-5.00"), "percentage_point")


TERRITORIES = ("01", "79", *COMMUNES)
SERIES = [
    *(reported("vn-1012/A.XIII.7", c, t) for c in ("done_on_time", "assigned") for t in TERRITORIES),
    *(reported("vn-1012/A.XI.7", "", t) for t in TERRITORIES), *(reported("guide-7146/T6.3.1", "", t) for t in ("01", "79")),
    *(reported("guide-7146/F03", "score", t, dimensions=(("pci_component", "x"),)) for t in ("01", "79")),
    *(Series("vn-1012/A.II.3", "", "01", "project", p, (), f) for p in ("DA-1", "DA-2") for f in ("actual", "plan_local", "plan_pm")),
]  # fmt: skip
MONTHS = [month(2025, 2), month(2025, 12), month(2026, 1), month(2026, 2)]


@st.composite
def revisions(draw: st.DrawFn) -> tuple[list[Told], list[int], int]:
    """Panes, each as often as it was revised, an order, and a chunk size. A later place in the list is a newer state of the pane."""
    told = []
    for series, at, amount in draw(
        st.lists(st.tuples(st.sampled_from(SERIES), st.sampled_from(MONTHS), st.none() | st.integers(0, 9)), min_size=1, max_size=30)
    ):
        value = None if amount is None else Decimal(amount)
        project = bool(series.subject_type)
        kind = "budget_year" if series.figure.startswith("plan") else "month"
        start = month(2026, 1) if kind == "budget_year" else max(at, month(2026, 1)) if project else at
        told.append(Told(series, kind, start, value, 2026 if project else 0))
    return told, draw(st.permutations(range(len(told)))), draw(st.integers(1, 9))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=revisions())
def test_any_order_and_any_chunks_give_the_results_of_one_fresh_computation(
    context: OfflineContext, drawn: tuple[list[Told], list[int], int]
) -> None:
    told, order, step = drawn
    newest = {(t.series, t.kind, t.start): n for n, t in enumerate(told)}
    fresh = Bench(context)
    fresh.feed([r for n in newest.values() for r in operands(context, told[n], n)])
    arrived = Bench(context)
    arrived.feed([r for n in order for r in operands(context, told[n], n)], step)
    assert arrived.live() == fresh.live()


def test_after_a_stop_the_results_go_on_from_what_was_written(context: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    panes = [(s, at) for s in SERIES if not s.subject_type for at in MONTHS]
    told = [Told(series, "month", at, Decimal(n % 7)) for n, (series, at) in enumerate(panes)]
    whole, half = run(context, told), run(context, told[: len(told) // 2])
    again = half.reopened(monkeypatch)
    again.feed([r for n, one in enumerate(told) if n >= len(told) // 2 for r in operands(context, one, n)], 3)
    assert again.live() == whole.live()
    assert {key.split("|")[0] for key, *_ in whole.live()} >= {"F03.leading.province", "F05.government.country", "F07.province"}


def test_a_burst_costs_no_more_outcomes_than_its_periods(context: OfflineContext) -> None:
    """A year of months at once is computed once a month, not once a month and month before it."""
    project = Series("vn-1012/A.II.3", "", "01", "project", "DA-1", (), "actual")
    state = Bench(context)
    order = list(range(1, 13))
    random.Random(1).shuffle(order)
    state.feed([r for m in order for r in operands(context, Told(project, "month", month(2026, m), Decimal(1), 2026), m)])
    rows = [key for key in state.rows if key[0].startswith("DISBURSED.province")]
    assert len(rows) == 12
