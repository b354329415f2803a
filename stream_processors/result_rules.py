"""Rules on results: the number measured is the newest value, or how far it lies behind the plan's path at its event time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from indicators.formula import Result
from indicators.observation import SCALE, STATUSES
from indicators.rule import Rule
from indicators.vocabulary import Vocabulary
from stream_processors.conditions import alert_id, condition_row, scaled
from stream_processors.result_state import Outcome, ResultState
from stream_processors.rule_state import Change, Ladder, RuleState, advance

_FRESH = RuleState()


class ResultRules:
    """States of all rules of one partition's results. `partition`: topic and number of the operands, named as the source of conditions."""

    def __init__(self, vocabulary: Vocabulary, rules_of: dict[str, list[Rule]], source: tuple[str, int]) -> None:
        self._vocabulary, self._rules, self._source = vocabulary, rules_of, source
        self._ladders: dict[tuple[str, str], Ladder] = {}
        self.states: dict[str, dict[str, RuleState]] = {}

    def concerns(self, result: Result) -> list[Rule]:
        """Rules on this result."""
        return [r for r in self._rules.get(result.formula, []) if r.scope.subject_type in ("", result.subject_type)]

    def evaluate(self, key: str, state: ResultState, through: int) -> list[dict[str, Any]]:
        """Condition rows of a settled result: every period that is newer than the last one judged, in its order, and a newest period that
        was corrected.

        So a week that arrives at once says what seven days would have said, and an alert that rose and fell meanwhile is in the record.
        """
        rows = []
        for rule in self.concerns(state.result):
            after = former = self.states.get(key, {}).get(rule.id, _FRESH)
            for outcome in state.since(former.evaluated):
                if rule.valid_at(outcome.event_time) and STATUSES[outcome.status] in rule.accept_status:
                    after, row = self._step(key, rule, state, after, outcome)
                    if row is not None:
                        mark = {"through": through, "source_topic": self._source[0], "source_partition": self._source[1]}
                        rows.append(row | mark | {"source_offset": through})
            if after is not former:
                self.states.setdefault(key, {})[rule.id] = after
        return rows

    def _step(
        self, key: str, rule: Rule, state: ResultState, former: RuleState, outcome: Outcome
    ) -> tuple[RuleState, dict[str, Any] | None]:
        """The rule after one outcome, and the condition row of a change; its marks are added by who knows them."""
        value = outcome.value or Decimal(0)
        path = rule.pacing.share_at(outcome.event_time, state.result.budget_year) if rule.pacing else None
        number = value if path is None else path - value
        corrected = outcome.event_time == former.evaluated
        if corrected and former is not _FRESH and scaled(number) == scaled(former.value):
            return former, None
        after, change = advance(self._ladder(key, rule, state.result), former, outcome.event_time, number)
        if change is None:
            return after, None
        opened = change.transition == "opened"
        identity = alert_id(rule.id, key, outcome.period_start) if opened else former.alert_id
        since = outcome.period_start if opened else former.since
        if change.transition != "cleared":
            after = replace(after, alert_id=identity, since=since)
        evidence = self._identity(state) | self._figures(outcome) | _compared(rule, outcome, change, path)
        evidence |= {"alert_id": identity, "since": since}
        return after, condition_row(rule, key, change, after, evidence, corrected=corrected)

    def _ladder(self, key: str, rule: Rule, result: Result) -> Ladder:
        found = self._ladders.get((key, rule.id))
        if found is None:
            subject = self._vocabulary.subject(result.subject_type, result.subject_id) if result.subject_type else None
            found = self._ladders[key, rule.id] = Ladder(rule, dict(subject.limits) if subject else {})
        return found

    def _identity(self, state: ResultState) -> dict[str, Any]:
        result, formula = state.result, state.formula
        subject = self._vocabulary.subject(result.subject_type, result.subject_id) if result.subject_type else None
        return {
            "indicator": formula.indicator,
            "component": formula.component,
            "territory": result.territory,
            "subject_type": result.subject_type,
            "subject_id": result.subject_id,
            "agency": subject.agency if subject else f"PPC-{result.territory}",
            "provider": "",
            "measure_unit": formula.measure_unit,
            "budget_year": result.budget_year,
            "revision": 0,
            "source_record_id": "",
            "generation": 0,
        }

    def _figures(self, newest: Outcome) -> dict[str, Any]:
        return {
            "numerator": decimal(newest.numerator),
            "denominator": decimal(newest.denominator),
            "period_type": newest.period_type,
            "period_start": newest.period_start,
            "period_end": newest.period_end,
            "event_time": newest.event_time,
            "status": STATUSES[newest.status],
            "caused_at": newest.caused_at,
        }


def _compared(rule: Rule, newest: Outcome, change: Change, path: Decimal | None) -> dict[str, Any]:
    """The value, what it is held against, and the gap between: to the plan's path, or to the limit crossed."""
    crossed = change.level.clear_at if change.transition in ("cleared", "better") else change.level.raise_at
    limit = path if path is not None else abs(crossed)
    value = newest.value or Decimal(0)
    gap = path - value if path is not None else value - limit
    comparison = rule.pacing.figure if rule.pacing else "limit"
    return {"comparison": comparison, "value": scaled(value), "limit": scaled(limit), "gap": scaled(gap)}


def decimal(unscaled: int | None) -> Decimal | None:
    """An unscaled integer as a decimal with six places."""
    return None if unscaled is None else Decimal(unscaled).scaleb(-SCALE)
