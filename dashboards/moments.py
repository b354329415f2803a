"""Moments in addresses, by the clock of Vietnam: `20/11/2026 08:30` as people write them, or `2026-11-20T08:30`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from dashboards.figures import moment
from indicators.instant import VIETNAM

PATTERN: Final = r"^[0-9/:T\- ]{0,20}$"
FIRST_YEAR, LAST_YEAR = 1976, 2200
"""Vietnam's clock is one since 1975; the data store's calendar ends in 2299."""
_SHAPES: Final = ("%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M", "%d/%m/%Y", "%Y-%m-%d")


class MomentError(ValueError):
    """No such moment; the message says how to write one."""


def known_at(text: str, now: int) -> datetime:
    """The moment of an address, the present where it is empty; a day alone is its first instant. Raises MomentError."""
    if not text.strip():
        return moment(now)
    for shape in _SHAPES:
        try:
            found = datetime.strptime(text.strip(), shape).replace(tzinfo=VIETNAM)
        except ValueError:
            continue
        if FIRST_YEAR <= found.year <= LAST_YEAR:
            return found.astimezone(UTC)
    raise MomentError("thời điểm viết dạng 20/11/2026 08:30 / a moment is written 20/11/2026 08:30")
