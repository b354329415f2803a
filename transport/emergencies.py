"""Emergencies on the wire: rows of the compacted topic `ops.emergency`, and the book that a reader makes of them.

Key `step|<emergency>|<step>`, value JSON (indicators/emergency.py): each step has a key of its own, so compaction loses none and two
writers never overwrite each other; the one partition gives them one order. The topic bears the broker's time (LogAppendTime). A step takes
effect LEAD_MS after it was appended: readers that looked at the end of the topic within that time know every step in effect, so a worker
judges a reading the same whenever it folds it. Raising the lead above the time a writer's transaction may take is what makes this hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from indicators.emergency import Emergency, EmergencyError, Step

TOPIC: Final = "ops.emergency"
LEAD_MS: Final = 10_000


def step_key(step: Step) -> bytes:
    """Key of its row."""
    return f"step|{step.emergency}|{step.id}".encode()


@dataclass(slots=True)
class EmergencyBook:
    """Every emergency by id. `version`: changes with every step; `unreadable`: rows that are no step."""

    emergencies: dict[str, Emergency] = field(default_factory=dict)
    version: int = 0
    unreadable: int = 0
    _seen: set[str] = field(default_factory=set)

    def take(self, key: bytes | None, body: bytes | None, appended: int) -> None:
        """One row, in order; `appended`: the broker's time, epoch ms. A row that is no step must not stop a process: it is counted."""
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

    def open(self) -> list[Emergency]:
        """Those that are open, the oldest first."""
        return [one for one in self.emergencies.values() if one.open]

    def newest_first(self) -> list[Emergency]:
        """All, by their opening."""
        opened = [one for one in self.emergencies.values() if one.opening]
        return sorted(opened, key=lambda one: -(one.opening.effective if one.opening else 0))
