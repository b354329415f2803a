"""What an evaluator says: a change of a rule's standing, in the words of `alerts.conditions`, and what has been said so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from indicators.period import Period
from indicators.rule import Rule
from indicators.rules.ladder import Ladder, Standing, Step, limit_of, milliseconds

Transition = Literal["opened", "worse", "better", "cleared", "corrected"]


@dataclass(frozen=True, slots=True)
class Said:
    """What was last said of a rule on a series: severity (0: not in alert) and start of the period that opened it (epoch ms)."""

    severity: int = 0
    since: int = 0


NOTHING_SAID = Said()


@dataclass(frozen=True, slots=True)
class Finding:
    """One change. `since` with rule and series names the alert; `number` is what the ladder measured, `value` the figure behind it.

    `corrected` with severity 0: by the figures as they are now there never was a reason; the alert is cancelled, not over. `period`: the
    one whose figure says so, where the rule judges periods of a series.
    """

    transition: Transition
    severity: int
    severity_before: int
    level: str
    since: int
    number: Decimal | None
    value: Decimal | None
    limit: Decimal | None
    period: Period | None = None

    def __str__(self) -> str:
        return self.transition if self.transition == "cleared" else f"{self.transition} {self.severity}"


def ladder_of(rule: Rule, limits: Mapping[str, Decimal] | None = None) -> Ladder:
    """The ladder of a rule for one series."""
    return Ladder(steps_of(rule, limits or {}), rule.sign, rule.no_data)


def steps_of(rule: Rule, limits: Mapping[str, Decimal]) -> list[Step]:
    """The levels of a rule with their limits as numbers; `limits`: those of the subject by name. A level without its limit is left out."""
    sign, steps = rule.sign, []
    for level in rule.levels:
        raise_at = limit_of(level.raise_at, limits)
        if raise_at is None:
            continue
        clear_at = level.clear_at if level.clear_at is not None else raise_at - sign * (level.clear_margin or Decimal(0))
        steps.append(Step(
            level.severity, level.name, raise_at * sign, clear_at * sign, level.periods, level.clear_periods, milliseconds(level.hold),
            milliseconds(level.clear_hold)))  # fmt: skip
    return steps


def change(
    ladder: Ladder, said: Said, now: Standing, *, corrected: bool, number: Decimal | None, value: Decimal | None,
    period: Period | None = None,
) -> Finding | None:  # fmt: skip
    """What to say when a rule stands at `now` and `said` was the last word; None: nothing new. `corrected`: figures told of before have
    changed, so a smaller severity is a correction and no improvement."""
    before, after = said.severity, now.severity
    if before == after:
        return None
    transition: Transition = "opened" if not before else "corrected" if corrected else "worse" if after > before else "better"
    if not after and not corrected:
        transition = "cleared"
    step = ladder.step(after or before)
    limit = (step.raise_at if after > before else step.clear_at) * ladder.sign
    since = now.since if not before else said.since
    return Finding(transition, after, before, step.name, since, number, value, limit, period)


def said_after(finding: Finding | None, said: Said) -> Said:
    """The last word after a finding."""
    if finding is None:
        return said
    return Said(finding.severity, finding.since) if finding.severity else Said()
