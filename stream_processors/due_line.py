"""The line of a due rule on one report: of every period, what was last said of it, and what is to be said by now.

What was said lies in the derived row of its period, so each period has its alert and none is said twice; what is to be said follows from
the receipts and the clock alone (indicators/rules/due_rule.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from indicators.instant import day_start
from indicators.rule import Rule
from indicators.rules.due_rule import LastWord, Statement
from indicators.rules.finding import Said
from stream_processors.assigned import TaskResult
from stream_processors.conditions import change_of, identity_of
from stream_processors.due_result import DueResult
from stream_processors.result_lines import Place, Verdict
from stream_processors.result_state import Outcome, ResultState
from stream_processors.rule_state import Phase, RuleState


class DueLine:
    """See `result_lines.Line`."""

    def __init__(self, rule: Rule, key: str) -> None:
        self.rule, self._key = rule, key
        self._said: dict[Place, RuleState] = {}
        self.touched: set[Place] = set()

    def restore(self, place: Place, state: RuleState) -> None:
        """See Line."""
        self._said[place] = state

    def kept(self, place: Place) -> RuleState | None:
        """See Line."""
        return self._said.get(place)

    def judge(self, state: ResultState) -> Iterator[Verdict]:
        """See Line."""
        self.touched.clear()
        assert isinstance(state, DueResult | TaskResult)
        begins = day_start(self.rule.valid_from)
        for outcome in sorted(state.outcomes.values(), key=lambda o: o.period_start):
            place = outcome.spot, outcome.period_start
            period = outcome.period
            said = self._said.get(place, RuleState(evaluated=begins - 1))
            last = LastWord(Said(said.severity, said.since), said.evaluated)
            for one in state.machine.judge(period, state.owed_by(outcome), last, state.clock):
                if self.rule.valid_at(one.at):
                    self.touched.add(place)
                    yield self._verdict(place, one, state.at(outcome, one.at), state)

    def _verdict(self, place: Place, one: Statement, outcome: Outcome, state: DueResult | TaskResult) -> Verdict:
        finding = one.finding
        former = self._said.get(place, RuleState())
        key = state.result._replace(dimensions=outcome.dimensions).key() if outcome.dimensions else self._key
        identity = identity_of(self.rule.id, key, finding, former)
        number = finding.number or Decimal(0)
        now = RuleState(alert_id=identity, evaluated=one.at, value=number)
        if finding.severity:
            now = replace(now, phase=Phase.ACTIVE, severity=finding.severity, since=finding.since)
        self._said[place] = now
        cancelled = finding.transition == "corrected"
        change = change_of(finding, state.machine.ladder)
        if cancelled:
            change = replace(change, transition="cleared")
        # What was over before we were told of it is still news: a message is as old as the record, not as the day that has passed.
        heard = replace(outcome, event_time=one.at, caused_at=max(one.at, outcome.caused_at))
        return Verdict(heard, key, change, replace(now, since=finding.since), finding.number, corrected=cancelled)
