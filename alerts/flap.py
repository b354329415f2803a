"""Flapping: one rule and series that opens and ends again and again. Pure; counts changes in a window of event time.

After Naemon's two thresholds: `high` changes begin a flapping, it lasts until no more than `low` are left in the window, so that flapping
does not itself flap.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from indicators.rules.policy import Flap

MOST = 50
"""Changes remembered per series; more than any sensible `high`."""


def remembered(changes: Sequence[int], at: int, flap: Flap | None) -> tuple[int, ...]:
    """The changes (event times, epoch ms) with one more at `at`, those out of the window forgotten."""
    if flap is None:
        return ()
    begins = at - flap.window // timedelta(milliseconds=1)
    return tuple(sorted({*(c for c in changes if begins < c), at}))[-MOST:]


def flapping(changes: Sequence[int], before: bool, flap: Flap | None) -> bool:
    """Does it flap after these changes? `before`: did it so far?"""
    if flap is None:
        return False
    return len(changes) > flap.low if before else len(changes) >= flap.high
