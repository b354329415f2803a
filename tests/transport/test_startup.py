"""The line «ready»: steps on two clocks from the process's birth, said once."""

from __future__ import annotations

import time

from structlog.testing import capture_logs

from transport.startup import Startup


def test_ready_is_said_once_with_each_step() -> None:
    spent = time.process_time()
    startup = Startup()
    startup.done("imports")
    startup.done("imports")
    startup.done("restored")
    with capture_logs() as logs:
        startup.ready("committed", lanes=3)
        startup.ready("committed", lanes=4)
        startup.done("late")
    assert len(logs) == 1
    assert logs[0]["event"] == "ready"
    assert logs[0]["lanes"] == 3
    assert list(logs[0]["steps"]) == ["imports", "restored", "committed"]
    assert logs[0]["seconds"] > 0
    assert logs[0]["processor_seconds"] >= round(spent, 2), "of the whole process, what came before among it"
    assert startup.over


def test_the_steps_add_up_to_the_whole() -> None:
    startup = Startup()
    startup.done("first")
    sum(range(100_000))
    with capture_logs() as logs:
        startup.ready("second")
    parts = [tuple(map(float, text.split("/"))) for text in logs[0]["steps"].values()]
    assert abs(sum(wall for wall, _ in parts) - logs[0]["seconds"]) < 0.05
    assert abs(sum(spent for _, spent in parts) - logs[0]["processor_seconds"]) < 0.05
