"""K15: up, down or stable, with a dead band, and an early warning when a figure moves the wrong way (guide 7146 §4.7.2 (v)).

A move inside the band is noise and called stable. The warning needs both views: worse than the previous period and worse than the same
period of last year, so that a season alone warns nobody.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

from indicators.comparisons.change import Change, previous_period, same_period
from indicators.comparisons.figures import Figures, NoComparison
from indicators.period import Period

Way = Literal["up", "down", "stable"]
Better = Literal["higher", "lower", "neither"]
DEAD_BAND_PERCENT = Decimal(1)
"""Default band in percent of the base; a proposal: no document gives one."""


class Direction(NamedTuple):
    """Where a figure goes. `same_period` None: last year's figure is not there. `improving` None: neither way is better."""

    previous: Way
    same_period: Way | None
    improving: bool | None
    early_warning: bool


def way(change: Change, band: Decimal) -> Way:
    """The way of one change. The band is in percent of the base's size; against a base of zero every move counts."""
    limit = abs(change.base) * band / 100
    if abs(change.difference) <= limit:
        return "stable"
    return "up" if change.difference > 0 else "down"


def direction(figures: Figures, period: Period, better: Better, band: Decimal = DEAD_BAND_PERCENT) -> Direction | NoComparison:
    """The direction of a figure against the previous and the same period."""
    before = previous_period(figures, period)
    if isinstance(before, NoComparison):
        return before
    year = same_period(figures, period)
    recent, yearly = way(before, band), None if isinstance(year, NoComparison) else way(year, band)
    good: Way | None = None if better == "neither" else "up" if better == "higher" else "down"
    bad: Way | None = None if good is None else "down" if good == "up" else "up"
    improving = None if good is None or recent == "stable" else recent == good
    return Direction(recent, yearly, improving, bad is not None and recent == bad and yearly == bad)
