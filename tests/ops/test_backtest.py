"""A backtest finds again what was raised, and shows apart what another rule would have raised; history is handed in as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from typer.testing import CliRunner

from indicators.derived.formula_book import FormulaBook
from indicators.instant import HOUR_MS
from indicators.period import period_of
from indicators.rule import RuleBook
from indicators.rules.cases import instant
from indicators.vocabulary import Vocabulary
from ops.backtest import DERIVED, OBSERVATIONS, RAISED, BacktestError, Step, backtest
from ops.commands import rules as command
from ops.stack.control import StackError
from transport.settings import HOME

BOOK, FORMULAS, VOCABULARY = RuleBook.load(HOME), FormulaBook.load(HOME), Vocabulary.load(HOME)
START, END = instant("2026-06-01"), instant("2026-12-01")
HANOI = "vn-1012/D.1|river_level|01|station:TV-HANOI||actual"


class Rows:
    """History as a test tells it."""

    def __init__(self, derived: list[dict[str, Any]] | None = None, observed: list[dict[str, Any]] | None = None, raised: Any = ()) -> None:
        self._of = {DERIVED: derived or [], OBSERVATIONS: observed or [], RAISED: list(raised)}

    def rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        assert values["until"] == END
        return iter(self._of[sql])


def state(month: int, value: str, appended: int | None = None) -> dict[str, Any]:
    """Of a month; `appended`: epoch ms, None: when the month is over."""
    period = period_of("month", instant(f"2026-{month:02}"))
    return {
        "result": "F02.province|01|||2026", "territory": "01", "period_type": "month", "period_start": period.start_ms,
        "period_end": period.end_ms, "deleted": False, "status": "official", "inexact": 0, "value": Decimal(value), "numerator": None,
        "denominator": None, "rank": 0, "of": 1, "expected": 1, "reason": "", "event_time": period.end_ms - 1, "caused_at": 1,
        "appended": period.end_ms if appended is None else appended,
    }  # fmt: skip


def level(hours: float, value: str, record: str = "") -> dict[str, Any]:
    at = START + int(hours * HOUR_MS)
    return {"series": HANOI, "period_type": "instant", "period_start": at, "period_end": at + 1, "event_time": at, "value": Decimal(value),
            "status": "preliminary", "revision": 0, "source_record_id": record or str(hours), "budget_year": 0}  # fmt: skip


def raised(step: Step) -> dict[str, Any]:
    return step._asdict() | {"event_time": step.at}


def test_what_was_raised_is_found_again_and_a_stricter_rule_shows_what_it_would_add() -> None:
    rule = BOOK.rules["GN-DTC-CHAM-KE-HOACH"]
    history = [state(5, "20"), state(6, "33"), state(7, "38"), state(9, "64.5")]
    first = backtest(rule, VOCABULARY, FORMULAS, Rows(history), START, END)
    assert [(s.transition, s.severity) for s in first.only_now] == [("better", 2), ("worse", 3), ("cleared", 0)]
    again = backtest(rule, VOCABULARY, FORMULAS, Rows(history, raised=[raised(s) for s in first.only_now]), START, END)
    assert (again.same, again.only_now, again.only_then) == (first.only_now, [], [])
    milder = rule.model_copy(update={"levels": rule.levels[2:]})
    other = backtest(milder, VOCABULARY, FORMULAS, Rows(history, raised=[raised(s) for s in first.only_now]), START, END)
    assert (other.same, other.only_now) == ([], [])
    assert other.only_then == first.only_now


def test_states_that_a_result_passed_through_are_not_judged() -> None:
    rule, at = BOOK.rules["GN-DTC-CHAM-KE-HOACH"], START + 40 * 24 * HOUR_MS
    folding = [state(6, value, at + n * 100) for n, value in enumerate(("2", "20", "33"))]
    passed = backtest(rule, VOCABULARY, FORMULAS, Rows(folding), START, END)
    assert [s.value for s in passed.only_now] == [Decimal(33)]
    rested = [state(6, value, at + n * 400) for n, value in enumerate(("2", "20", "33"))]
    rests = backtest(rule, VOCABULARY, FORMULAS, Rows(rested), START, END)
    assert sorted((s.value, s.severity) for s in rests.only_now) == [(Decimal(2), 4), (Decimal(33), 2)], "20 is on the level of 2"


def test_readings_and_silence_of_a_station_are_judged_as_they_came() -> None:
    readings = [level(0, "9"), level(1, "9.6"), level(1.5, "9"), level(2, "9.1"), level(3.2, "9.1")]
    river = backtest(BOOK.rules["TV-MUC-NUOC-BAO-DONG"], VOCABULARY, FORMULAS, Rows(observed=readings), START, END)
    assert [(s.transition, s.severity, s.value) for s in river.only_now] == [("opened", 2, Decimal("9.6")), ("cleared", 0, Decimal("9.1"))]
    silent = backtest(BOOK.rules["TB-TRAM-IM-LANG"], VOCABULARY, FORMULAS, Rows(observed=[level(0, "9"), level(7, "9")]), START, END)
    assert [(s.transition, s.severity, (s.at - START) // HOUR_MS) for s in silent.only_now] == [
        ("opened", 2, 1), ("worse", 3, 6), ("cleared", 0, 7)]  # fmt: skip


def test_a_rule_without_history_says_what_to_do() -> None:
    for name in ("GN-NHIEU-TINH-CHAM", "BC-QUA-HAN", "NL-THIEU-DIEN"):
        with pytest.raises(BacktestError, match="quy tắc thành phần"):
            backtest(BOOK.rules[name], VOCABULARY, FORMULAS, Rows(), START, END)


def test_the_command_names_what_it_cannot_read() -> None:
    run = CliRunner().invoke
    for arguments in (["KHONG-CO", "--from", "01/01/2026", "--to", "02/01/2026"], ["TN-SUC-MUA", "--from", "2026", "--to", "02/01/2026"]):
        assert isinstance(run(command.app, ["backtest", *arguments]).exception, StackError)
