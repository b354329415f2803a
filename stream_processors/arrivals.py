"""Admitted records on their way into panes: what came, and what the record memory found it to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream_processors.panes import Records

Int64s = NDArray[np.int64]
UInt64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]


@dataclass(slots=True)
class Arrivals(Records):
    """Admitted records in offset order. `hash`: identity of the record; `alive`: not a deletion."""

    hash: UInt64s
    alive: Bools

    def take(self, rows: NDArray[Any]) -> Arrivals:
        """Some of the arrivals, in the order given."""
        some = self.records(rows)
        return Arrivals(
            some.sid, some.time, some.value, some.revision, some.status, some.offset, some.budget_year, self.hash[rows], self.alive[rows]
        )

    def records(self, rows: NDArray[Any]) -> Records:
        """Some of them as records to be grouped."""
        return Records.take(self, rows)


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
