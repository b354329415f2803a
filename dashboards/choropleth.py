"""Values of places in steps of equal numbers of places, for a map whose dots grow and darken with the value. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

MOST_STEPS: Final = 5


def bounds(values: Mapping[str, Decimal]) -> list[Decimal]:
    """The lower bound of each step, rising; equal values always share a step, so there may be fewer than MOST_STEPS."""
    ordered = sorted(values.values())
    if not ordered:
        return []
    cuts = {ordered[len(ordered) * n // MOST_STEPS] for n in range(MOST_STEPS)}
    return sorted(cuts | {ordered[0]})


def step_of(value: Decimal, lower: list[Decimal]) -> int:
    """The step of a value, from 1; values below the first bound belong to it."""
    return max(bisect_right(lower, value), 1)


def ranges(values: Mapping[str, Decimal], lower: list[Decimal]) -> list[tuple[int, Decimal, Decimal]]:
    """(step, least, greatest value in it) of every step that has one."""
    found: dict[int, list[Decimal]] = {}
    for value in values.values():
        found.setdefault(step_of(value, lower), []).append(value)
    return [(step, min(inside), max(inside)) for step, inside in sorted(found.items())]
