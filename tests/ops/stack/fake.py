"""A stack of fake parts: the real supervisor over servers that start in a tenth of a second.

In a test `Supervisor(entries(…))` runs in a thread; `python -m tests.ops.stack.fake <home> <specifications>` is the same as a process, for
what only signals and kills show. A specification is one of `fake_part.py`, or a step: `step`, `seconds`, `error`, `timeout`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops.stack import health
from ops.stack.keeper import Pace
from ops.stack.part import Part, Step
from ops.stack.supervisor import AlreadyRunning, supervise
from tests.ops.stack.fake_part import note

PROGRAM = Path(__file__).with_name("fake_part.py")
QUICK = Pace(check=0.1, first_pause=0.05, longest_pause=0.2, steady=60.0)
HELD = 75

Spec = dict[str, Any]


def entries(home: Path, specs: list[Spec]) -> list[Part | Step]:
    """The parts and steps of the specifications."""
    return [_step(home, spec) if spec.get("step") else _part(home, spec) for spec in specs]


def _part(home: Path, spec: Spec) -> Part:
    address = f"127.0.0.1:{spec['port']}"
    return Part(
        name=spec["name"],
        title=spec["name"].title(),
        argv=(sys.executable, "-S", str(PROGRAM), json.dumps({**spec, "home": str(home)})),
        address=address,
        check=health.http(f"http://{address}/"),
        cwd=home,
        env=os.environ,
        after=tuple(spec.get("after", ())),
        start_timeout=spec.get("start_timeout", 20.0),
        stop_timeout=spec.get("stop_timeout", 10.0),
        memory_mb=spec.get("limit_mb", 0),
        advice="look at the disk",
    )


def _step(home: Path, spec: Spec) -> Step:
    return Step(
        spec["name"], spec["name"].title(), _work(home, spec), tuple(spec.get("after", ())), spec.get("timeout", 10.0), "repair the step"
    )


def _work(home: Path, spec: Spec) -> Callable[[], str]:
    def run() -> str:
        note(home, f"step {spec['name']}")
        if spec.get("error"):
            raise ValueError(spec["error"])
        time.sleep(spec.get("seconds", 0))
        return "1 change"

    return run


def main(home: str, specs: str) -> int:
    """The supervisor as a process."""
    try:
        return supervise(Path(home), lambda: entries(Path(home), json.loads(specs)), QUICK)
    except AlreadyRunning:
        return HELD


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
