"""What a check found."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from indicators.numbers_vi import number_vi

CLOCK_SECONDS: Final = 2.0
"""Clocks of two machines under NTP differ by far less; windows and «too late» are judged by event time, freshness and ages by clocks."""


class Finding(NamedTuple):
    """`well`: nothing is to be done. `said`: one line for people, Vietnamese first. `do`: what to do where it is not well, else empty."""

    well: bool
    said: str
    do: str = ""


def judged_clock(name: str, theirs: float, before: float, after: float) -> Finding:
    """The finding for a foreign clock (epoch s) read between `before` and `after` of ours; `name`: whose it is."""
    apart = max(before - theirs, theirs - after, 0.0)
    said = f"{name} lệch / apart {number_vi(Decimal(str(round(apart, 3))), 3)} giây / s"
    if apart > CLOCK_SECONDS:
        return Finding(False, said, "bật NTP (chrony) trên cả hai máy / turn NTP on, on both machines")
    return Finding(True, said)
