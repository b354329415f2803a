"""What a run of the kernel harness does, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fault.load import step_for

SECONDS_A_KILL = 8


@dataclass
class Plan:
    """What one run does. `refusing`: seconds, at its beginning, in which the broker refuses every batch of panes as too large."""

    kills: int = 10
    inside: int = 4
    stops: int = 1
    workers: int = 2
    rate: int = 400
    seed: int = 1
    control: str = ""
    compaction: bool = True
    gap_seconds: tuple[float, float] = (0.5, 3.0)
    refusing: float = 0.0

    @property
    def step_ms(self) -> int:
        """Event time between two observations, ms."""
        about = self.rate * SECONDS_A_KILL * (self.kills + self.inside + 4 * self.stops + 1 + self.refusing / SECONDS_A_KILL)
        return step_for(about)


@dataclass
class Report:
    """What a run did and found."""

    plan: dict[str, Any]
    killed: int = 0
    died_inside: int = 0
    stopped: int = 0
    exits: dict[str, int] = field(default_factory=dict)
    last_words: list[str] = field(default_factory=list)
    compared: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    recovery_seconds: list[float] = field(default_factory=list)
    compacted: bool = False
    seconds: float = 0.0
