"""Laws of derived indicators: the order of revisions does not matter, parts add up, one revision at a time equals the whole at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators import period as periods
from indicators.derived.alignment import operand, operands_of
from indicators.derived.book import DerivedBook
from indicators.derived.carrying import PUBLISHED
from indicators.derived.definition import Term
from indicators.derived.derived_indicator import DerivedIndicator, Operands
from indicators.derived.evaluation import Absence, Outcome, Value
from indicators.derived.formula import Formula
from indicators.derived.formula_book import FormulaBook
from indicators.derived.rollup import NotAdditive, regrouped, rollup
from indicators.instant import day_start
from indicators.period import Period, period_of
from indicators.vocabulary import Vocabulary
from transport.settings import HOME

BOOK = DerivedBook.load(HOME)
FORMULA_BOOK = FormulaBook.of(BOOK)
FORMULAS = [f for f in FORMULA_BOOK if f.definition and not f.id.startswith("K")]
"""Comparisons of catalogue rows have no entry in the book of definitions."""
amounts = st.decimals(min_value=0, max_value=10**12, places=2, allow_nan=False)
additive = st.sampled_from([d for d in BOOK if d.definition.additive and not any(t.of for t in d.definition.terms.values())])


def month(year: int, number: int) -> Period:
    return period_of("month", day_start(date(year, number, 1)))


def day(text: str) -> Period:
    return period_of("day", day_start(date.fromisoformat(text)))


@given(additive, st.data())
def test_the_order_of_revisions_does_not_matter(derived: DerivedIndicator, data: st.DataObject) -> None:
    roles = sorted(derived.operands)
    revisions = data.draw(st.lists(st.tuples(st.sampled_from(roles), st.integers(0, 5), amounts), unique_by=lambda r: r[:2]))
    outcomes = set()
    for order in (revisions, data.draw(st.permutations(revisions))):
        newest: dict[str, tuple[int, Decimal]] = {}
        outcome: Outcome = derived.evaluate({})
        for role, revision, amount in order:
            if role not in newest or newest[role][0] < revision:
                newest[role] = (revision, amount)
            outcome = derived.evaluate({r: v for r, (_, v) in newest.items()})
        outcomes.add(outcome)
    assert len(outcomes) == 1


@given(additive, st.data())
def test_the_whole_is_computed_from_the_sums_of_its_parts_however_they_are_grouped(derived: DerivedIndicator, data: st.DataObject) -> None:
    parts = {f"{n:05d}": {role: data.draw(amounts) for role in derived.operands} for n in range(data.draw(st.integers(1, 6)))}
    units = sorted(parts)
    cut = data.draw(st.integers(0, len(units)))
    whole = rollup(derived, parts, units)
    groups = {name: some for name, some in (("a", units[:cut]), ("b", units[cut:])) if some}
    halves = {name: rollup(derived, {u: parts[u] for u in some}, some).operands for name, some in groups.items()}
    assert rollup(derived, halves, sorted(halves)).outcome == whole.outcome
    sums = {role: sum((Fraction(parts[u][role]) for u in units), Fraction(0)) for role in derived.operands}
    assert whole.outcome == derived.evaluate(sums)
    assert whole.coverage == (len(units), len(units), ())


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=8))
def test_a_rate_of_the_whole_lies_between_those_of_its_parts(parts: list[tuple[int, int]]) -> None:
    derived = BOOK["F02"]
    given = {str(n): {"disbursed": Decimal(a), "plan": Decimal(b)} for n, (a, b) in enumerate(parts)}
    rates = [o.exact for o in map(derived.evaluate, given.values()) if isinstance(o, Value)]
    whole = rollup(derived, given, list(given)).outcome
    assert isinstance(whole, Value)
    assert min(rates) <= whole.exact <= max(rates)


def test_a_rate_is_recomputed_from_its_parts_and_never_averaged() -> None:
    parts = {"A": {"occupied": Decimal(9), "free": Decimal(1)}, "B": {"occupied": Decimal(10), "free": Decimal(90)}}
    whole = rollup(BOOK["F36"], parts, ["A", "B"]).outcome
    assert isinstance(whole, Value)
    assert whole.value == Decimal("17.27")  # 19 / 110; the mean of 90 % and 10 % would be 50 %


def test_a_late_unit_stays_out_with_all_its_operands_and_is_named() -> None:
    parts: dict[str, Operands] = {"A": {"disbursed": Decimal(30), "plan": Decimal(100)}, "B": {"disbursed": None, "plan": Decimal(900)}}
    whole = rollup(BOOK["F02"], parts, ["A", "B", "C"])
    assert isinstance(whole.outcome, Value)
    assert whole.outcome.value == Decimal("30.00")
    assert whole.coverage == (1, 3, ("B", "C"))
    assert rollup(BOOK["F02"], {}, ["A"]).outcome == Absence("missing_operand", ("disbursed", "plan"))


def test_an_index_does_not_add_up_over_territories() -> None:
    with pytest.raises(NotAdditive, match="F21: cpi"):
        rollup(BOOK["F21"], {}, [])


@pytest.mark.parametrize(
    ("definition", "operands", "outcome"),
    [
        ("F10", {"new": 5, "dissolved": 0}, Absence("zero_denominator", ("dissolved",))),
        ("F36", {"occupied": 0, "free": 0}, Absence("zero_denominator", ("free", "occupied"))),
        ("F09", {"investment": 1, "grdp": 90, "before": 100},
         Absence("condition", ("before", "grdp"), "GRDP không tăng so với cùng kỳ", "GRDP did not grow over the same period")),
        ("F09", {"investment": 1, "grdp": 100, "before": 100},
         Absence("condition", ("before", "grdp"), "GRDP không tăng so với cùng kỳ", "GRDP did not grow over the same period")),
    ],
)  # fmt: skip
def test_no_value_has_a_reason(definition: str, operands: dict[str, int], outcome: Absence) -> None:
    assert BOOK[definition].evaluate({role: Decimal(n) for role, n in operands.items()}) == outcome


def test_reasons_in_words() -> None:
    names = {"dissolved": "doanh nghiệp giải thể"}
    assert Absence("zero_denominator", ("dissolved",)).text_vi(names) == "mẫu số bằng 0: doanh nghiệp giải thể"
    assert Absence("missing_operand", ("dissolved", "new")).text_vi(names) == "chưa có số liệu: doanh nghiệp giải thể, new"
    assert Absence("not_published", ("cpi",)).text_en({}) == "not published yet: cpi"
    assert Absence("condition", (), "GRDP không tăng", "no growth").text_vi({}) == "không tính được: GRDP không tăng"


YEAR_TO_DATE = Term(indicator="a/A", take="year_to_date")


def test_a_missing_month_makes_the_year_to_date_absent_and_a_feed_of_days_does_not() -> None:
    months = {month(2026, n): Decimal(n) for n in (1, 2, 3)}
    assert operand(YEAR_TO_DATE, month(2026, 3), months) == 6
    del months[month(2026, 2)]
    assert operand(YEAR_TO_DATE, month(2026, 3), months) is None
    days = {day("2026-01-05"): Decimal(10), day("2026-03-31"): Decimal(5), day("2026-04-01"): Decimal(99), day("2025-12-31"): Decimal(99)}
    assert operand(YEAR_TO_DATE.model_copy(update={"period_type": "day"}), month(2026, 3), days) == 15
    assert operand(YEAR_TO_DATE.model_copy(update={"period_type": "day"}), month(2027, 3), days) is None


def test_the_newest_plan_of_the_year_counts_and_none_of_another_year() -> None:
    plan = Term(indicator="a/A", figure="plan", take="newest")
    values = {periods.period_of("year", day_start(date(2026, 1, 1))): Decimal(100), day("2026-06-15"): Decimal(120),
              periods.period_of("year", day_start(date(2025, 1, 1))): Decimal(80)}  # fmt: skip
    assert operand(plan, month(2026, 3), values) == 100
    assert operand(plan, month(2026, 6), values) == 120
    assert operand(plan, month(2025, 12), values) == 80
    assert operand(plan, month(2024, 12), values) is None


def test_the_budget_year_takes_the_january_in_which_its_investment_is_last_paid() -> None:
    paid = {day("2026-03-10"): Decimal(10), day("2027-01-20"): Decimal(5)}
    feed = YEAR_TO_DATE.model_copy(update={"period_type": "day"})
    assert operand(feed, periods.budget_year(2026), paid) == 15
    assert operand(feed, month(2026, 12), paid) == 10


def test_a_merged_province_has_a_same_period_of_last_year() -> None:
    successors = Vocabulary.load(HOME).successors
    former: dict[str, Operands] = {
        "30": {"disbursed": Decimal(40), "plan": Decimal(100)}, "31": {"disbursed": Decimal(30), "plan": Decimal(40)},
    }  # fmt: skip
    merged = regrouped(former, successors)
    assert (sorted(merged.parts), merged.split) == (["31"], ())  # Hải Dương and Hải Phòng are one since July 2025
    before = rollup(BOOK["F02"], merged.parts["31"], ["30", "31"]).outcome
    assert isinstance(before, Value)
    assert before.value == Decimal("50.00")  # 70 / 140; neither 40 % nor 75 % nor their mean
    assert regrouped(former, lambda unit: ("01", "02") if unit == "30" else ()).split == ("30", "31")


def test_terms_reach_back_to_the_previous_period_the_same_one_and_december() -> None:
    values = {month(2025, 12): Decimal(12), month(2025, 2): Decimal(2), month(2026, 1): Decimal(1), month(2026, 2): Decimal(20)}
    terms = [Term(indicator="a/A", at="this"), Term(indicator="a/A", at="previous"), Term(indicator="a/A", at="same_period"),
             Term(indicator="a/A", at="december")]  # fmt: skip
    at = {term.at: operand(term, month(2026, 2), values) for term in terms}
    assert at == {"this": 20, "previous": 1, "same_period": 2, "december": 12}


def test_operands_of_a_formula_are_read_term_by_term() -> None:
    table = {"A.XI.7": {month(2026, 2): Decimal(184), month(2025, 2): Decimal(230)}}
    operands = operands_of(BOOK["F07"], month(2026, 2), lambda term: table[term.indicator.partition("/")[2]])
    assert operands == {"cases": 184, "before": 230}


@given(st.sampled_from(FORMULAS), st.data())
def test_a_formula_gives_what_its_definition_gives_and_its_two_sides_give_it_again(formula: Formula, data: st.DataObject) -> None:
    operands = {role: data.draw(amounts) for role in formula.inputs}
    outcome = BOOK[formula.definition].evaluate(operands)
    given = formula.evaluate({role: int(value.scaleb(6)) for role, value in operands.items()})
    assert given.value == (outcome.value if isinstance(outcome, Value) else None)
    assert given.reason == ("" if isinstance(outcome, Value) else outcome.reason)
    if formula.factor and given.value is not None and all(operands.values()):
        assert given.numerator is not None
        assert given.denominator
        if formula.id.startswith(("F01.", "F02.", "F36.")):  # the sides are sums of series, so nothing of them is rounded
            assert formula.ratio(Decimal(given.numerator), Decimal(given.denominator)) == given.value
    definition = BOOK[formula.definition].definition
    assert (definition.measure_unit, definition.places) == (formula.measure_unit, formula.places)


def test_every_definition_is_computed_or_says_why_it_is_not() -> None:
    carried = {f.definition for f in FORMULAS}
    assert carried | set(FORMULA_BOOK.idle) == {d.definition.id for d in BOOK}
    assert not carried & set(FORMULA_BOOK.idle)
    assert {d for d, idle in FORMULA_BOOK.idle.items() if idle == PUBLISHED} == {d.definition.id for d in BOOK if d.definition.published}
    assert all(idle.reason_vi and idle.reason_en for idle in FORMULA_BOOK.idle.values())


def test_the_ids_of_formulas_are_for_ever() -> None:
    ids = {"F01.province", "F02.province", "F02.country", "F02.rank", "F36.hospital", "F36.province", "DISBURSED.province"}
    assert ids <= set(FORMULA_BOOK.formulas)
    assert FORMULA_BOOK["F02.province"].figure_compared == "plan_pm"
    assert [f.id for f in FORMULA_BOOK.rankings_of("F02.province")] == ["F02.rank"]
    assert FORMULA_BOOK.series_of(FORMULA_BOOK["F02.local.country"]) == {("vn-1012/A.II.3", "")}
