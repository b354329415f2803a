"""Named points at which a process may be told to die: how the fault tests reach the inside of a commit.

`NHIP_FAULT=point:chance[,point:chance…]` with `NHIP_FAULT_SEED`: at each named point the process kills itself with SIGKILL with that
chance.
Without the variable a point costs one attribute test. The points are listed in docs/guarantees.md; a test checks that each is reached.
"""

from __future__ import annotations

import os
import random
import signal

_CHANCES: dict[str, float] = {
    name: float(chance) for name, _, chance in (part.rpartition(":") for part in os.environ.get("NHIP_FAULT", "").split(",") if part)
}
_RANDOM = random.Random(f"{os.environ.get('NHIP_FAULT_SEED', '')}-{os.getpid()}")


def armed(point: str) -> bool:
    """Should the process die at this point now? Draws anew each time; always False outside fault tests."""
    return bool(_CHANCES) and _RANDOM.random() < _CHANCES.get(point, 0.0)


def die() -> None:
    """SIGKILL to ourselves: no handler, no flush, as a power cut of the process."""
    os.kill(os.getpid(), signal.SIGKILL)


def reach(point: str) -> None:
    """Die here if this point is armed."""
    if armed(point):
        die()
