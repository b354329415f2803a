"""What the operands of a result come to at a period: aligned by the terms of the definition, added up over units, with coverage.

A result is a function of its newest operands alone: equal operands give equal results in any order of arrival. Values are unscaled
integers (six places), fractions only where a ratio is an operand, and are rounded once, at the end.

Rules of the definition (indicators/derived/definition.py) that are kept here:

- *period*, *newest*, *year to date*, shifted to the previous period or session, the same one of last year or December;
- a year to date of reports needs every period of the year so far; of entries, what there is;
- a unit that lacks one operand stays out with all of them, and the result says how many of the expected units stand behind it; a unit's own
  report goes before the sum of its parts. Entries against plans (`Formula.pooled`) meet as totals: a project without entries is not late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from indicators import period as periods
from indicators.derived.alignment import december_before, session_before, year_start
from indicators.derived.definition import At
from indicators.derived.formula import UNIT, Formula, Input, Unscaled
from indicators.instant import DAY_MS, HOUR_MS, local_day
from indicators.period import Period
from indicators.trading_calendar import TradingCalendar
from stream_processors.operand import DIVISOR, Operand, Operands, Place, Slot, dimension, place_of
from stream_processors.result_targets import Units


class Share(NamedTuple):
    """What one place gives to one role, and the operands behind it."""

    value: Unscaled
    operands: list[Operand]


Shares = dict[Place, Share]


class Spot(NamedTuple):
    """One of several results of one state: a territory among those compared with each other, a value of the dimension of `each`."""

    territory: str
    dimensions: str = ""


class Figures(NamedTuple):
    """The operands that count towards one result at one period, by role, and their coverage."""

    shares: Mapping[str, list[Share]]
    of: int
    expected: int
    lives: bool

    def sums(self) -> dict[str, Unscaled | None]:
        """The total of each role; None where nobody reported any."""
        return {role: _total(s.value for s in of_role) if of_role else None for role, of_role in self.shares.items()}

    def operands(self) -> dict[str, list[Operand]]:
        """The operands of each role."""
        return {role: [o for share in shares for o in share.operands] for role, shares in self.shares.items()}


def figures(formula: Formula, operands: Operands, year: int, at: Period, spot: Spot, units: Units) -> Figures:
    """The figures of a result at a period; `year`: budget year of the result, 0: none."""
    found = {role: _kept(formula, one, shares(formula, one, operands, year, at), spot) for role, one in formula.inputs.items()}
    leading = formula.leading
    lives = bool(found[leading.role]) or leading.term.missing == "zero" or _reported(formula, operands, at.start_ms, spot)
    if formula.pooled:
        count = len({o.series for share in found[leading.role].values() for o in share.operands})
        return Figures({role: list(of_role.values()) for role, of_role in found.items()}, count, count, lives)
    chosen, of, expected = _covered(formula, found, spot.territory, units)
    return Figures(chosen, of, expected, lives)


def spots(formula: Formula, operands: Operands, territory: str, start: int) -> list[Spot]:
    """The results that a state has at the period that starts at `start`."""
    if not (formula.each or formula.across):
        return [Spot(territory)]
    return sorted({_spot(formula, o, territory) for o in operands.get(formula.leading.role, {}).get(start, {}).values()})


def _spot(formula: Formula, o: Operand, territory: str) -> Spot:
    """The result that an operand of the leading role leads."""
    place = place_of(o.series)
    value = dimension(place.dimensions, formula.each) if formula.each else ""
    return Spot(place.territory if formula.across else territory, f"{formula.each}={value}" if value else "")


def _reported(formula: Formula, operands: Operands, start: int, spot: Spot) -> bool:
    """Whether the leading role has a live operand in the period itself: then a result without a value says why."""
    listed = operands.get(formula.leading.role, {}).get(start, {}).values()
    return any(o.live and _spot(formula, o, spot.territory) == spot for o in listed)


def shares(formula: Formula, one: Input, operands: Operands, year: int, at: Period) -> Shares:
    """The aligned values of one input at a period, by place; only an input of `each` keeps dimensions."""
    by_start = operands.get(one.role, {})
    start = shifted(one.term.at, at, one.step, one.trading_calendar)
    if one.term.take == "period" or (one.running and one.term.take == "year_to_date"):
        chosen = _live(by_start.get(start, {}))
    else:
        first = None if formula.budget_year else _year_start(Period(at.type, start, start + at.end_ms - at.start_ms))
        inside = [s for s in sorted(by_start) if s <= start and (first is None or s >= first)]
        chosen = _newest(by_start, inside) if one.term.take == "newest" else [o for s in inside for o in _live(by_start[s])]
    found = _by_place(formula, one, chosen, operands)
    if one.term.take == "year_to_date" and not one.pooled and not one.running:
        due = _due(at.type, start, _year_start(at._replace(start_ms=start)), one.step)
        found = {place: share for place, share in found.items() if len({o.period_start for o in share.operands}) >= due}
    return found


def _total(values: Iterable[Unscaled]) -> Unscaled:
    total: Unscaled = 0
    for value in values:
        total += value
    return total


@lru_cache(maxsize=1 << 15)
def shifted(by: At, period: Period, step: int, calendar: TradingCalendar | None = None) -> int:
    """Start of the period that a term speaks of; `step`: months from one report to the next; `calendar`: whose sessions count."""
    match by:
        case "this":
            return period.start_ms
        case "previous":
            for _ in range(step if period.type == "month" else 1):
                period = periods.previous(period)
            return period.start_ms
        case "same_period":
            return periods.same_period_last_year(period).start_ms
        case "december":
            return december_before(period).start_ms
        case "previous_session":
            return session_before(period, calendar).start_ms


@lru_cache(maxsize=1 << 14)
def _year_start(period: Period) -> int:
    return year_start(period)


@lru_cache(maxsize=1 << 14)
def _due(type: str, start: int, first: int, step: int) -> int:
    """How many periods of its type the year has up to the one that starts at `start`."""
    if type == "month":
        return (local_day(start).month - 1) // step + 1
    return {"day": (start - first) // DAY_MS, "hour": (start - first) // HOUR_MS}.get(type, 0) + 1


def _live(slots: Mapping[Slot, Operand]) -> list[Operand]:
    return [o for o in slots.values() if o.live]


def _newest(by_start: Mapping[int, Mapping[Slot, Operand]], starts: Iterable[int]) -> list[Operand]:
    """Of each series (and budget year) the operand whose period starts last, the shorter of two."""
    newest: dict[tuple[str, int], Operand] = {}
    for start in starts:
        for o in _live(by_start[start]):
            known = newest.get((o.series, o.budget_year))
            if known is None or (o.period_start, -o.period_end) > (known.period_start, -known.period_end):
                newest[o.series, o.budget_year] = o
    return list(newest.values())


def _by_place(formula: Formula, one: Input, chosen: Iterable[Operand], operands: Operands) -> Shares:
    found: dict[Place, Share] = {}
    for o in chosen:
        value = _value(one, o, operands)
        if value is None:
            continue
        place = place_of(o.series)
        if place.dimensions:
            kept = f"{formula.each}={dimension(place.dimensions, formula.each)}" if one.term.each else ""
            place = Place(place.territory, place.subject, kept)
        known = found.get(place)
        found[place] = Share(value, [o]) if known is None else Share(known.value + value, [*known.operands, o])
    return found


def _value(one: Input, o: Operand, operands: Operands) -> Unscaled | None:
    """The operand's value; of a ratio, the exact quotient of its two halves, None where it has none."""
    if not one.factor:
        return o.value
    divisor = operands.get(one.role + DIVISOR, {}).get(o.period_start, {}).get(o.slot)
    if divisor is None or not divisor.live or not divisor.value:
        return None
    quotient: Fraction = Fraction(o.value or 0, divisor.value) * one.factor * UNIT
    return quotient


