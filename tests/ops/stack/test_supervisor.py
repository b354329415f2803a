"""The supervisor over fake parts: order, failure, restart, stop, take-over. Guarantees 1 to 5 of ops/stack/supervisor.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ops.stack.health import Unhealthy
from ops.stack.keeper import Keeper, Pace
from ops.stack.part import Part, PartError, Step
from ops.stack.ports import Ports
from ops.stack.process import Identity, end
from ops.stack.state import Board, State, read
from ops.stack.supervisor import Supervisor, end_leftovers, layers, me
from tests.ops.stack.fake import HELD, QUICK, Spec, entries

pytestmark = pytest.mark.loopback

DEADLINE_S = 30.0


class Running:
    """One supervisor in a thread of the test."""

    def __init__(self, home: Path, specs: tuple[Spec, ...]) -> None:
        self.supervisor = Supervisor(entries(home, list(specs)), home, QUICK)
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.code = self.supervisor.run()

    def ended(self) -> int:
        """The exit code of a supervisor that ends by itself."""
        self._thread.join(DEADLINE_S)
        assert self.code is not None, "does not end"
        return self.code

    def stop(self) -> int:
        """Its exit code after it was told to stop."""
        self.supervisor.stop()
        return self.ended()


Launch = Callable[..., Running]
LaunchProcess = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts the supervisor over the given parts in a thread; it is stopped at the end of the test."""
    started: list[Running] = []

    def start(*specs: Spec) -> Running:
        started.append(Running(tmp_path, specs))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def launch_process(tmp_path: Path) -> Iterator[LaunchProcess]:
    """Starts the supervisor as a process; whatever still runs at the end of the test is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*specs: Spec) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "tests.ops.stack.fake", str(tmp_path), json.dumps(specs)]
        with (tmp_path / "supervisor.log").open("ab") as log:
            started.append(subprocess.Popen(argv, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(10)
    end_leftovers(read(tmp_path))


def until(home: Path, true: Callable[[State], bool]) -> State:
    """The first state for which `true` holds."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        state = read(home)
        if state is not None and true(state):
            return state
        assert time.monotonic() < deadline, f"not reached: {state}"
        time.sleep(0.02)


def gone(process: Identity) -> None:
    """Wait until a process that was killed has ended: a signal is on its way when `kill` returns, and later on a busy machine."""
    deadline = time.monotonic() + DEADLINE_S
    while process.alive():
        assert time.monotonic() < deadline, f"{process} lives on"
        time.sleep(0.02)


def ready(state: State) -> bool:
    return state.phase == "ready"


def events(home: Path) -> list[str]:
    return (home / "events").read_text().splitlines()


def alive(state: State) -> list[str]:
    """Parts whose process still runs."""
    return [row.name for row in state.rows if (identity := row.identity()) and identity.alive()]


def test_parts_start_after_what_they_need_and_stop_before_it(tmp_path: Path, launch: Launch) -> None:
    ports = Ports()
    supervisor = launch(
        {"name": "broker", "port": ports.take()},
        {"name": "topics", "step": True, "after": ["broker"]},
        {"name": "worker", "port": ports.take(), "after": ["topics"]},
    )
    state = until(tmp_path, ready)
    assert [row.condition for row in state.rows] == ["ready"] * 3
    row = state.row("topics")
    assert row is not None
    assert row.said == "1 change"
    assert supervisor.stop() == 0
    assert events(tmp_path) == ["start broker", "step topics", "start worker", "stop worker", "stop broker"]
    assert until(tmp_path, lambda s: s.phase == "stopped").failure == ""


def test_a_part_that_dies_is_named_with_its_last_lines_and_advice_and_the_others_stop(tmp_path: Path, launch: Launch) -> None:
    ports = Ports()
    dying = {"name": "worker", "port": ports.take(), "after": ["broker"], "dies": True}
    supervisor = launch({"name": "broker", "port": ports.take()}, dying)
    assert supervisor.ended() == 1
    state = until(tmp_path, lambda s: s.phase == "failed")
    for words in ("Worker (worker)", "exit code 3", "last words", "worker.log", "look at the disk"):
        assert words in state.failure
    assert events(tmp_path)[-1] == "stop broker"
    assert alive(state) == []


def test_a_part_that_never_answers_is_named_after_its_time(tmp_path: Path, launch: Launch) -> None:
    supervisor = launch({"name": "mute", "port": Ports().take(), "mute": True, "start_timeout": 0.5, "stop_timeout": 1})
    assert supervisor.ended() == 1
    assert "not ready in time" in until(tmp_path, lambda s: s.phase == "failed").failure


def test_a_killed_part_is_started_again_and_the_others_are_left_alone(tmp_path: Path, launch: Launch) -> None:
    ports = Ports()
    supervisor = launch({"name": "broker", "port": ports.take()}, {"name": "worker", "port": ports.take(), "after": ["broker"]})
    before = until(tmp_path, ready)
    killed, other = before.rows
    os.kill(killed.pid, signal.SIGKILL)
    after = until(tmp_path, lambda s: s.rows[0].restarts == 1 and s.rows[0].condition == "ready")
    assert after.rows[0].pid != killed.pid
    assert after.rows[1].pid == other.pid
    assert after.rows[1].restarts == 0
    assert supervisor.stop() == 0
    assert alive(after) == []


