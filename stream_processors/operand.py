"""The operands of a result as stage 2 keeps them: the newest version of each, by role, start of the period, and slot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from indicators.observation import STATUSES

MEMBER: Final = "member"
DIVISOR: Final = "/"
"""After the name of a role: the denominator of a result that is an operand, whose value is its numerator. So the ratio stays exact."""
PRELIMINARY: Final = STATUSES.index("preliminary")

Slot = tuple[str, str, int]
"""Series, type of the period, budget year: a month may hold entries of two budget years, a January one of the month and one of the year."""


@dataclass(frozen=True, slots=True)
class Operand:
    """The newest version of one operand. `value` unscaled; times in epoch ms; `status` as number."""

    role: str
    series: str
    period_type: str
    period_start: int
    period_end: int
    deleted: bool
    inexact: int
    status: int
    value: int | None
    count: int
    topic: str
    partition: int
    generation: int
    through: int
    event_time: int
    caused_at: int
    budget_year: int = 0

    @property
    def live(self) -> bool:
        """Does it count?"""
        return not self.deleted and self.value is not None

    @property
    def slot(self) -> Slot:
        """What a newer version of it replaces."""
        return self.series, self.period_type, self.budget_year


Operands = dict[str, dict[int, dict[Slot, Operand]]]


class Mark(NamedTuple):
    """How far one input partition of one role is folded into a result, and its share of the value. `series`: where it is of one alone."""

    role: str
    topic: str
    partition: int
    generation: int
    through: int
    value: int
    series: str = ""


def marks(used: Mapping[str, Iterable[Operand]]) -> tuple[Mark, ...]:
    """One mark per role and input partition."""
    found: dict[tuple[str, str, int], Mark] = {}
    for role, operands in used.items():
        for o in operands:
            key = role, o.topic, o.partition
            known = found.get(key)
            if known is None:
                found[key] = Mark(*key, o.generation, o.through, o.value or 0, o.series)
                continue
            newest = max((known.generation, known.through), (o.generation, o.through))
            found[key] = Mark(*key, *newest, known.value + (o.value or 0), known.series if known.series == o.series else "")
    return tuple(found[key] for key in sorted(found))


class Place(NamedTuple):
    """Where an operand comes from: territory, subject (`type:id`), dimensions as in its key."""

    territory: str
    subject: str
    dimensions: str


@lru_cache(maxsize=1 << 17)
def place_of(key: str) -> Place:
    """The place of a series key, or of a result key."""
    parts = key.split("|")
    return Place(*parts[1:4]) if len(parts) == 5 else Place(*parts[2:5])


def dimension(dimensions: str, name: str) -> str:
    """The value of one dimension of a key; empty where it has none."""
    return next((value for pair in dimensions.split(";") for n, _, value in [pair.partition("=")] if n == name), "")
