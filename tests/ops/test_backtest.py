"""A backtest finds again what was raised, and shows apart what another rule would have raised; history is handed in as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from indicators.assigned_task import TASK
from indicators.derived.formula_book import FormulaBook
from indicators.instant import HOUR_MS
from indicators.observation import Observation
from indicators.period import period_of
from indicators.receipt import receipt_of
from indicators.rule import RuleBook
from indicators.rules.cases import instant
from indicators.vocabulary import Vocabulary
from ops.backtest import DERIVED, OBSERVATIONS, RAISED, BacktestError, Step, backtest
from ops.backtest_dues import RECEIPTS
from ops.backtest_history import ClickHouseHistory, _place
from ops.commands import rules as command
from ops.stack.control import StackError
from tests.sinks.test_questions import fill
from transport.settings import HOME, Settings

BOOK, FORMULAS, VOCABULARY = RuleBook.load(HOME), FormulaBook.load(HOME), Vocabulary.load(HOME)
START, END = instant("2026-06-01"), instant("2026-12-01")
HANOI = "vn-1012/D.1|river_level|01|station:TV-HANOI||actual"


class Rows:
    """History as a test tells it."""

    def __init__(self, derived: list[dict[str, Any]] | None = None, observed: list[dict[str, Any]] | None = None, raised: Any = (),
                 received: list[dict[str, Any]] | None = None) -> None:  # fmt: skip
        self._of = {DERIVED: derived or [], OBSERVATIONS: observed or [], RAISED: list(raised), RECEIPTS: received or []}

    def rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        assert values["until"] in (END, instant("2026-11-15"))
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


def received(o: Observation, at: str) -> dict[str, Any]:
    """A record as it was appended."""
    names = ("period_type", "period_start", "period_end", "status", "revision", "reference", "source_record_id", "value", "event_time")
    return {name: getattr(o, name) for name in names} | {"series": o.series().key(), "appended": instant(at)}


def test_reports_due_are_judged_by_their_receipts_as_the_workers_do() -> None:
    one, two = (figure_owed(code) for code in ("vn-1012/A.X.1", "vn-1012/A.X.3"))
    of_july, of_august = (f"2026-{n:02}" for n in (7, 8))
    rows = [received(made(month), f"{month}-20T0{n}:00") for month in (of_july, of_august) for n, made in enumerate((one, two))]
    rows.append(received(replace(one(of_august), revision=1), "2026-09-10T08:00"))  # a correction: it was there in time
    rows.append(received(one("2026-09"), "2026-09-18T08:00"))
    rows.append(received(two("2026-09"), "2026-10-01T08:00"))
    rows.append(received(one("2026-10"), "2026-10-16T08:00"))
    rows.append(received(receipt_of(two("2026-10"), instant("2026-10-19T08:00")), "2026-10-19T08:00"))
    rows.append(received(two("2026-10"), "2026-11-06T09:00"))
    found = backtest(BOOK.rules["BC-QUA-HAN"], VOCABULARY, FORMULAS, Rows(received=rows), START, instant("2026-11-15"))
    mine = [(s.transition, s.severity, s.at) for s in found.only_now if "agency:VSS" in s.series and "period=month" in s.series]
    assert mine == [
        ("opened", 1, instant("2026-09-22")), ("worse", 2, instant("2026-09-28")), ("worse", 3, instant("2026-09-30")),
        ("cleared", 0, instant("2026-10-01T08:00")),
    ], "September's second figure came on 1 October; October's was held in time until its publication"  # fmt: skip


def test_steps_of_every_kind_of_rule_can_be_kept_under_their_place() -> None:
    kept = {
        "BC-QUA-HAN": ("BC-QUA-HAN|VN|agency:VSS|period=month|", "nhip/N.2", "VN", "agency", "VSS"),
        "NV-DEN-HAN": ("ASSIGNED-TASKS|31|agency:DOF-31|task=NV-1|", "ASSIGNED-TASKS", "31", "agency", "DOF-31"),
        "TV-MUC-NUOC-BAO-DONG": (HANOI, "vn-1012/D.1", "01", "station", "TV-HANOI"),
    }
    for name, place in kept.items():
        assert _place(BOOK.rules[name], Step(START, place[0], "opened", 1, None)) == place


def test_tasks_are_judged_by_their_own_days() -> None:
    def task(done: bool, revision: int) -> Observation:
        start, end = instant("2026-07-01"), instant("2026-07-11")
        return Observation(
            indicator=TASK, concept="assigned_tasks_open", measure_unit="task", period_type="on_decision", period_start=start,
            period_end=end, event_time=start, ingested_at=start, territory="31", agency="DOF-31", provider="OOG", source_system="tasks",
            source_record_id="NV-1", dimensions=(("agency", "DOF-31"),), revision=revision, value=Decimal(0 if done else 1),
            status="official",
        )  # fmt: skip

    rows = [received(task(False, 0), "2026-07-01T09:00"), received(task(True, 1), "2026-07-14T10:00")]
    found = backtest(BOOK.rules["NV-DEN-HAN"], VOCABULARY, FORMULAS, Rows(received=rows), START, END)
    assert [(s.transition, s.severity, s.at) for s in found.only_now] == [
        ("opened", 1, instant("2026-07-01")), ("worse", 2, instant("2026-07-13")), ("cleared", 0, instant("2026-07-14T10:00")),
    ], "due on Friday 10 July, overdue on Monday"  # fmt: skip


def test_the_number_of_overdue_tasks_is_judged_by_its_days() -> None:
    def overdue(day: str, count: int) -> dict[str, Any]:
        start = instant(day)
        at = start + 8 * HOUR_MS
        about = {"result": "TASKS-OVERDUE|31|agency:DOF-31||", "territory": "31", "period_type": "day", "period_start": start,
                 "period_end": start + 24 * HOUR_MS, "value": Decimal(count), "event_time": at, "appended": at}  # fmt: skip
        return state(6, "0") | about

    history = [overdue("2026-07-13", 0), overdue("2026-07-14", 50), overdue("2026-07-20", 0)]
    found = backtest(BOOK.rules["NV-QUA-HAN"], VOCABULARY, FORMULAS, Rows(history), START, END)
    assert [(s.transition, s.value) for s in found.only_now] == [("opened", Decimal(50)), ("cleared", Decimal(0))]


def figure_owed(code: str) -> Callable[[str], Observation]:
    """A monthly figure of the country that Social Security owes."""

    def made(month: str) -> Observation:
        period = period_of("month", instant(month))
        return Observation(
            indicator=code, concept="c", measure_unit="u", period_type="month", period_start=period.start_ms, period_end=period.end_ms,
            event_time=period.start_ms, ingested_at=period.end_ms, territory="VN", agency="VSS", provider="VSS", source_system="intake",
            source_record_id=f"{code}-{month}", value=Decimal(1),
        )  # fmt: skip

    return made


def test_a_rule_without_history_says_what_to_do() -> None:
    for name in ("GN-NHIEU-TINH-CHAM", "HT-TU-GIAM-SAT", "NL-THIEU-DIEN"):
        with pytest.raises(BacktestError, match="quy tắc thành phần"):
            backtest(BOOK.rules[name], VOCABULARY, FORMULAS, Rows(), START, END)


def test_the_command_names_what_it_cannot_read() -> None:
    run = CliRunner().invoke
    for arguments in (["KHONG-CO", "--from", "01/01/2026", "--to", "02/01/2026"], ["TN-SUC-MUA", "--from", "2026", "--to", "02/01/2026"]):
        assert isinstance(run(command.app, ["backtest", *arguments]).exception, StackError)


@pytest.mark.loopback
def test_receipts_are_read_from_clickhouse_in_the_order_they_were_appended(settings: Settings, database: Client) -> None:
    two = figure_owed("vn-1012/A.X.3")
    sent = [two("2026-09"), replace(two("2026-09"), status="deleted", value=None, revision=1), two("2026-10")]
    fill(database, "obs.social_insurance", [o.record() for o in sent], [o.series().key().encode() for o in sent])
    with ClickHouseHistory(settings) as history:
        rows = list(history.rows(RECEIPTS, {"indicators": ["vn-1012/A.X.3"], "until": instant("2027-01-01"), "most": 10}))
        before = list(history.rows(RECEIPTS, {"indicators": ["vn-1012/A.X.3"], "until": 1, "most": 10}))
    assert [(row["series"], row["status"], row["revision"], row["period_start"]) for row in rows] == [
        (o.series().key(), o.status, o.revision, o.period_start) for o in sent
    ]
    assert {type(row["appended"]) for row in rows} == {int}
    assert before == []
