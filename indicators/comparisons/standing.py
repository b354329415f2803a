"""K10 and K11: one unit among the units of its level, and the places of all (guide 7146 §4.7.1–2: ranking board, scoreboard).

Equal figures share a place and the next place counts them all (1, 2, 2, 4), as a league table does. Equal means equal exactly, not after
rounding. A unit that has not reported has no place: it stands below, named, and neither counts as zero nor pushes others down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Literal, NamedTuple

from indicators.comparisons.figures import NoComparison, mean, median, percent, six

Best = Literal["highest", "lowest"]
Exact = Decimal | Fraction


class Place(NamedTuple):
    """One unit's place; `moved`: places won (above zero) or lost against the last ranking, None where it had none then."""

    unit: str
    value: Decimal
    place: int
    tied: int
    moved: int | None


class Ranking(NamedTuple):
    """Places best first, and the units expected that have not reported."""

    places: tuple[Place, ...]
    late: tuple[str, ...]


class AgainstPeers(NamedTuple):
    """A unit against the others of its level, all in the unit of the figures; `share` in percent of the total."""

    value: Decimal
    mean_of_others: Decimal
    median_of_all: Decimal
    leader: str
    gap_to_leader: Decimal
    share: Decimal | None


def ranking(values: Mapping[str, Exact], expected: Iterable[str], best: Best = "highest", before: Ranking | None = None) -> Ranking:
    """K11: the places of the units that reported, among those expected. Units with equal figures come in order of their code."""
    units = sorted(set(expected))
    given = {unit: Fraction(values[unit]) for unit in units if unit in values}
    sign = -1 if best == "highest" else 1
    order = sorted(given, key=lambda u: (sign * given[u], u))
    earlier = {p.unit: p.place for p in before.places} if before else {}
    places: list[Place] = []
    for value, equal in groupby(order, key=given.__getitem__):
        together, place = list(equal), 1 + len(places)
        places += [Place(u, six(value), place, len(together), earlier[u] - place if u in earlier else None) for u in together]
    return Ranking(tuple(places), tuple(u for u in units if u not in given))


def against_peers(values: Mapping[str, Exact], unit: str, best: Best = "highest") -> AgainstPeers | NoComparison:
    """K10: a unit against the mean of the others, the median and the leading unit. For amounts and for rates alike; the mean of rates is
    that of units, not of people, and is named so: the rate of the whole is computed from its parts (indicators/derived/rollup.py).
    """
    if unit not in values:
        return NoComparison("no_figure")
    given = {u: Fraction(v) for u, v in values.items()}
    others = [v for u, v in given.items() if u != unit]
    if not others:
        return NoComparison("too_few")
    top = max(given.values()) if best == "highest" else min(given.values())
    leader = min(u for u, v in given.items() if v == top)
    total = sum(given.values(), Fraction(0))
    return AgainstPeers(six(given[unit]), six(mean(others)), six(median(list(given.values()))), leader, six(given[unit] - top),
                        percent(given[unit], total))  # fmt: skip
