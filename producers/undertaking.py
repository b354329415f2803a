"""The days of what somebody must do until a day, as a row of a table says them: tasks (tasks.py), obstacles to remove (obstacles.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from indicators.assigned_task import NO_DUE_MS
from indicators.instant import DAY_MS
from producers.intake_fields import moment_of, text_in
from producers.reject import Refused
from producers.sheet import Cell

MAX_CONTENT = 2000
"""Characters kept of the words of a row."""


@dataclass(frozen=True, slots=True)
class Days:
    """Epoch ms: the start of the first day; the end of the due day (NO_DUE_MS after the start: none); the day it was done, 0: not yet."""

    begins: int
    ends: int
    done: int

    @classmethod
    def of(cls, cells: Mapping[str, Cell], first: str, due: str, done: str) -> Self:
        """Of the cells under these names. Raises Refused(impossible_date): no such day, or one before the first."""
        begins = moment_of(cells[first], first)
        ends = moment_of(cells[due], due) + DAY_MS if text_in(cells, due) else begins + NO_DUE_MS
        if ends <= begins:
            raise Refused("impossible_date", due, f"a due day that is not before {first} is required")
        finished = moment_of(cells[done], done) if text_in(cells, done) else 0
        if finished and finished < begins:
            raise Refused("impossible_date", done, f"a day that is not before {first} is required")
        return cls(begins, ends, finished)