def test_a_deaf_part_is_killed_with_its_children(tmp_path: Path, launch: Launch) -> None:
    supervisor = launch({"name": "deaf", "port": Ports().take(), "deaf": True, "child": True, "stop_timeout": 0.3})
    state = until(tmp_path, ready)
    child = Identity.of(int((tmp_path / "child").read_text()))
    assert supervisor.stop() == 0
    assert alive(state) == []
    gone(child)


def test_children_of_a_part_that_died_are_ended_before_it_starts_again(tmp_path: Path, launch: Launch) -> None:
    launch({"name": "parent", "port": Ports().take(), "child": True})
    state = until(tmp_path, ready)
    child = Identity.of(int((tmp_path / "child").read_text()))
    os.kill(state.rows[0].pid, signal.SIGKILL)
    until(tmp_path, lambda s: s.rows[0].restarts == 1 and s.rows[0].condition == "ready")
    assert not child.alive()


def test_what_a_killed_supervisor_left_is_ended_by_the_next(tmp_path: Path, launch_process: LaunchProcess) -> None:
    spec = {"name": "broker", "port": Ports().take()}
    first = launch_process(spec)
    orphan = until(tmp_path, ready).rows[0].identity()
    first.kill()
    first.wait(10)
    assert orphan is not None
    assert orphan.alive()
    second = launch_process(spec)
    state = until(tmp_path, lambda s: s.phase == "ready" and s.pid == second.pid)
    assert not orphan.alive()
    assert alive(state) == ["broker"]


def test_a_second_supervisor_leaves_at_once_and_sigterm_stops_the_first(tmp_path: Path, launch_process: LaunchProcess) -> None:
    spec = {"name": "broker", "port": Ports().take()}
    first = launch_process(spec)
    before = until(tmp_path, ready)
    assert launch_process(spec).wait(DEADLINE_S) == HELD
    assert read(tmp_path) == before
    assert alive(before) == ["broker"]
    first.send_signal(signal.SIGTERM)
    assert first.wait(DEADLINE_S) == 0
    assert alive(before) == []


def test_a_process_that_has_a_former_pid_is_not_touched() -> None:
    mine = Identity.of(os.getpid())
    assert mine.alive()
    assert not end(Identity(mine.pid, "another birth"), 0)
    assert mine.alive()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"error": "no such topic"}, ("ValueError: no such topic", "repair the step")),
        ({"seconds": 20, "timeout": 0.3}, ("took too long", "repair the step")),
    ],
    ids=["raises", "overruns"],
)
def test_a_step_that_fails_is_named(tmp_path: Path, launch: Launch, step: Spec, words: tuple[str, ...]) -> None:
    supervisor = launch({"name": "broker", "port": Ports().take()}, {"name": "topics", "step": True, "after": ["broker"], **step})
    assert supervisor.ended() == 1
    state = until(tmp_path, lambda s: s.phase == "failed")
    assert all(word in state.failure for word in words)
    assert alive(state) == []


def test_a_part_over_its_memory_is_started_again_with_the_reason(tmp_path: Path, launch: Launch) -> None:
    launch({"name": "fat", "port": Ports().take(), "ballast_mb": 150, "limit_mb": 100})
    until(tmp_path, lambda s: "memory limit of 100 MB" in s.rows[0].said)
    until(tmp_path, lambda s: s.rows[0].restarts >= 1 and s.rows[0].condition == "ready")


def test_a_part_that_does_not_answer_is_shown_and_left_alone(tmp_path: Path, launch: Launch) -> None:
    launch({"name": "slow", "port": Ports().take()})
    before = until(tmp_path, ready)
    (tmp_path / "slow.sick").touch()
    sick = until(tmp_path, lambda s: s.rows[0].condition == "unhealthy")
    assert "HTTP 503" in sick.rows[0].said
    (tmp_path / "slow.sick").unlink()
    well = until(tmp_path, lambda s: s.rows[0].condition == "ready")
    assert (well.rows[0].pid, well.rows[0].restarts) == (before.rows[0].pid, 0)


def test_a_need_that_does_not_stand_before_is_refused() -> None:
    with pytest.raises(PartError, match="worker"):
        layers([Step("worker", "Worker", lambda: "", after=("broker",)), Step("broker", "Broker", lambda: "")])


def test_the_first_restart_waits_for_nothing_and_those_after_it_longer_and_longer(tmp_path: Path) -> None:
    def unwell() -> None:
        raise Unhealthy("not there")

    part = Part("short", "Ngắn", ("true",), "", unwell, tmp_path)
    keeper = Keeper(part, tmp_path, Board(tmp_path, (part,), me()), Pace(first_pause=0.02, longest_pause=0.05))
    with capture_logs() as logs:
        for _ in range(4):
            keeper._again("ended")
    assert [one["pause_s"] for one in logs if "pause_s" in one] == [0.0, 0.02, 0.04, 0.05]
