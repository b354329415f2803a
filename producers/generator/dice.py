"""Dice: one random stream per seed and subject matter, so that a day comes out the same whatever was generated before it."""

from __future__ import annotations

import random
from datetime import date


def dice(seed: int, *what: object) -> random.Random:
    """A stream named by what it is for."""
    return random.Random("|".join((str(seed), *(p.isoformat() if isinstance(p, date) else str(p) for p in what))))
