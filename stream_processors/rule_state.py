"""The state of one rule on one series: a pure machine over (event time, measured number), one reading at a time.

Because it steps once per reading and never once per chunk, the conditions it gives do not depend on how the inputs were cut into chunks.
Phases: INACTIVE, PENDING (over a level, its duration not yet over), ACTIVE, RECOVERING (under the clear limit, its duration not yet over).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum

from indicators.rule import Rule
from indicators.rules import ladder as levels
from indicators.rules.finding import Transition, steps_of
from indicators.rules.ladder import Step, limit_of


class Phase(IntEnum):
    """Where the condition stands."""

    INACTIVE = 0
    PENDING = 1
    ACTIVE = 2
    RECOVERING = 3


@dataclass(frozen=True, slots=True)
class RuleState:
    """What is remembered between readings; equal to the last condition row of its series. Times in epoch ms.

    Where nothing stands and nothing is reached a reading leaves no trace: `evaluated` is then that of the last one that did, so that a
    later alert never begins before an earlier one ended.
    `status`: that of the figure last judged, as a number (`indicators.observation.STATUSES`).
    """

    alert_id: str = ""
    phase: Phase = Phase.INACTIVE
    severity: int = 0
    since: int = 0
    candidate: int = 0
    candidate_since: int = 0
    evaluated: int = 0
    value: Decimal = Decimal(0)
    status: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A transition of the condition and the level it is about (the one entered; for `cleared`, the one left)."""

    transition: Transition
    severity_before: int
    level: Step


class Ladder(levels.Ladder):
    """The levels of a rule for one series, and the band in which nothing changes. `limits`: those of the subject, by name."""

    def __init__(self, rule: Rule, limits: Mapping[str, Decimal]) -> None:
        super().__init__(steps_of(rule, limits), rule.sign, rule.no_data)

    def quiet_band(self, state: RuleState) -> tuple[Decimal | None, Decimal | None]:
        """(low, high): while low ≤ turned number < high nothing changes; None: unbounded; (0, 0) when every reading must be looked at."""
        if state.phase == Phase.INACTIVE:
            return None, min((s.raise_at for s in self.steps), default=None)
        if state.phase == Phase.ACTIVE:
            above = [s.raise_at for s in self.steps if s.severity > state.severity]
            return self.step(state.severity).clear_at, min(above, default=None)
        return Decimal(0), Decimal(0)


class Ladders:
    """Ladders of rules by the numbers they come to: thousands of series without limits of their own share one."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, tuple[Decimal | None, ...]], Ladder] = {}

    def of(self, rule: Rule, limits: Mapping[str, Decimal]) -> Ladder:
        """The ladder of a rule for a subject with these limits, by name."""
        key = rule.id, tuple(limit_of(level.raise_at, limits) for level in rule.levels)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = Ladder(rule, limits)
        return found


def advance(ladder: Ladder, state: RuleState, at: int, number: Decimal, most: int = 5) -> tuple[RuleState, Change | None]:
    """The next state after a reading at event time `at` (ms) with the measured `number`, and the change to announce, if any. `most`: the
    highest severity that a figure of this status may raise.

    Severity rises at once or after the level's hold; it falls after the clear hold of the level it leaves. Readings older than the last one
    evaluated must not be given.
    """
    turned = number * ladder.sign
    reached = ladder.raised(turned, most)
    if reached == state.severity == 0:
        return replace(state, phase=Phase.INACTIVE, candidate=0, candidate_since=0), None
    state = replace(state, evaluated=at, value=number)
    if reached > state.severity:
        return _rise(ladder, state, at, turned, reached)
    remains = ladder.held(turned, state.severity)
    if remains == state.severity:
        return replace(state, phase=Phase.ACTIVE, candidate=0, candidate_since=0), None
    return _fall(ladder, state, at, remains)


def _rise(ladder: Ladder, state: RuleState, at: int, turned: Decimal, reached: int) -> tuple[RuleState, Change | None]:
    since = state.candidate_since if state.candidate > state.severity else at
    reachable = [s for s in ladder.steps if state.severity < s.severity <= reached and at - (at if s.hold_ms == 0 else since) >= s.hold_ms]
    if not reachable:
        phase = Phase.PENDING if state.severity == 0 else Phase.ACTIVE
        return replace(state, phase=phase, candidate=reached, candidate_since=since), None
    entered = reachable[-1]
    before = state.severity
    rising = reached if reached > entered.severity else 0
    state = replace(
        state,
        phase=Phase.ACTIVE,
        severity=entered.severity,
        since=since if before == 0 else state.since,
        candidate=rising,
        candidate_since=since if rising else 0,
    )
    return state, Change("opened" if before == 0 else "worse", before, entered)


def _fall(ladder: Ladder, state: RuleState, at: int, remains: int) -> tuple[RuleState, Change | None]:
    """Under the clear limit of the present level: wait for its clear hold, then go down to what remains."""
    falling = state.phase == Phase.RECOVERING
    since = state.candidate_since if falling else at
    leaving = ladder.step(state.severity)
    if at - since < leaving.clear_hold_ms:
        return replace(state, phase=Phase.RECOVERING, candidate=remains, candidate_since=since), None
    before = state.severity
    if remains:
        lower = replace(state, phase=Phase.ACTIVE, severity=remains, candidate=0, candidate_since=0)
        return lower, Change("better", before, ladder.step(remains))
    return RuleState(evaluated=at, value=state.value), Change("cleared", before, leaving)
