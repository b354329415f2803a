"""The Vietnamese lunar calendar: the first day of the lunar new year (Tết), and days counted from it.

Rules (Decision 121/CP of 8 August 1967: reckoned for UTC+7): a month begins on the day of the new moon in Hanoi;
the month that holds the winter solstice is the eleventh; between two solstices with thirteen months the first month without a principal
term of the sun is a leap month. Tết begins the first month. Astronomy: new moons after J. Meeus, Astronomical Algorithms (2nd ed., ch. 49,
the main periodic terms), longitude of the sun after the same (ch. 25), difference of dynamical and universal time after Espenak and Meeus
(2006). The error, below two minutes, decides no date of 1976–2100 otherwise than the tables do (a test compares them).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from math import floor, radians, sin
from typing import NamedTuple

FIRST_YEAR, LAST_YEAR = 1976, 2100
_ZONE_DAYS = 7 / 24
_SYNODIC = 29.530588861
_EPOCH_2000 = date(2000, 1, 1)
_JULIAN_2000_MIDNIGHT = 2451544.5
_NEW_MOON_TERMS: tuple[tuple[float, tuple[int, int, int, int], int], ...] = (
    (-0.40720, (0, 1, 0, 0), 0), (0.17241, (1, 0, 0, 0), 1), (0.01608, (0, 2, 0, 0), 0), (0.01039, (0, 0, 2, 0), 0),
    (0.00739, (-1, 1, 0, 0), 1), (-0.00514, (1, 1, 0, 0), 1), (0.00208, (2, 0, 0, 0), 2), (-0.00111, (0, 1, -2, 0), 0),
    (-0.00057, (0, 1, 2, 0), 0), (0.00056, (1, 2, 0, 0), 1), (-0.00042, (0, 3, 0, 0), 0), (0.00042, (1, 0, 2, 0), 1),
    (0.00038, (1, 0, -2, 0), 1), (-0.00024, (-1, 2, 0, 0), 1), (-0.00017, (0, 0, 0, 1), 0),
)  # fmt: skip
"""Days, multiples of (sun's anomaly, moon's anomaly, argument of latitude, node), power of the eccentricity factor."""


class LunarError(ValueError):
    """A year outside 1976–2100."""


class LunarDay(NamedTuple):
    """A day counted from Tết: `year` is the Gregorian year in which that Tết falls, `offset` 0 is its first day, −1 the eve."""

    year: int
    offset: int


@lru_cache(maxsize=256)
def new_year(year: int) -> date:
    """The first day of Tết that falls in this Gregorian year. Raises LunarError outside 1976–2100."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise LunarError(f"Tết is reckoned for {FIRST_YEAR}–{LAST_YEAR}, not for {year}")
    months = _months_between_solstices(year)
    # Twelve months: the eleventh, the twelfth, then the first. Thirteen: one of them is leap, and if it is the first or second, Tết moves
    # on.
    position = 2
    if len(months) > 13:
        position += _leap(months) <= 2
    return months[position]


def from_tet(day: date) -> LunarDay:
    """A day counted from the Tết nearest to it. Raises LunarError outside 1976–2100."""
    near = [y for y in (day.year - 1, day.year, day.year + 1) if FIRST_YEAR <= y <= LAST_YEAR]
    if not near:
        raise LunarError(f"Tết is reckoned for {FIRST_YEAR}–{LAST_YEAR}, not for {day.year}")
    year = min(near, key=lambda y: abs((day - new_year(y)).days))
    return LunarDay(year, (day - new_year(year)).days)


def day_of(lunar: LunarDay) -> date:
    """The Gregorian day so many days after (before, where negative) the first day of Tết. Raises LunarError outside 1976–2100."""
    return new_year(lunar.year) + timedelta(days=lunar.offset)


def _months_between_solstices(year: int) -> list[date]:
    """First days of the months from the eleventh of the year before up to and with the next eleventh."""
    first = _eleventh(year - 1)
    last = _eleventh(year)
    number = round(((first - _EPOCH_2000).days - 5.26) / _SYNODIC)
    found = [_new_moon_day(number + n) for n in range(-2, 17)]
    return [day for day in sorted(set(found)) if first <= day <= last]


def _eleventh(year: int) -> date:
    """First day of the month that holds the winter solstice of the year."""
    near = (date(year, 12, 18) + timedelta(days=n) for n in range(8))
    solstice = next(day for day in near if _sun_sector(day + timedelta(days=1)) == 9)
    number = round(((solstice - _EPOCH_2000).days - 5.26) / _SYNODIC)
    return max(day for n in (-2, -1, 0, 1) if (day := _new_moon_day(number + n)) <= solstice)


def _leap(months: list[date]) -> int:
    """Place of the first month without a principal term: the sun stays in one sector of thirty degrees."""
    for place, (start, following) in enumerate(pairwise(months)):
        if _sun_sector(start) == _sun_sector(following):
            return place
    raise LunarError("thirteen months without a leap month")  # the sun passes twelve sectors in a year: cannot be


def _new_moon_day(number: int) -> date:
    """The day in Hanoi of a new moon; number 0 is that of 6 January 2000."""
    k = float(number)
    t = k / 1236.85
    at = 2451550.09766 + _SYNODIC * k + 0.00015437 * t * t
    e = 1 - 0.002516 * t - 0.0000074 * t * t
    angles = (
        radians(2.5534 + 29.10535670 * k - 0.0000014 * t * t), radians(201.5643 + 385.81693528 * k + 0.0107582 * t * t),
        radians(160.7108 + 390.67050284 * k - 0.0016118 * t * t), radians(124.7746 - 1.56375588 * k + 0.0020672 * t * t),
    )  # fmt: skip
    at += sum(c * e**power * sin(sum(m * a for m, a in zip(multiples, angles, strict=True))) for c, multiples, power in _NEW_MOON_TERMS)
    at += 0.000325 * sin(radians(299.77 + 0.107408 * k - 0.009173 * t * t))
    return _EPOCH_2000 + timedelta(days=floor(at - _delta_days(at) + _ZONE_DAYS - _JULIAN_2000_MIDNIGHT))


def _sun_sector(day: date) -> int:
    """In which of twelve sectors of thirty degrees the sun stands at the beginning of a day in Hanoi; 9 begins at the winter solstice."""
    midnight = _JULIAN_2000_MIDNIGHT + (day - _EPOCH_2000).days - _ZONE_DAYS
    t = (midnight + _delta_days(midnight) - 2451545.0) / 36525
    anomaly = radians(357.52911 + 35999.05029 * t - 0.0001537 * t * t)
    centre = (1.914602 - 0.004817 * t) * sin(anomaly) + (0.019993 - 0.000101 * t) * sin(2 * anomaly) + 0.000289 * sin(3 * anomaly)
    node = radians(125.04 - 1934.136 * t)
    apparent = 280.46646 + 36000.76983 * t + 0.0003032 * t * t + centre - 0.00569 - 0.00478 * sin(node)
    return floor(apparent % 360 / 30)


def _delta_days(julian: float) -> float:
    """Dynamical minus universal time in days: the long-term parabola, good to a minute in this century."""
    years = (julian - 2451545.0) / 365.25
    seconds = 62.92 + 0.32217 * years + 0.005589 * years * years if years >= 0 else 63.86 + 0.3345 * years - 0.060374 * years * years
    return seconds / 86400
