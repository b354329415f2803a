"""Backtest: what a rule would have raised over a stretch of history, beside what was raised.

History is what ClickHouse holds: every state of a result (`derived`) in the order it was written, every observation of a series in the
order it came in. The rule is judged by the evaluators of the workers, as if it had been in force: results by their lines, readings by the
ladder, reported periods and silence by their evaluators. What lies before the stretch is judged too, and not shown: a comparison needs its
base. A result is judged where it came to rest, as the workers do (stream_processors/horizon.py): the states it passed through while its
parts were folded one after another are nobody's figure.

Reports due and tasks are judged over their receipts (backtest_dues.py). Composites and the watchdog have no history of their own here and
are refused with what to do instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.dimension_sets import set_formulas
from indicators.instant import local_day
from indicators.observation import STATUSES
from indicators.period import Period
from indicators.rule import Rule, RuleBook
from indicators.rules.series_rule import Reading, SeriesRule, SeriesState
from indicators.rules.silence import SilenceRule, SilenceState, hours_of
from indicators.series import Series, parse
from indicators.vocabulary import Vocabulary
from ops.backtest_dues import RECEIPTS, DueHistory
from stream_processors import assigned
from stream_processors.expected import expected_series
from stream_processors.horizon import Touch
from stream_processors.operand import MEMBER, Operand
from stream_processors.result_rules import ResultRules
from stream_processors.result_state import Outcome, ResultState
from stream_processors.rule_state import Ladder, RuleState, advance
from transport.settings import HOME

MOST_ROWS: Final = 5_000_000
DERIVED: Final = """
SELECT result, territory, period_type, toUnixTimestamp64Milli(period_start) AS period_start,
    toUnixTimestamp64Milli(period_end) AS period_end, deleted, status, inexact, value, numerator, denominator, rank, of, expected, reason,
    toUnixTimestamp64Milli(event_time) AS event_time, toUnixTimestamp64Milli(caused_at) AS caused_at,
    toUnixTimestamp64Milli(appended) AS appended
FROM derived FINAL
WHERE formula = {formula:String} AND derived.event_time < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
ORDER BY derived.appended, topic, partition, offset LIMIT {most:Int64}
"""
OBSERVATIONS: Final = """
SELECT series, period_type, toUnixTimestamp64Milli(period_start) AS period_start, toUnixTimestamp64Milli(period_end) AS period_end,
    toUnixTimestamp64Milli(event_time) AS event_time, value, status, revision, source_record_id, budget_year
FROM observations FINAL
WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
    AND observations.event_time < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
