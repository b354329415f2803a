"""Emergencies on the wire: rows of the compacted topic `ops.emergency`, and the book that a reader makes of them.

Ad-hoc sets of indicators (indicators/adhoc.py) are ordered in the same topic, key `adhoc|<set>|<row>`; the first row of a set counts.

Key `step|<emergency>|<step>`, value JSON (indicators/emergency.py): each step has a key of its own, so compaction loses none and two
writers never overwrite each other; the one partition gives them one order. The topic bears the broker's time (LogAppendTime). A step takes
effect LEAD_MS after it was appended: readers that looked at the end of the topic within that time know every step in effect, so a worker
judges a reading the same whenever it folds it. Raising the lead above the time a writer's transaction may take is what makes this hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from indicators.adhoc import AdhocSet
from indicators.catalogue import Indicator
from indicators.datafile import Row
from indicators.emergency import Emergency, EmergencyError, Step
from indicators.spec import SeriesSpec

TOPIC: Final = "ops.emergency"
LEAD_MS: Final = 10_000


def step_key(step: Step) -> bytes:
    """Key of its row."""
    return f"step|{step.emergency}|{step.id}".encode()


class OrderedSet(Row):
    """A set as it was ordered: by whom, why, when (the writer's clock, epoch ms)."""

    content: AdhocSet
    actor: str
    why: str
    at: int


@dataclass(frozen=True, slots=True)
class OpenedSet:
    """A set in its place: in effect from `effective` on, epoch ms, until its own end date."""

    row: OrderedSet
    effective: int


def set_key(row: OrderedSet) -> bytes:
    """Key of its row: one of its own, so that compaction keeps the first of two that were written at once."""
    return f"adhoc|{row.content.id}|{row.at}".encode()


def words_of(sets: Iterable[OpenedSet]) -> tuple[list[SeriesSpec], list[Indicator]]:
    """What a vocabulary adopts of these sets."""
    opened = list(sets)
    return [s for one in opened for s in one.row.content.specs(one.effective)], [r for one in opened for r in one.row.content.rows()]


@dataclass(slots=True)
class EmergencyBook:
    """Every emergency by id. `version`: changes with every step; `unreadable`: rows that are no step."""

    emergencies: dict[str, Emergency] = field(default_factory=dict)
    version: int = 0
    unreadable: int = 0
    sets: dict[str, OpenedSet] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def take(self, key: bytes | None, body: bytes | None, appended: int) -> None:
        """One row, in order; `appended`: the broker's time, epoch ms. A row that is no step must not stop a process: it is counted."""
        if key is not None and body is not None and key.startswith(b"adhoc|"):
            self._take_set(body, appended)
        if key is None or body is None or not key.startswith(b"step|"):
            return
        try:
            step = Step.of(body)
        except EmergencyError:
            self.unreadable += 1
            return
        if step.id in self._seen:
            return
        self._seen.add(step.id)
        self.version += 1
        self.emergencies.setdefault(step.emergency, Emergency(step.emergency)).take(step, appended + LEAD_MS)

    def _take_set(self, body: bytes, appended: int) -> None:
        try:
            row = OrderedSet.model_validate_json(body)
        except ValidationError:
            self.unreadable += 1
            return
        self.sets.setdefault(row.content.id, OpenedSet(row, appended + LEAD_MS))

    def open(self) -> list[Emergency]:
        """Those that are open, the oldest first."""
        return [one for one in self.emergencies.values() if one.open]

    def newest_first(self) -> list[Emergency]:
        """All, by their opening."""
        opened = [one for one in self.emergencies.values() if one.opening]
        return sorted(opened, key=lambda one: -(one.opening.effective if one.opening else 0))
