"""Rules on results: a line per rule and result (result_lines.py, rank_line.py), and the condition rows of what they find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from indicators.assigned_task import FORMULAS, OVERDUE
from indicators.derived.formula import Formula
from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.observation import SCALE, STATUSES
from indicators.rule import Rule, RuleBook
from indicators.rules import selection
from indicators.vocabulary import Vocabulary
from stream_processors.assigned import OverdueResult, TaskResult
from stream_processors.composites import composite_result
from stream_processors.conditions import condition_row, measured
from stream_processors.due_line import DueLine
from stream_processors.due_result import DueResult
from stream_processors.dues import AGENCY, Dues
from stream_processors.rank_line import RankLine
from stream_processors.result_lines import Line, PeriodLine, Place, ReadingLine, Verdict
from stream_processors.result_state import Outcome, ResultState
from stream_processors.result_targets import Units
from stream_processors.rule_state import RuleState

_NO_LINES: Final[dict[str, Line]] = {}
"""Of results that no rule looks at: one for all, there may be very many."""


class ResultRules:
    """All rules of one partition's results. `source`: topic and number of the operands, named as the source of conditions; `dues`: what
    is owed, None where reports are not judged."""

    def __init__(
        self, vocabulary: Vocabulary, rules: RuleBook, formulas: FormulaBook, source: tuple[str, int], dues: Dues | None = None
    ) -> None:
        self._vocabulary, self._rules, self._formulas, self._source = vocabulary, rules, formulas, source
        self._dues = dues
        self._units = Units(vocabulary)
        self._lines: dict[str, dict[str, Line]] = {}

    def result(self, result: Result) -> ResultState | None:
        """An empty state for a result; None where its formula is no more."""
        formula = self._formulas.formulas.get(result.formula)
        if formula is None:
            return None
        rule = self._rules.rules.get(result.formula)
        if rule is not None and rule.composite is not None:
            return composite_result(rule, self._rules, self._formulas, self._vocabulary, result)
        if rule is not None and rule.due is not None:
            return self._due_result(rule, result, formula)
        if result.formula in FORMULAS:
            return self._tasks(result, formula)
        return ResultState(result, formula, self._units)

    def _due_result(self, rule: Rule, result: Result, formula: Formula) -> DueResult | None:
        debt = self._dues.debt(result) if self._dues is not None else None
        if self._dues is None or debt is None:
            return None
        return DueResult.of(result, formula, self._units, (self._dues.machine(rule), debt, self._dues.items(debt)))

    def _tasks(self, result: Result, formula: Formula) -> TaskResult:
        found = (OverdueResult if result.formula == OVERDUE else TaskResult)(result, formula, self._units)
        judging = next((rule for rule in self._rules.of_formula(result.formula) if rule.due is not None), None)
        if self._dues is not None and judging is not None:
            found.machine = self._dues.machine(judging)
        return found

    def concerns(self, result: Result) -> bool:
        """Has this result a rule?"""
        return bool(self._lines_of(result.key(), result))

    def kept(self, key: str, place: Place) -> dict[str, RuleState]:
        """What the derived row of a place keeps of each rule."""
        found = ((name, line.kept(place)) for name, line in self._lines.get(key, {}).items())
        return {name: state for name, state in found if state is not None}

    def restore(self, key: str, result: Result, place: Place, kept: Mapping[str, RuleState]) -> None:
        """Take back what a derived row kept; rows of a result in the order of their periods. Rules that are no more are forgotten."""
        for name, line in self._lines_of(key, result).items():
            if name in kept:
                line.restore(place, kept[name])

    def evaluate(self, key: str, state: ResultState, through: int) -> tuple[list[dict[str, Any]], set[Place]]:
        """Condition rows of a settled result, and the places whose derived rows have to be written anew.

        Every figure that is newer than the last one judged, in its order: so a week that arrives at once says what seven days would have
        said, and an alert that rose and fell meanwhile is in the record. Figures of older periods that are others now are judged again.
        """
        rows: list[dict[str, Any]] = []
        touched: set[Place] = set()
        mark = {"through": through, "source_topic": self._source[0], "source_partition": self._source[1], "source_offset": through}
        for line in self._lines_of(key, state.result).values():
            for verdict in line.judge(state):
                rows.append(self._row(line.rule, verdict, state) | mark)
            touched |= line.touched
        return rows, touched

    def _lines_of(self, key: str, result: Result) -> dict[str, Line]:
        found = self._lines.get(key)
        if found is None:
            if not self._rules.of_formula(result.formula):
                return _NO_LINES
            found = self._lines[key] = {rule.id: self._line(rule, key, result) for rule in self._rules_of(result)} or _NO_LINES
        return found

    def _rules_of(self, result: Result) -> Iterator[Rule]:
        about = {name: getattr(result, name) for name in ("territory", "subject_type", "subject_id", "budget_year")}
        about["dimensions"] = selection.dimensions_of(result.dimensions)
        if self._formulas[result.formula].each and result.formula not in FORMULAS:
            return iter(())  # several series in one result: a rule looks at one course
        return (rule for rule in self._rules.of_formula(result.formula) if rule.scope.holds(result.subject_type, about))

    def _line(self, rule: Rule, key: str, result: Result) -> Line:
        if rule.due is not None:
            return DueLine(rule, key)
        if rule.kind == "rank":
            level = self._formulas[self._formulas[result.formula].of].level
            return RankLine(rule, key, tuple(t.code for t in self._vocabulary.territories(level)))
        subject = self._vocabulary.subject(result.subject_type, result.subject_id) if result.subject_type else None
        limits = dict(subject.limits) if subject else {}
        by_reading = rule.by_reading or rule.kind == "composite"
        return (ReadingLine if by_reading else PeriodLine)(rule, key, result.budget_year, limits)

    def _row(self, rule: Rule, verdict: Verdict, state: ResultState) -> dict[str, Any]:
        """The condition row of a verdict; its marks are added by who knows them."""
        evidence = self._identity(rule, state, verdict.outcome) | self._figures(verdict)
        outcome, year = verdict.outcome, state.result.budget_year
        evidence |= measured(rule, verdict.change, verdict.number, outcome.value, outcome.event_time, year)
        evidence |= {"alert_id": verdict.state.alert_id, "since": verdict.state.since}
        if outcome.dimensions:
            evidence["source_record_id"] = outcome.dimensions.partition("=")[2]
        if rule.due is not None:
            evidence |= {"denominator": Decimal(outcome.expected), "missing": outcome.reason}
        return condition_row(rule, verdict.series, verdict.change, verdict.state, evidence, corrected=verdict.corrected)

    def _identity(self, rule: Rule, state: ResultState, outcome: Outcome) -> dict[str, Any]:
        result, formula = state.result, state.formula
        subject = self._vocabulary.subject(result.subject_type, result.subject_id) if result.subject_type else None
        committee = f"PPC-{outcome.territory}"
        agency = subject.agency if subject else committee if self._vocabulary.agency(committee) else rule.owner_agency
        agency = result.subject_id if result.subject_type == AGENCY else agency
        return {
            "indicator": formula.indicator,
            "component": formula.component,
            "territory": outcome.territory,
            "subject_type": result.subject_type,
            "subject_id": result.subject_id,
            "agency": agency,
            "provider": result.subject_id if result.subject_type == AGENCY else "",
            "measure_unit": formula.measure_unit,
            "budget_year": result.budget_year,
            "revision": 0,
            "source_record_id": "",
            "generation": 0,
        }

    def _figures(self, verdict: Verdict) -> dict[str, Any]:
        outcome = verdict.outcome
        return {
            "numerator": decimal(outcome.numerator),
            "denominator": decimal(outcome.denominator),
            "period_type": outcome.period_type,
            "period_start": outcome.period_start,
            "period_end": outcome.period_end,
            "event_time": max(outcome.event_time, verdict.state.evaluated),
            "status": STATUSES[outcome.status],
            "caused_at": outcome.caused_at,
        }


def decimal(unscaled: int | None) -> Decimal | None:
    """An unscaled integer as a decimal with six places."""
    return None if unscaled is None else Decimal(unscaled).scaleb(-SCALE)
