"""The line of a rank rule: who stands in the last places of a ranking, judged over the ranking's result, which holds all members.

A member counts as having reported a period when it brought an operand of that very period; in a cumulative ranking the others keep their
place by what they last brought. Alerts are of a member: their series is the ranking's key with the member's territory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from indicators.observation import STATUSES
from indicators.period import Period
from indicators.rule import Rule
from indicators.rules.finding import Finding, Said, ladder_of
from indicators.rules.rank_rule import RankRule, RankState, Table
from stream_processors.conditions import change_of, identity_of, scaled
from stream_processors.operand import MEMBER
from stream_processors.result_lines import Judged, Place, Verdict
from stream_processors.result_state import Outcome, ResultState
from stream_processors.rule_state import RuleState

_PARTICIPANT = 1
"""In the field `candidate` of what a row keeps: the member had reported when its period was judged."""


class RankLine:
    """A Line (stream_processors/result_lines.py). `expected`: codes of the territories that should report."""

    def __init__(self, rule: Rule, key: str, expected: tuple[str, ...]) -> None:
        self.rule, self._key = rule, key
        self._machine = RankRule(rule, expected)
        self._ladder = ladder_of(rule)
        self._judged: dict[Place, tuple[Judged, bool]] = {}
        self._said: dict[str, RuleState] = {}
        self._newest: dict[str, int] = {}
        self._state: RankState | None = None
        self.touched: set[Place] = set()

    def restore(self, place: Place, state: RuleState) -> None:
        """See Line."""
        self._judged[place] = Judged(state.evaluated, state.value, state.status), state.candidate == _PARTICIPANT
        if place[1] >= self._newest.get(place[0], 0):
            self._newest[place[0]], self._said[place[0]] = place[1], state

    def kept(self, place: Place) -> RuleState | None:
        """See Line."""
        if place not in self._judged:
            return None
        one, participant = self._judged[place]
        said = self._said.get(place[0], RuleState()) if self._newest.get(place[0]) == place[1] else RuleState()
        return replace(said, evaluated=one.at, value=one.figure, status=one.status, candidate=_PARTICIPANT * participant)

    def judge(self, state: ResultState) -> Iterator[Verdict]:
        """See Line."""
        self.touched.clear()
        ranks = self._state or self._resumed(state)
        by_period: dict[int, list[Outcome]] = {}
        for outcome in state.outcomes.values():
            by_period.setdefault(outcome.period_start, []).append(outcome)
        newest = max(by_period, default=0)
        for start in sorted(by_period):
            if start == newest and self.rule.whole_periods:
                continue
            reported = state.operands.get(MEMBER, {}).get(start, {})
            present = [o for o in by_period[start] if self._counts(o)]
            if not any(ranks.tables.get(o.period, Table()).participants is not None for o in present):
                members = {operand.series.split("|")[1] for operand in reported.values() if operand.live}
                present = [o for o in present if o.territory in members]
            if present and self.rule.valid_at(max(o.event_time for o in present)):
                values = {o.territory: scaled(o.value or Decimal(0)) for o in present}
                ranks, found = self._machine.table(ranks, present[0].period, values)
                self._remember(present, ranks)
                yield from self._verdicts(found, state)
        self._state = ranks

    def _counts(self, outcome: Outcome) -> bool:
        return outcome.value is not None and not outcome.deleted and STATUSES[outcome.status] in self.rule.accept_status

    def _remember(self, present: list[Outcome], ranks: RankState) -> None:
        """What the rows of a period keep: the figures, once the period is judged."""
        table = ranks.tables.get(present[0].period, Table())
        if table.participants is None:
            return
        start = present[0].period_start
        gone = {place for place in self._judged if place[1] == start} - {(o.territory, start) for o in present}
        self.touched |= gone
        for place in gone:
            del self._judged[place]
        for outcome in present:
            place, unit = (outcome.territory, start), outcome.territory
            entry = Judged(outcome.event_time, scaled(outcome.value or Decimal(0)), outcome.status), unit in table.participants
            if self._judged.get(place) != entry:
                former = self._newest.get(unit)
                self.touched |= {place} | ({(unit, former)} if former is not None else set())
                self._judged[place] = entry
                self._newest[unit] = max(start, former or 0)

    def _verdicts(self, found: Mapping[str, Finding], state: ResultState) -> Iterator[Verdict]:
        for unit, finding in sorted(found.items()):
            series, former = f"{self._key}|{unit}", self._said.get(unit, RuleState())
            identity = identity_of(self.rule.id, series, finding, former)
            now = RuleState(identity, severity=finding.severity, since=finding.since) if finding.severity else RuleState()
            self._said[unit] = now
            self.touched.add((unit, self._newest[unit]))
            start = finding.period.start_ms if finding.period else self._newest[unit]
            said = replace(now, alert_id=identity, since=finding.since)
            yield Verdict(state.outcomes[unit, start], series, change_of(finding, self._ladder), said, finding.number, corrected=False)

    def _resumed(self, state: ResultState) -> RankState:
        """The tables as they were when the process that kept this line stopped."""
        tables: dict[Period, Table] = {}
        for place, (one, participant) in self._judged.items():
            outcome = state.outcomes.get(place)
            if outcome is not None:
                known = tables.get(outcome.period, Table(participants=frozenset()))
                tables[outcome.period] = Table(
                    {**known.values, place[0]: one.figure}, {}, (known.participants or frozenset()) | ({place[0]} if participant else set())
                )
        return RankState(tables, {unit: Said(said.severity, said.since) for unit, said in self._said.items() if said.severity})
