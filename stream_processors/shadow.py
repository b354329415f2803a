"""The shadow: stage 1 once more, for some series of a partition, from the oldest input on and beside the live one.

What stage 1 holds of a series is a function of that series' inputs alone, in offset order, and of the catalogue. So a fresh fold of every
input of some series is what a worker that began today would hold of them, whatever the rest of the partition is. A shadow writes no row; it
remembers what a fresh run would have said: the conditions, in order, and the refusals.
"""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_processors.calendar_panes import Kind
from stream_processors.context import Context, StageMetrics
from stream_processors.set_panes import SetPanes
from stream_processors.stage1 import Stage1
from transport.columnar_reader import Refused
from transport.refusal_limit import RefusalLimit
from transport.transactions import Rows

Int64s = NDArray[np.int64]

MOST_PANES: Final = 4_000_000
"""Panes that a shadow may hold: about 600 MB."""
_offset = attrgetter("offset")
FOR_EVER_MS: Final = 6_000_000_000_000
"""A horizon beyond every date that the door admits."""


class ShadowError(RuntimeError):
    """A replay asks for more than fits; the message says how to narrow it."""


class Refusal(NamedTuple):
    """A record that today's door refuses: reason, field, detail, and the record as it lay in the topic."""

    reason: str
    field: str
    detail: str
    record: Any


class _NoSets(SetPanes):
    """Shares of dimension sets are moved by the live stage, once it has taken over the panes."""

    def take(self, touched: dict[Kind, Int64s], tables: Any, appended: int) -> None:
        """Nothing."""

    def parts(self, next_offset: int, folded: int = 0) -> list[Rows]:
        """None."""
        return []


class Shadow(Stage1):
    """A fresh fold. `range_`: offsets [first, until) of the records that are replayed; their event times make the `span`, whose panes are
    published even where their horizon has ended. `late`: take in records that came after their horizon, so that no pane stays inexact.
    """

    def __init__(self, context: Context, group: str, partition: int, range_: tuple[int, int], *, late: bool = False) -> None:
        quiet = copy.copy(context)
        quiet.metrics = StageMetrics(None)  # what is folded again is no new input
        super().__init__(quiet, group, partition)
        self.sets = _NoSets(self.series, context.formulas, context.registry, context.prefix, (self.topic, partition))
        self.rules.beats.stop()
        self.rules.silences.stop()  # silence is measured against all that comes in, and a shadow folds some series
        self._limit = RefusalLimit(self.topic, 1.0, 0)  # what is refused was judged when it came
        self._range, self._late = range_, late
        self.taken = self.replayed = 0
        """Records folded, and those of them that lie in the range."""
        self.appended = 0
        """When the last record folded was appended, epoch ms."""
        self.span: tuple[int, int] | None = None
        self.conditions: dict[str, list[dict[str, Any]]] = {}
        self.refused: dict[int, Refusal] = {}

    def take(self, records: Sequence[Any]) -> None:
        """Fold some records of the wanted series, in offset order. Raises ShadowError where they need too many panes."""
        if records:
            self.fold(records, records[0].offset, records[-1].offset + 1)
            self.taken, self.appended = self.taken + len(records), int(records[-1].timestamp)
        if self.live > MOST_PANES:
            raise ShadowError(
                f"{self.topic} [{self.partition}]: hơn {MOST_PANES} ô cần dựng lại: chọn ít chuỗi hơn (--indicator, --territory, --key); "
                "too many panes: choose fewer series"
            )

    def admit(self, records: Sequence[Any]) -> Any:
        """As the door of stage 1; notes the span of what is replayed."""
        if self._late:
            self.series.numbers([r.key or b"" for r in records])
            self.series.horizon[:] = FOR_EVER_MS
        admitted, refused = super().admit(records)
        first, until = self._range
        offsets = admitted.arrivals.offset
        inside = (offsets >= first) & (offsets < until)
        if inside.any():
            times = admitted.arrivals.time[inside]
            low, high = self.span or (int(times[0]), int(times[0]))
            self.span = min(low, int(times.min())), max(high, int(times.max()))
        self.replayed += bisect_left(records, until, key=_offset) - bisect_left(records, first, key=_offset)
        return admitted, refused

    def horizon_of_catalogue(self) -> Int64s:
        """Horizon of each series as the catalogue has it, whatever `late` made of it."""
        specs = (entry.spec for entry in self.series.entries)
        return np.array([spec.horizon_ms if spec else 0 for spec in specs], np.int64)

    def _rows(
        self, touched: dict[Kind, Int64s], conditions: list[dict[str, Any]], records: Sequence[Any], more: list[int]
    ) -> list[Rows]:
        for row in conditions:
            self.conditions.setdefault(row["alert_id"], []).append(row)
        for kind, rows in touched.items():
            c = self.tables[kind].columns
            np.maximum.at(self.through, c.array("sid")[rows], c.array("through")[rows])
        return [Rows("", 0), Rows("", 0)]

    def _letters(self, records: Sequence[Any], refused: list[Refused]) -> list[Rows]:
        for one in refused:
            record = records[one.index]
            self.refused[record.offset] = Refusal(one.reason, one.field, one.detail, record)
        return []

    def _drop_panes(self, kind: Kind, horizon: int, panes: Rows) -> None:
        """A shadow keeps them: which were published once is for the live stage to compare."""
