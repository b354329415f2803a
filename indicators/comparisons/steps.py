"""K14: time in each step of a procedure, and the bottleneck (laws, complaints, dossiers, projects; guide 7146 §4.7.2 (iv)).

From changes of state with their times. Sums of milliseconds and counts are kept, not means, so that units add up to the province exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from indicators.comparisons.figures import six
from indicators.instant import DAY_MS


class StateChange(NamedTuple):
    """A case entered a step at an instant (epoch ms UTC)."""

    case: str
    step: str
    at: int


class StepTime(NamedTuple):
    """Time spent in a step: milliseconds of all finished passages and their number, passages still open, and the longest of all in ms."""

    total_ms: int
    finished: int
    open: int
    longest_ms: int

    @property
    def mean_days(self) -> Decimal | None:
        """Mean days of a finished passage; None where none is finished."""
        return six(Fraction(self.total_ms, self.finished * DAY_MS)) if self.finished else None


def step_times(changes: Iterable[StateChange], now: int, last: frozenset[str] = frozenset()) -> dict[str, StepTime]:
    """The time in each step. `last`: steps that end a case and in which no time counts. Order of arrival does not matter; a case may come
    back to a step; the same change told twice counts once. Changes after `now` are not yet there.
    """
    by_case: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for change in changes:
        if change.at <= now:
            by_case[change.case].add((change.at, change.step))
    found: dict[str, StepTime] = {}
    for history in by_case.values():
        ordered = sorted(history)
        for (start, step), (end, _) in pairwise(ordered):
            _add(found, step, StepTime(end - start, 1, 0, end - start))
        start, step = ordered[-1]
        if step not in last:
            _add(found, step, StepTime(0, 0, 1, now - start))
    return {step: time for step, time in found.items() if step not in last}


def merged(parts: Iterable[Mapping[str, StepTime]]) -> dict[str, StepTime]:
    """The times of several units together."""
    found: dict[str, StepTime] = {}
    for part in parts:
        for step, time in part.items():
            _add(found, step, time)
    return found


def bottleneck(times: Mapping[str, StepTime]) -> str | None:
    """The step whose finished passages take longest on average; None where nothing is finished."""
    known = {step: Fraction(time.total_ms, time.finished) for step, time in times.items() if time.finished}
    return min(known, key=lambda step: (-known[step], step)) if known else None


def _add(found: dict[str, StepTime], step: str, time: StepTime) -> None:
    a = found.get(step, StepTime(0, 0, 0, 0))
    longest = max(a.longest_ms, time.longest_ms)
    found[step] = StepTime(a.total_ms + time.total_ms, a.finished + time.finished, a.open + time.open, longest)
