"""What the door asks of the heads of observations, once a head instead of once a record (transport/heads.py says what a head is)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stream_processors.series_table import SeriesTable
from transport.heads import Heads

Int64s = NDArray[np.int64]
UInt64s = NDArray[np.uint64]

SEED: Final = 7
MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_CONSTANT: Final = ("indicator", "component", "territory", "subject_type", "subject_id", "measure_unit")
_CODES: Final = ("figure", "status", "period_type")
_FACTS: Final = [
    *(pl.col(n).hash(SEED).alias(f"#{n}") for n in (*_CONSTANT, "source_system")),
    *(pl.col(n).to_physical().cast(pl.Int64) for n in _CODES),
    pl.col("budget_year").cast(pl.Int64),
    pl.col("dimensions").list.len().cast(pl.Int64).alias("dimension_count"),
]


class HeadFacts:
    """Arrays by head number, for one table of heads at a time.

    `constant`: hash of the fields that are constant in a series; `source`: hash of the source system; `status`, `period_type`: numbers of
    the enum; `budget_year`: 0 none; `agency_known`: is the agency in the registry; `checked`: series number that the head was found to
    belong to, -1: not looked at yet.
    """

    def __init__(self, series: SeriesTable) -> None:
        self._series = series
        self._heads: Heads | None = None
        self._known = 0
        self._reset()

    def _reset(self) -> None:
        self._known = 0
        self.constant, self.source = np.zeros(0, np.uint64), np.zeros(0, np.uint64)
        self.status, self.period_type, self.budget_year, self.checked = (np.zeros(0, np.int64) for _ in range(4))
        self.agency_known = np.zeros(0, np.bool_)

    def learn(self, heads: Heads) -> None:
        """Take in the heads that are new since the last call; all of them where the table is another one."""
        if heads is not self._heads:
            self._heads = heads
            self._reset()
        if len(heads) == self._known:
            return
        new = heads.frame[self._known :]
        self._known = len(heads)
        facts = {column.name: column.to_numpy() for column in new.select(_FACTS).get_columns()}
        agencies = {a: self._series.knows_agency(a) for a in new["agency"].unique().to_list()}
        known = np.array([agencies[a] for a in new["agency"].to_list()], np.bool_)
        self.constant = np.concatenate([self.constant, _constant(new, facts)])
        self.source = np.concatenate([self.source, facts["#source_system"]])
        for name in ("status", "period_type", "budget_year"):
            setattr(self, name, np.concatenate([getattr(self, name), facts[name]]))
        self.checked = np.concatenate([self.checked, np.full(new.height, -1, np.int64)])
        self.agency_known = np.concatenate([self.agency_known, known])


def _constant(frame: pl.DataFrame, facts: dict[str, NDArray[Any]]) -> UInt64s:
    """One hash per row over the fields that are constant in a series."""
    mixed: UInt64s = facts["figure"].astype(np.uint64) + np.uint64(1)
    for name in _CONSTANT:
        mixed = (mixed * MIX) ^ facts[f"#{name}"]
    lengths = facts["dimension_count"]
    if lengths.any():
        dimensions = frame["dimensions"]
        filled = dimensions if lengths.all() else dimensions.filter(pl.Series(lengths > 0))
        pairs = filled.explode().struct.unnest().select(pl.all().hash(SEED))
        each = (pairs["name"].to_numpy() * MIX) ^ pairs["value"].to_numpy()
        used = np.flatnonzero(lengths)
        starts = np.cumsum(lengths[used]) - lengths[used]
        place = np.arange(len(each)) - np.repeat(starts, lengths[used])
        each = each * (MIX + np.uint64(2) * place.astype(np.uint64))
        mixed[used] = (mixed[used] * MIX) ^ np.add.reduceat(each, starts)
    return mixed
