"""Lines: one rule on one result, and what of the result it has judged so far.

Of every period a line remembers the figure it judged, at which event time and in which status. So it knows what is new: a figure of a later
instant is a step forward; a changed figure of a period already judged, or a late one of an older period, is judged again and yields a
correction. What is remembered lies in the `rules` of each period's derived row, the whole state in that of the newest period: what was
not judged when a process died is judged at the next start, and nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from indicators.instant import day_start
from indicators.observation import STATUSES
from indicators.rule import Rule
from indicators.rules.finding import Finding, Said, Transition, ladder_of
from indicators.rules.series_rule import Reading, SeriesRule, SeriesState
from stream_processors.conditions import alert_id, change_of, identity_of, scaled
from stream_processors.result_state import Outcome, ResultState
from stream_processors.rule_state import Change, Ladder, RuleState, advance

Place = tuple[str, int]
"""Territory and start of the period: the key of an outcome."""
_EVER: Final = date(1990, 1, 1)
"""Figures from before a rule's time are no reason for an alert, but the base that later ones are held against."""


class Judged(NamedTuple):
    """A figure as it was judged: event time (epoch ms), value, status as number."""

    at: int
    figure: Decimal
    status: int


class Verdict(NamedTuple):
    """A change that a line found. `number`: what the ladder measured; `corrected`: figures told of before have changed."""

    outcome: Outcome
    series: str
    change: Change
    state: RuleState
    number: Decimal | None
    corrected: bool


class Line(Protocol):
    """One rule on one result."""

    rule: Rule

    def restore(self, place: Place, state: RuleState) -> None:
        """Take back what a derived row kept; newest period last."""

    def kept(self, place: Place) -> RuleState | None:
        """What the derived row of this place keeps; None: nothing of it was judged."""

    def judge(self, state: ResultState) -> Iterator[Verdict]:
        """Judge what has changed since the last time, in the order of event time. `touched` then names the rows to write anew."""

    touched: set[Place]


class Memory:
    """What of a result was judged, by place, and what is new of it."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.judged: dict[Place, Judged] = {}

    @property
    def newest(self) -> Place | None:
        """The place of the newest period judged."""
        return max(self.judged, key=lambda place: place[1], default=None)

    @property
    def evaluated(self) -> int:
        """The newest event time judged, epoch ms."""
        return max((one.at for one in self.judged.values()), default=0)

    def take(self, outcome: Outcome) -> None:
        """From now on this is what was judged of its place."""
        place = outcome.territory, outcome.period_start
        now = self._now(outcome)
        if now is None:
            self.judged.pop(place, None)
        else:
            self.judged[place] = now

    def news(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Outcomes that are not what was judged, in the order of event time."""
        changed = (o for o in outcomes if self._now(o) != self.judged.get((o.territory, o.period_start)))
        return sorted(changed, key=lambda o: (o.event_time, o.period_start, o.territory))

    def kept(self, place: Place, state: RuleState) -> RuleState | None:
        """The entry of a place: `state` in the newest period, else the figure judged alone."""
        one = self.judged.get(place)
        if one is None:
            return None
        return replace(state if place == self.newest else RuleState(), evaluated=one.at, value=one.figure, status=one.status)

    def _now(self, outcome: Outcome) -> Judged | None:
        """What there is to judge of an outcome; None: nothing."""
        if outcome.value is None or outcome.deleted or not self._rule.valid_at(outcome.event_time):
            return None
        if STATUSES[outcome.status] not in self._rule.accept_status:
            return None
        return Judged(outcome.event_time, scaled(outcome.value), outcome.status)


class _ResultLine:
    """What the lines share whose result is one series: a memory of what was judged, and one state.

    `remembers`: the rule whose validity and statuses decide what counts as judged; None: `rule` itself.
    """

    def __init__(self, rule: Rule, key: str, budget_year: int, remembers: Rule | None = None) -> None:
        self.rule, self._key, self._year = rule, key, budget_year
        self._memory = Memory(remembers or rule)
        self.state = RuleState()
        self.touched: set[Place] = set()

    def restore(self, place: Place, state: RuleState) -> None:
        """See Line."""
        self._memory.judged[place] = Judged(state.evaluated, state.value, state.status)
        if place == self._memory.newest:
            self.state = state

    def kept(self, place: Place) -> RuleState | None:
        """See Line."""
        return self._memory.kept(place, self.state)