ORDER BY appended, topic, partition, offset LIMIT {most:Int64}
"""
RAISED: Final = """
SELECT series, transition, severity, toUnixTimestamp64Milli(event_time) AS event_time, value
FROM conditions FINAL
WHERE rule = {rule:String} AND conditions.event_time >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    AND conditions.event_time < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
ORDER BY event_time, series
"""
ENDED: Final = ("cleared", "better", "corrected")
"""How an alert is eased depends on how much was known at once; these are compared as one."""


class BacktestError(ValueError):
    """The rule has no history to be judged over; the message says what to do instead."""


class History(Protocol):
    """What a backtest asks of ClickHouse: rows as mappings."""

    def rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]: ...


class Step(NamedTuple):
    """One change: event time (epoch ms), series or result, transition, severity after it, the number."""

    at: int
    series: str
    transition: str
    severity: int
    value: Decimal | None

    @property
    def likeness(self) -> tuple[int, str, str, int]:
        """What makes two steps the same."""
        return self.at, self.series, "ended" if self.transition in ENDED else "raised", self.severity


@dataclass(frozen=True, slots=True)
class Outcomes:
    """`same`: raised and found again; `only_now`: what the rule as it is would add; `only_then`: what was raised and it would not."""

    same: list[Step]
    only_now: list[Step]
    only_then: list[Step]


def backtest(
    rule: Rule, vocabulary: Vocabulary, formulas: FormulaBook, history: History, since: int, until: int, home: Path = HOME
) -> Outcomes:
    """Judge a rule over [since, until), event times in epoch ms. Raises BacktestError; DataFileError where obligations are wrong."""
    steps = judged(_in_force(rule, since), vocabulary, formulas, history, until, home)
    now = [step for step in steps if since <= step.at < until]
    window = {"rule": rule.id, "since": since, "until": until}
    then = [Step(r["event_time"], r["series"], r["transition"], r["severity"], r["value"]) for r in history.rows(RAISED, window)]
    left = Counter(step.likeness for step in then)
    same: list[Step] = []
    only_now: list[Step] = []
    for step in sorted(now):
        known = left[step.likeness] > 0
        left[step.likeness] -= known
        (same if known else only_now).append(step)
    found = Counter(step.likeness for step in now)
    only_then = []
    for step in then:
        if found[step.likeness] > 0:
            found[step.likeness] -= 1
        else:
            only_then.append(step)
    return Outcomes(same, only_now, only_then)


def judged(
    rule: Rule, vocabulary: Vocabulary, formulas: FormulaBook, history: History, until: int, home: Path = HOME
) -> Iterator[Step]:
    """Every step of a rule over what happened before `until`."""
    if not rule.has_history:
        raise BacktestError(
            f"{rule.id}: loại quy tắc hoặc số liệu này chưa có lịch sử để chạy lại; thử với quy tắc thành phần / no history for this kind "
            "or its figures; try the rules it is made of"
        )
    if rule.kind == "due":
        return _of_dues(DueHistory(rule, vocabulary, formulas, home), history, until)
    if rule.scope.formula:
        return _of_results(rule, vocabulary, formulas, history, until)
    asked = {"indicator": rule.scope.indicator, "component": rule.scope.component, "figure": rule.scope.figure}
    rows = history.rows(OBSERVATIONS, asked | {"until": until, "most": MOST_ROWS})
    if rule.kind == "absence":
        return _of_silence(rule, vocabulary, rows)
    spec = vocabulary.series_spec(rule.scope.indicator, rule.scope.component)
    by_period = spec is not None and spec.fold_of(rule.scope.figure) == "reported"
    return (_of_periods if by_period else _of_readings)(rule, vocabulary, rows)


def _of_dues(judge: DueHistory, history: History, until: int) -> Iterator[Step]:
    rows = history.rows(RECEIPTS, {"indicators": judge.indicators, "until": until, "most": MOST_ROWS})
    for said in judge.judged(rows, until):
        yield Step(said["event_time"], said["series"], said["transition"], said["severity"], said["value"])


def _of_results(rule: Rule, vocabulary: Vocabulary, formulas: FormulaBook, history: History, until: int) -> Iterator[Step]:
    """Every result, each time it came to rest, in the order the workers wrote its states."""
    book = formulas.extended([*set_formulas(vocabulary.series_specs()), *assigned.formulas()])
    rules = ResultRules(vocabulary, RuleBook([rule]), book, ("derived", 0))
    results: dict[str, ResultState | None] = {}
    waiting: dict[str, Touch] = {}
    for row in history.rows(DERIVED, {"formula": rule.scope.formula, "until": until, "most": MOST_ROWS}):
        key, now = row["result"], row["appended"] / 1000
        yield from _settled(rules, results, waiting, now)
        if key not in results:
            results[key] = rules.result(Result.parse(key))
        state, outcome = results[key], _outcome(row)
        if state is None:
            continue
        state.outcomes[outcome.territory, outcome.period_start] = outcome
        if rule.kind == "rank" and outcome.event_time >= outcome.period_start:
            _reported(state.operands, outcome)
        waiting[key] = Touch(waiting[key].first if key in waiting else now, now)
    yield from _settled(rules, results, waiting, float("inf"))


def _settled(
    rules: ResultRules, results: Mapping[str, ResultState | None], waiting: dict[str, Touch], now: float
) -> Iterator[Step]:
    """Judge what came to rest before `now` (seconds of the states' appending), in that order; it waits no longer."""
    for key in sorted((key for key, touch in waiting.items() if touch.due_at() <= now), key=lambda key: waiting[key].due_at()):
        del waiting[key]
        state = results[key]
        assert state is not None, "only what the rule looks at waits"
        for said in rules.evaluate(key, state, 0)[0]:
            yield Step(said["event_time"], said["series"], said["transition"], said["severity"], said["value"])


def _outcome(row: Mapping[str, Any]) -> Outcome:
    kept = ("territory", "period_type", "period_start", "period_end", "inexact", "value", "rank", "of", "expected", "reason", "event_time")
    figures = {name: None if row[name] is None else int(row[name].scaleb(6)) for name in ("numerator", "denominator")}
    fields = {name: row[name] for name in kept} | figures
    return Outcome(deleted=bool(row["deleted"]), status=STATUSES.index(row["status"]), marks=(), caused_at=row["caused_at"], **fields)


def _reported(operands: dict[str, Any], outcome: Outcome) -> None:
    """A member of a ranking that brought a figure in this very period."""
    series = f"of|{outcome.territory}|||"
    operands.setdefault(MEMBER, {}).setdefault(outcome.period_start, {})[series] = Operand(
        MEMBER, series, outcome.period_type, outcome.period_start, outcome.period_end, outcome.value is None, 0, outcome.status, 0, 1, "",
        0, 0, 0, outcome.event_time, outcome.caused_at,
    )  # fmt: skip


def _of_readings(rule: Rule, vocabulary: Vocabulary, rows: Iterator[Mapping[str, Any]]) -> Iterator[Step]:
    """Readings that became their series' newest, or corrected it."""
    ladders: dict[str, Ladder | None] = {}
    states: dict[str, RuleState] = {}
    newest: dict[str, tuple[int, str]] = {}
    for row in rows:
        series, at = row["series"], row["event_time"]
        if series not in ladders:
            ladders[series] = _ladder(rule, vocabulary, parse(series))
        ladder, (last, record) = ladders[series], newest.get(series, (0, ""))
        if ladder is None or row["value"] is None or row["status"] not in rule.accept_status or not rule.valid_at(at):
            continue
        if at < last and row["source_record_id"] != record:
            continue
        newest[series] = max(at, last), row["source_record_id"]
        states[series], change = advance(ladder, states.get(series, RuleState()), max(at, last), row["value"], rule.highest(row["status"]))
        if change is not None:
            severity = 0 if change.transition == "cleared" else states[series].severity
            yield Step(at, series, change.transition, severity, row["value"])


def _of_periods(rule: Rule, vocabulary: Vocabulary, rows: Iterator[Mapping[str, Any]]) -> Iterator[Step]:
    """Reports of periods, each with its revision."""
    machines: dict[str, SeriesRule | None] = {}
    states: dict[str, SeriesState] = {}
    for row in rows:
        series = row["series"]
        if series not in machines:
            ladder = _ladder(rule, vocabulary, parse(series))
            machines[series] = None if ladder is None else SeriesRule(rule, _limits(vocabulary, parse(series)))
        machine = machines[series]
        if machine is None or rule.period not in ("", row["period_type"]):
            continue
        period = Period(row["period_type"], row["period_start"], row["period_end"])
        reading = Reading(period, row["value"], row["status"], row["revision"], row["event_time"], row["budget_year"])
        states[series], finding = machine.step(states.get(series, SeriesState()), reading)
        if finding is not None:
            yield Step(row["event_time"], series, finding.transition, finding.severity, finding.number)


def _of_silence(rule: Rule, vocabulary: Vocabulary, rows: Iterator[Mapping[str, Any]]) -> Iterator[Step]:
    """Silence by the event times of the scope's own series, each expected from its first value on."""
    expected = {series.key() for series, _ in expected_series(rule, vocabulary)}
    heard = sorted((row["event_time"], row["series"]) for row in rows if row["series"] in expected)
    first: dict[str, int] = {}
    for at, series in heard:
        first.setdefault(series, at)
    machine, state = SilenceRule(rule, first, hours_of(rule, vocabulary.trading_calendar)), SilenceState()
    last = 0
    for at, series in heard:
        while (due := machine.next_due(state, last)) is not None and due < at:
            state, found = machine.tick(state, due)
            last = due
            yield from (Step(due, key, f.transition, f.severity, f.number) for key, f in sorted(found.items()) if first[key] <= due)
        state, found = machine.hear(state, series, at)
        last = max(last, at)
        yield from (Step(at, key, f.transition, f.severity, f.number) for key, f in found.items())


def _ladder(rule: Rule, vocabulary: Vocabulary, series: Series) -> Ladder | None:
    """The ladder for a series; None where the rule does not look at it."""
    about = {name: getattr(series, name) for name in ("territory", "subject_type", "subject_id")}
    if not rule.scope.holds(series.subject_type, about | {"budget_year": 0, "dimensions": dict(series.dimensions)}):
        return None
    return Ladder(rule, _limits(vocabulary, series))


def _limits(vocabulary: Vocabulary, series: Series) -> dict[str, Decimal]:
    subject = vocabulary.subject(series.subject_type, series.subject_id) if series.subject_type else None
    return dict(subject.limits) if subject else {}


def _in_force(rule: Rule, since: int) -> Rule:
    """The rule as if it had been at work over the stretch."""
    return rule.model_copy(update={"status": "active", "valid_from": min(rule.valid_from, local_day(since)), "valid_to": None})
