"""What somebody must do until a day, as a row of a table says it: tasks (tasks.py), obstacles to remove (obstacles.py)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from indicators.assigned_task import NO_DUE_MS
from indicators.instant import DAY_MS
from indicators.observation import Observation
from indicators.vocabulary import Vocabulary
from producers.documents import Document, Overlay, Parsed
from producers.fields import whole_of
from producers.intake_fields import moment_of, text_in, word_in
from producers.reject import Refused
from producers.sheet import Cell, Line, read_lines

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


class Undertakings(ABC):
    """An adapter of tables with a row each. `columns`: in order; `states`: word of `trang_thai` → status."""

    name: ClassVar[str]
    provider = "OOG"
    columns: ClassVar[tuple[str, ...]]
    states: ClassVar[Mapping[str, str]]

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter: `.csv`, `.json` (a list under `dong`), `.xlsx`."""
        read_lines(document, self.columns, into, lambda line: self._line(line, into))

    def _line(self, line: Line, into: Parsed) -> None:
        into.take(self.observation(line.cells, into.now), line.place, line.original)

    @abstractmethod
    def observation(self, cells: Mapping[str, Cell], now: int) -> Observation:
        """What a row says; `now`: when it is taken in, epoch ms. Raises Refused."""

    def status(self, cells: Mapping[str, Cell]) -> str:
        """In force or withdrawn. Raises Refused(validation)."""
        return word_in(cells, "trang_thai", self.states, "official")

    def told(self, cells: Mapping[str, Cell], status: str, days: Days, content: str) -> dict[str, Any]:
        """The fields that every such row has: its days, its words, its state, and 1 while it is not done. Raises Refused."""
        return {
            "period_start": days.begins, "period_end": days.ends, "event_time": days.done or days.begins, "status": status,
            "revision": whole_of(cells.get("lan_dinh_chinh") or 0, "lan_dinh_chinh"), "text": content[:MAX_CONTENT],
            "reference": text_in(cells, "so_van_ban") or None,
            "value": None if status == "deleted" else Decimal(0 if days.done else 1),
        }  # fmt: skip
