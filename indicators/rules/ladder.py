"""The ladder of levels over a course of numbers: raised, held, left. Pure; the same course gives the same standing however it arrived.

Severity rises when a number has reached a level for its `periods` and its `for`; it falls when the number has been beyond the clear limit
of the present level for its `clear_periods` and `clear_for`, to the highest level whose clear limit still holds. Between clear and raise
nothing changes. All comparisons are between decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

NoData = Literal["hold", "open", "resolve", "ignore"]


class Number(NamedTuple):
    """A measured number at an instant (event time, epoch ms) of a period that began at `period_start`; None: nothing could be measured.

    `follows` False: the period before it is missing, so periods in a row are counted anew. `most`: the highest severity that a figure of
    this status may raise.
    """

    at: int
    period_start: int
    value: Decimal | None
    follows: bool = True
    most: int = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One level with its limits as numbers, turned so that larger is worse. Durations in ms."""

    severity: int
    name: str
    raise_at: Decimal
    clear_at: Decimal
    periods: int = 1
    clear_periods: int = 1
    hold_ms: int = 0
    clear_hold_ms: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rule stands on a series. `since`: start of the period that opened it; `opened_at`: its event time. Severity 0: not in
    alert."""

    severity: int = 0
    since: int = 0
    opened_at: int = 0
    pending: bool = False
    recovering: bool = False


@dataclass(slots=True)
class _Run:
    """An unbroken row of numbers beyond a limit."""

    count: int = 0
    began: int = 0
    period_start: int = 0

    def go_on(self, number: Number, needed: int) -> None:
        if needed > 1 and not number.follows:
            self.count = 0
        if not self.count:
            self.began, self.period_start = number.at, number.period_start
        self.count += 1

    def lasts(self, count: int, hold_ms: int, at: int) -> bool:
        return self.count >= count and at - self.began >= hold_ms


class Ladder:
    """The levels of one rule on one series, mild first."""

    def __init__(self, steps: Sequence[Step], sign: int, no_data: NoData) -> None:
        self.sign, self._no_data = sign, no_data
        self.steps = tuple(sorted(steps, key=lambda s: s.severity))
        self._by_severity = {step.severity: step for step in self.steps}

    def step(self, severity: int) -> Step:
        """The level of this severity."""
        return self._by_severity[severity]

    def raised(self, turned: Decimal, most: int = 5) -> int:
        """Severity of the highest level, `most` at most, that a number (turned: larger is worse) reaches; 0: none."""
        return max((s.severity for s in self.steps if turned >= s.raise_at and s.severity <= most), default=0)

    def held(self, turned: Decimal, severity: int) -> int:
        """Severity that remains when the rule stands at `severity`: the highest level not above it whose clear limit is still reached."""
        return max((s.severity for s in self.steps if s.severity <= severity and turned >= s.clear_at), default=0)

    def standing(self, course: Iterable[Number]) -> Standing:
        """Where the rule stands after a course of numbers in the order of their event time."""
        walk = _Walk(self)
        for number in course:
            value = self._turned(number.value)
            if value is not None:
                walk.go(number, value)
        return walk.standing()

    def _turned(self, value: Decimal | None) -> Decimal | None:
        """Larger is worse. A gap counts as the mildest level (`open`), as nothing wrong (`resolve`), or not at all (`hold`, `ignore`)."""
        if value is not None:
            return value * self.sign
        if self._no_data == "open" and self.steps:
            return self.steps[0].raise_at
        if self._no_data == "resolve" and self.steps:
            return min(step.clear_at for step in self.steps) - 1
        return None


class _Walk:
    """One walk along a course."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        self._rising = {step.severity: _Run() for step in ladder.steps}
        self._falling = _Run()
        self._severity, self._since, self._opened_at = 0, 0, 0

    def go(self, number: Number, value: Decimal) -> None:
        reached = 0
        for step in self._ladder.steps:
            run = self._rising[step.severity]
            if value >= step.raise_at and step.severity <= number.most:
                run.go_on(number, step.periods)
                reached = step.severity if run.lasts(step.periods, step.hold_ms, number.at) else reached
            else:
                self._rising[step.severity] = _Run()
        if reached > self._severity:
            self._rise(reached, number)
        elif self._severity:
            self._fall(number, value)

    def standing(self) -> Standing:
        pending = not self._severity and any(run.count for run in self._rising.values())
        return Standing(self._severity, self._since, self._opened_at, pending, bool(self._falling.count))

    def _rise(self, reached: int, number: Number) -> None:
        if not self._severity:
            self._since, self._opened_at = self._rising[reached].period_start, number.at
        self._severity, self._falling = reached, _Run()

    def _fall(self, number: Number, value: Decimal) -> None:
        present = self._ladder.step(self._severity)
        if value >= present.clear_at:
            self._falling = _Run()
            return
        self._falling.go_on(number, present.clear_periods)
        if not self._falling.lasts(present.clear_periods, present.clear_hold_ms, number.at):
            return
        self._severity, self._falling = self._ladder.held(value, self._severity), _Run()
        if not self._severity:
            self._since = self._opened_at = 0


def limit_of(raise_at: Decimal | str, limits: Mapping[str, Decimal]) -> Decimal | None:
    """The limit as a number; None where the subject has none of this name."""
    return limits.get(raise_at) if isinstance(raise_at, str) else raise_at


def milliseconds(span: timedelta) -> int:
    """A duration in ms."""
    return span // timedelta(milliseconds=1)
