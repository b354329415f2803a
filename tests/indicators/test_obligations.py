"""Who owes what: what follows from the catalogue, and what a wrong line of the file is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError
from indicators.due_list import owed_in
from indicators.instant import day_start
from indicators.obligation import Debt, ObligationBook, owed_period, period_named, periods_of
from ops.commands.catalogue import app
from transport.settings import HOME

PRICES = "vn-1012/A.I.1"


@pytest.fixture(scope="module")
def book() -> ObligationBook:
    return ObligationBook.load(HOME)


def test_series_period_and_provider_are_those_of_the_catalogue(book: ObligationBook) -> None:
    statistics = Debt("NSO", "month", "nd09-2019", "VN")
    assert PRICES in {item.indicator for item in book.items[statistics]}
    for debt, items in book.items.items():
        for item in items:
            spec, row = book.vocabulary.series_spec(item.indicator, item.component), book.vocabulary.indicator(item.indicator)
            assert spec is not None
            assert row is not None
            assert owed_period(spec) == debt.period_type
            assert debt.provider.startswith(row.providers[0])  # a member of a network bears its name


def test_a_network_owes_through_its_members_each_for_its_own_territory(book: ObligationBook) -> None:
    committees = {debt for debt in book.items if debt.provider.startswith("PPC-") and debt.period_type == "month"}
    assert {debt.area for debt in committees} == {unit.code for unit in book.vocabulary.territories("province")}
    item = book.items[next(debt for debt in committees if debt.area == "31")][0]
    commune = next(t.code for t in book.vocabulary.territories() if t.parent == "31")
    assert [debt.provider for debt in book.debts_of(item.indicator, item.component, commune)] == ["PPC-31"]
    assert book.debts_of("vn-1012/D.1", "rain", "31") == []  # a station is watched for silence


def test_periods_of_every_type_owed() -> None:
    first, last = day_start(date(2026, 1, 10)), day_start(date(2026, 12, 20))
    counted = {name: len(periods_of(name, first, last)) for name in ("month", "quarter", "half_year", "july_november", "year")}
    assert counted == {"month": 12, "quarter": 4, "half_year": 2, "july_november": 2, "year": 1}
    assert len(periods_of("reporting_month", day_start(date(2026, 1, 15)), day_start(date(2026, 3, 14)))) == 2


def test_the_list_for_people_has_due_days(book: ObligationBook) -> None:
    october = list(owed_in(book, period_named("2026-10"), WorkingCalendar.load(HOME), "NSO"))
    assert [one.due for one in october] == [date(2026, 10, 23)]  # the 25th is a Sunday
    assert {one.due for one in owed_in(book, period_named("2026-Q3"), WorkingCalendar.load(HOME))} == {date(2026, 9, 25)}
    shown = CliRunner().invoke(app, ["owed", "2026-10", "--provider", "NSO"])
    assert shown.exit_code == 0
    assert PRICES in shown.output
    assert "23/10/2026" in shown.output
    assert CliRunner().invoke(app, ["owed", "2026-13"]).exit_code == 2


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation whose file of obligations may be written; its other files are ours."""
    home = tmp_path_factory.mktemp("installation")
    (home / "catalogue").mkdir()
    for name in ("due-calendars.yaml", "series.yaml", "agencies.yaml", "indicators", "territory"):
        (home / "catalogue" / name).symlink_to(HOME / "catalogue" / name)
    return home


LINE = "- {id: x, title_vi: Thử, catalogue: vn-1012, periods: [month], calendar: nd09-2019"


@pytest.mark.parametrize(
    ("entry", "field", "said"),
    [
        (LINE.replace("nd09-2019", "other") + "}", "obligations.1.calendar", "not in due-calendars.yaml"),
        (LINE.replace("vn-1012", "other") + "}", "obligations.1.catalogue", "does not exist"),
        (LINE + ", rows: [Z.9]}", "obligations.1.rows", "no row Z.9"),
        (LINE + ", provider: NOBODY}", "obligations.1.provider", "agencies.yaml"),
        (LINE + "}", "obligations.1.periods", "owed by another line"),
        (LINE + ", rows: [A.II.4]}", "obligations.1.periods", "no series"),
        (LINE + ", since: 2026-05-01, until: 2026-01-01}", "obligations.1", "until must be after"),
        (LINE + ", nonsense: 1}", "obligations.1.nonsense", "Extra"),
    ],
)
def test_a_wrong_line_is_named_with_file_line_and_field(elsewhere: Path, entry: str, field: str, said: str) -> None:
    first = "obligations:\n- {id: first, title_vi: Thử, catalogue: vn-1012, periods: [month], calendar: nd09-2019, rows: [A.I.1]}\n"
    (elsewhere / "catalogue" / "obligations.yaml").write_text(first + entry + "\n", encoding="utf-8")
    with pytest.raises(DataFileError) as caught:
        ObligationBook.load(elsewhere)
    assert caught.value.field.startswith(field)
    assert said in caught.value.problem
    assert str(caught.value).startswith("catalogue/obligations.yaml:3: ")