class ReadingLine(_ResultLine):
    """Threshold and pacing, judged as event time goes on: within a running period too."""

    def __init__(self, rule: Rule, key: str, budget_year: int, limits: Mapping[str, Decimal]) -> None:
        super().__init__(rule, key, budget_year)
        self._ladder = Ladder(rule, limits)

    def judge(self, state: ResultState) -> Iterator[Verdict]:
        """See Line."""
        self.touched.clear()
        news, memory = self._memory.news(state.outcomes.values()), self._memory
        if not news:
            return
        self.touched |= {memory.newest} if memory.newest else set()
        evaluated = memory.evaluated
        again = [o for o in news if o.event_time <= evaluated or o.value is None or o.deleted]
        if again:
            yield from self._correct(again)
        for outcome in (o for o in news if o.event_time > evaluated and o.value is not None and not o.deleted):
            yield from self._go_on(outcome)
        self.touched |= {(o.territory, o.period_start) for o in news} | ({memory.newest} if memory.newest else set())

    def _go_on(self, outcome: Outcome) -> Iterator[Verdict]:
        former, number = self.state, self._number(scaled(outcome.value or Decimal(0)), outcome.event_time)
        self._memory.take(outcome)
        after, change = advance(self._ladder, former, outcome.event_time, number, self.rule.highest(STATUSES[outcome.status]))
        self.state = after
        if change is not None:
            yield self._said(outcome, change, former, outcome.period_start, number, corrected=False)

    def _correct(self, again: list[Outcome]) -> Iterator[Verdict]:
        """Periods judged before are others now. The state moves only where by these figures the whole course ends elsewhere than by the
        former ones: what a running month remembers of its earlier days is not lost for nothing."""
        before = self._course()
        for outcome in again:
            self._memory.take(outcome)
        after, former = self._course(), self.state
        if _standing(before) == _standing(after):
            return
        self.state = after if not former.severity else replace(after, alert_id=former.alert_id, since=former.since)
        if former.severity == after.severity:
            return
        reached = self._ladder.step(after.severity or former.severity)
        name: Transition = "opened" if not former.severity else "worse" if after.severity > former.severity else "better"
        change = Change("cleared" if not after.severity else name, former.severity, reached)
        if not after.severity:
            self.state = RuleState(evaluated=after.evaluated, value=after.value)
        outcome = again[-1]
        number = None if outcome.value is None else self._number(outcome.value, outcome.event_time)
        yield self._said(outcome, change, former, after.since, number, corrected=True)

    def _said(
        self, outcome: Outcome, change: Change, former: RuleState, since: int, number: Decimal | None, *, corrected: bool
    ) -> Verdict:
        """The verdict of a change; an opening gets its identity."""
        if change.transition == "opened":
            self.state = replace(self.state, since=since, alert_id=alert_id(self.rule.id, self._key, since))
        said = replace(self.state, alert_id=self.state.alert_id or former.alert_id, since=self.state.since or former.since)
        return Verdict(outcome, self._key, change, said, number, corrected)

    def _course(self) -> RuleState:
        """The state after all periods judged, one figure each."""
        state = RuleState()
        for (_, start), one in sorted(self._memory.judged.items(), key=lambda item: (item[1].at, item[0][1])):
            number = self._number(one.figure, one.at)
            state, change = advance(self._ladder, state, one.at, number, self.rule.highest(STATUSES[one.status]))
            if change is not None and change.transition == "opened":
                state = replace(state, since=start)
        return state

    def _number(self, figure: Decimal, at: int) -> Decimal:
        return self.rule.pacing.measured(figure, at, self._year) if self.rule.pacing else figure


class PeriodLine(_ResultLine):
    """Rules that judge periods against one another: several in a row, growth, change, distance from the trend."""

    def __init__(self, rule: Rule, key: str, budget_year: int, limits: Mapping[str, Decimal]) -> None:
        super().__init__(rule, key, budget_year, rule.model_copy(update={"valid_from": _EVER, "accept_status": STATUSES}))
        self._machine = SeriesRule(rule, dict(limits), day_start(rule.valid_from))
        self._ladder = ladder_of(rule, limits)
        self._state: SeriesState | None = None

    def judge(self, state: ResultState) -> Iterator[Verdict]:
        """See Line."""
        self.touched.clear()
        series = self._state or self._resumed(state)
        for outcome in self._memory.news(o for o in state.outcomes.values() if self._fits(o)):
            self.touched |= {(outcome.territory, outcome.period_start)} | ({self._memory.newest} if self._memory.newest else set())
            self._memory.take(outcome)
            known = series.readings.get(outcome.period)
            reading = self._reading(outcome, known.revision + 1 if known else 0)
            series, finding = self._machine.step(series, reading)
            if finding is not None:
                yield self._said(finding, state, outcome)
            self.touched |= {self._memory.newest} if self._memory.newest else set()
        self._state = series

    def _fits(self, outcome: Outcome) -> bool:
        return self.rule.period in ("", outcome.period_type)

    def _resumed(self, state: ResultState) -> SeriesState:
        """The series as it was when the process that kept this line stopped."""
        readings = {}
        for place, one in self._memory.judged.items():
            outcome = state.outcomes.get(place)
            if outcome is not None:
                period = outcome.period
                readings[period] = Reading(period, one.figure, STATUSES[one.status], 0, one.at, self._year)
        return self._machine.resumed(readings, Said(self.state.severity, self.state.since))

    def _reading(self, outcome: Outcome, revision: int) -> Reading:
        live = not outcome.deleted and outcome.value is not None
        status = STATUSES[outcome.status] if live else "deleted"
        value = scaled(outcome.value) if live and outcome.value is not None else None
        return Reading(outcome.period, value, status, revision, outcome.event_time, self._year)

    def _said(self, finding: Finding, state: ResultState, newest: Outcome) -> Verdict:
        """The verdict of a finding, about the period it names."""
        start = finding.period.start_ms if finding.period else newest.period_start
        outcome = state.outcomes.get((newest.territory, start), newest)
        former = self.state
        identity = identity_of(self.rule.id, self._key, finding, former)
        self.state = RuleState(identity, severity=finding.severity, since=finding.since) if finding.severity else RuleState()
        said = replace(self.state, alert_id=identity, since=finding.since)
        return Verdict(outcome, self._key, change_of(finding, self._ladder), said, finding.number, corrected=False)



def _standing(state: RuleState) -> tuple[int, int, int, int]:
    return state.severity, int(state.phase), state.candidate, state.candidate_since
