"""Admitted records on their way into panes: what came, and what the record memory found it to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.panes import Records

Int64s = NDArray[np.int64]
UInt64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]


@dataclass(slots=True)
class Arrivals:
    """Admitted records in offset order. `alive`: not a deletion."""

    hash: UInt64s
    sid: Int64s
    time: Int64s
    value: Wide
    revision: Int64s
    status: Int64s
    offset: Int64s
    budget_year: Int64s
    alive: Bools

    def __len__(self) -> int:
        return len(self.hash)

    def take(self, rows: Int64s) -> Arrivals:
        """Some of the arrivals, in the order given."""
        return Arrivals(
            self.hash[rows],
            self.sid[rows],
            self.time[rows],
            self.value.take(rows),
            self.revision[rows],
            self.status[rows],
            self.offset[rows],
            self.budget_year[rows],
            self.alive[rows],
        )

    def records(self, rows: Int64s) -> Records:
        """Some of them as records to be grouped."""
        return Records(
            self.sid[rows],
            self.time[rows],
            self.value.take(rows),
            self.revision[rows],
            self.status[rows],
            self.offset[rows],
            self.budget_year[rows],
        )


@dataclass(slots=True)
class Remembered:
    """What a batch of arrivals did.

    `fresh`: indices of arrivals that were never seen (they add). `corrections`: effective changes of known records, in offset order.
    `ignored`: how many repeat what is known, or come with a lower revision. `orphans`: fresh ones that claim to revise something unknown.
    """

    fresh: Int64s
    corrections: list[Correction]
    ignored: int
    orphans: Int64s


@dataclass(frozen=True, slots=True)
class Correction:
    """One effective change of a known record, or a record that came twice in one batch. `was_alive` False: nothing to take out."""

    arrival: int
    was_alive: bool
    old_time: int
    old_budget_year: int
    old_status: int
    old_revision: int
    old_value: int
