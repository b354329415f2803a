"""Quality of data, by hand and by law."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from indicators.period import Period
from indicators.quality import (
    Completeness,
    Conflict,
    Due,
    Inconsistency,
    Report,
    Revisions,
    Timeliness,
    completeness,
    conflicts,
    duplicates,
    inconsistency,
    known_at,
    newest,
    revisions,
    rounding,
    timeliness,
)  # fmt: skip
from tests.indicators.comparisons.support import month

D = Decimal
HOUR = 3_600_000
FEBRUARY = month(2026, 2)


def report(
    value: str | None, revision: int = 0, at: int = 0, provider: str = "VST", series: str = "s", period: Period = FEBRUARY
) -> Report:
    record = f"{series}/{period.start_ms}/{provider}"
    return Report(series, period, provider, record, revision, None if value is None else D(value), at)


def test_timeliness_counts_the_first_report_and_only_what_is_due() -> None:
    dues = [Due("s", month(2026, n), "VST", n * 10 * HOUR) for n in (1, 2, 3, 4)] + [Due("t", month(2026, 1), "TAX", 10 * HOUR)]
    reports = [report("1", at=9 * HOUR, period=month(2026, 1)), report("2", 1, 15 * HOUR, period=month(2026, 1)),
               report("1", at=23 * HOUR, period=month(2026, 2)), report("1", at=35 * HOUR, period=month(2026, 3))]  # fmt: skip
    # At hour 36: due 10 (in time), 20 (3 hours late), 30 (5 hours late), another series (absent); hour 40 is not due yet.
    assert timeliness(dues, reports, 36 * HOUR) == Timeliness(4, 1, 2, 1, D("25.00"), D("4.00"))
    assert timeliness(dues, reports, 20 * HOUR) == Timeliness(3, 1, 0, 2, D("33.33"), None)
    others = [report("1", at=9 * HOUR, provider="TAX", period=month(2026, 1))]
    assert timeliness(dues[:1], others, 36 * HOUR).in_time == 1, "who sent it is a question of the one source"
    taken_back = [report(None, 2, 12 * HOUR, period=month(2026, 1))]
    assert timeliness(dues[:1], reports + taken_back, 36 * HOUR).absent == 1
    assert timeliness(dues, reports, 0) == Timeliness(0, 0, 0, 0, None, None)
    assert timeliness([Due("s", FEBRUARY, "VST", 5)], [report("1", at=5)], 5).in_time == 1


def test_completeness_names_what_is_not_there() -> None:
    assert completeness(["01", "04", "31"], ["31", "01", "99"]) == Completeness(3, 2, ("04",), D("66.67"))
    assert completeness([], ["31"]) == Completeness(0, 0, (), None)


def test_size_and_bias_of_revisions() -> None:
    reports = [report("100"), report("110", 1), report("104", 2), report("50", series="t"), report("48", 1, series="t"),
               report("7", series="u"), report("0", series="v"), report("3", 1, series="v")]  # fmt: skip
    # +4 % and −4 %: size 4, bias 0; one never revised; one from zero.
    assert revisions(reports) == Revisions(4, 3, D("4.00"), D("0.00"))
    assert revisions([report("1")]) == Revisions(1, 0, None, None)


def test_duplicates_are_repetitions_of_record_and_revision_or_of_the_value() -> None:
    assert duplicates([report("5"), report("5", at=9), report("5", 1), report("6", 2), report("5", 3)]) == 2
    assert duplicates([report("5"), report("5", provider="TAX")]) == 0
    other = report("6", at=9)._replace(record="again")
    assert duplicates([report("5"), other]) == 1, "another record of the same revision"
    assert duplicates([report("5")._replace(status="preliminary"), report("5", 1)]) == 0, "confirmed, with the value as it was"


def test_two_providers_of_one_figure_break_the_rule_of_one_source() -> None:
    reports = [report("5"), report("6", provider="TAX"), report("5", series="t"), report("5", provider="TAX", series="t"),
               report("1", series="u")]  # fmt: skip
    found = conflicts(reports)
    assert found == [Conflict("s", FEBRUARY, (("TAX", D(6)), ("VST", D(5)))), Conflict("t", FEBRUARY, (("TAX", D(5)), ("VST", D(5))))]
    assert [c.agree for c in found] == [False, True]
    assert conflicts([*reports, report(None, 1, provider="TAX"), report(None, 1, provider="TAX", series="t")]) == []


def test_a_whole_and_its_parts() -> None:
    assert inconsistency(D(100), [D(60), D(40)]) is None
    assert inconsistency(D(100), [D(60), D("39.9")], tolerance=D("0.1")) is None
    assert inconsistency(D(100), [D(60), D(50)]) == Inconsistency(D(100), D(110), D(-10), D("-10.00"))
    assert rounding(34, 1) == D("1.75")
    assert inconsistency(D(0), [D(1)]) == Inconsistency(D(0), D(1), D(-1), None)


def test_what_was_known_at_an_instant() -> None:
    reports = [report("5", at=10), report("6", 1, at=20), report(None, 2, at=30)]
    values = {at: [r.value for r in newest(known_at(reports, at)).values()] for at in (9, 10, 20, 30)}
    assert values == {9: [], 10: [D(5)], 20: [D(6)], 30: []}


REPORTS = st.lists(
    st.builds(report, st.sampled_from(["1", "2", None]), st.integers(0, 3), st.integers(0, 9), st.sampled_from(["VST", "TAX"]),
              st.sampled_from("st")),
    max_size=8,
)  # fmt: skip


@given(REPORTS.flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))), st.integers(0, 9))
def test_order_of_arrival_does_not_matter(both: tuple[list[Report], list[Report]], now: int) -> None:
    one, other = both
    # Of two reports of one revision received at one instant none is first: which of them is not a question of order.
    if len({(r.record, r.revision, r.received_at) for r in one}) < len(one):
        return
    dues = [Due(series, FEBRUARY, provider, 5) for series in "st" for provider in ("VST", "TAX")]
    assert (newest(one), conflicts(one)) == (newest(other), conflicts(other))
    assert (revisions(one), duplicates(one)) == (revisions(other), duplicates(other))
    assert timeliness(dues, one, now) == timeliness(dues, other, now)