def _kept(formula: Formula, one: Input, found: Shares, spot: Spot) -> Shares:
    """What of an input belongs to a spot: its own dimension, its own territory, or the one figure of all territories."""
    if one.term.each:
        found = {place: share for place, share in found.items() if place.dimensions == spot.dimensions}
    if not formula.across:
        return found
    if not one.term.across:
        return {place: share for place, share in found.items() if place.territory == spot.territory}
    if not found:
        return {}
    number = _reduced(one.term.across, [share.value for share in found.values()])
    return {Place(spot.territory, "", spot.dimensions): Share(number, [o for share in found.values() for o in share.operands])}


def _reduced(across: str, values: list[Unscaled]) -> Unscaled:
    """The one figure of all territories."""
    match across:
        case "highest":
            return max(values)
        case "sum":
            return _total(values)
    return Fraction(sum(values)) / len(values)


def _covered(formula: Formula, found: Mapping[str, Shares], parent: str, units: Units) -> tuple[dict[str, list[Share]], int, int]:
    """The shares of units that have every operand; how many units have, and how many are expected."""
    by_place: dict[tuple[str, str], dict[str, Share]] = {}
    for role, of_role in found.items():
        for place, share in of_role.items():
            by_place.setdefault(place[:2], {})[role] = share
    needed = [role for role, one in formula.inputs.items() if one.term.missing == "absent"]
    whole = {place: by_role for place, by_role in by_place.items() if all(role in by_role for role in needed)}
    if formula.level == "subject" or not formula.adds_up or any(subject for _, subject in by_place):
        chosen, of, expected = list(whole), len(whole), len(by_place)
    else:
        chosen, of, expected = _of_units(formula, whole, parent, units)
    return {role: [whole[p][role] for p in chosen if role in whole[p]] for role in formula.inputs}, of, expected


def _of_units(
    formula: Formula, whole: Mapping[tuple[str, str], object], parent: str, units: Units
) -> tuple[list[tuple[str, str]], int, int]:
    """The places whose figures add up to the parent's: its own report, else of each child its own or those below it."""
    if (parent, "") in whole:
        return [(parent, "")], 1, 1
    below: dict[str, list[tuple[str, str]]] = {}
    for territory, subject in sorted(whole):
        below.setdefault(units.unit(formula, parent, territory), []).append((territory, subject))
    chosen = list(_leading(below))
    return chosen, len(below), max(units.expected(parent), len(below))


def _leading(below: Mapping[str, list[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    for unit, places in below.items():
        yield from [(unit, "")] if (unit, "") in places else places
