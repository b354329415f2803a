"""K18: the colour of progress: green on time, yellow at risk, red late (guide 7146 §5.1.3 (2)). The words are «xanh, vàng, đỏ».

The margins are per project or indicator and configuration; the document names the colours, not their limits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

Colour = Literal["green", "yellow", "red"]
COLOUR_VI: dict[Colour, str] = {"green": "xanh", "yellow": "vàng", "red": "đỏ"}


class Margins(NamedTuple):
    """How far behind schedule, in points or in the unit of the gap, a figure is at risk and late. Not negative, `late` not below `risk`."""

    risk: Decimal
    late: Decimal


class Status(NamedTuple):
    """The colour, and the gap it stands for (below zero: behind)."""

    colour: Colour
    gap: Decimal
    colour_vi: str


def status(gap: Decimal, margins: Margins, days_left: int | None = None, finished: bool = False) -> Status:
    """The colour of a gap to the path. Past its end a figure that is not finished and behind is red whatever the margin; a finished one
    is green. Raises ValueError where the margins contradict each other.
    """
    if not 0 <= margins.risk <= margins.late:
        raise ValueError("margins: 0 <= risk <= late is required")
    overdue = days_left is not None and days_left < 0 and not finished and gap < 0
    if finished or (gap >= -margins.risk and not overdue):
        colour: Colour = "green"
    else:
        colour = "red" if overdue or gap < -margins.late else "yellow"
    return Status(colour, gap, COLOUR_VI[colour])
