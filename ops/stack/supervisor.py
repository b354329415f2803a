"""Supervisor: starts the parts and steps of a plan in the order of their needs, keeps the parts running, stops them in reverse order.

The guarantees, in this order:
1. one supervisor a data folder: it holds the lock file as long as it lives;
2. what a former supervisor left running (it was killed) is ended before anything is started, recognised by pid and start time;
3. a part or step starts when all that it needs are ready; the first that fails stops everything and is named with its last lines;
4. SIGTERM or SIGINT: parts stop in reverse order of need, each within its deadline, then by SIGKILL to its group;
5. when it ends, nothing that it started runs.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from ops.stack.keeper import Keeper, Pace, Stopped
from ops.stack.part import Part, PartError, Step
from ops.stack.process import Identity, end
from ops.stack.state import Board, State, read

LOCK_NAME = "stack.lock"
LOGS = "logs"
TICK_S = 0.1
JOIN_MARGIN_S = 15.0

log = structlog.get_logger(__name__)


class AlreadyRunning(RuntimeError):
    """Another supervisor holds the data folder."""


@contextmanager
def sole(data_dir: Path) -> Iterator[None]:
    """Hold the data folder. Raises AlreadyRunning. The kernel releases the lock however the process ends."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / LOCK_NAME).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"{data_dir}: một tiến trình giám sát khác đang chạy / another supervisor runs here") from error
        yield


def end_leftovers(state: State | None) -> list[str]:
    """End, last started first, the parts of a supervisor that is gone; names of those that still ran."""
    if state is None:
        return []
    ended = []
    for row in reversed(state.rows):
        identity = row.identity()
        if identity is not None and end(identity, row.stop_timeout):
            ended.append(row.name)
    return ended


def supervise(data_dir: Path, plan: Callable[[], Sequence[Part | Step]], pace: Pace | None = None) -> int:
    """Guarantees 1 to 5 for the entries that `plan` gives once leftovers are gone (their ports are free again by then).

    Returns the exit code of `Supervisor.run`, 1 also where `plan` raises PartError. Raises AlreadyRunning.
    """
    with sole(data_dir):
        leftovers = end_leftovers(read(data_dir))
        if leftovers:
            log.warning("ended what a former supervisor left", parts=leftovers)
        try:
            supervisor = Supervisor(plan(), data_dir, pace)
        except PartError as error:
            log.error("no plan", error=str(error))
            Board(data_dir, (), me()).phase("failed", str(error))
            return 1
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        return supervisor.run()


def me() -> Identity:
    """This process."""
    return Identity.of(os.getpid())


class Supervisor:
    """Runs one plan. `entries` stand in an order in which each comes after all it needs."""

    def __init__(self, entries: Sequence[Part | Step], data_dir: Path, pace: Pace | None = None) -> None:
        self._entries = tuple(entries)
        self._data_dir = data_dir
        self._stop = threading.Event()
        self._failures: list[str] = []
        self._board = Board(data_dir, self._entries, me())
        logs = data_dir / LOGS
        logs.mkdir(exist_ok=True)
        self._keepers = {e.name: Keeper(e, logs, self._board, pace) for e in self._entries if isinstance(e, Part)}
        self._ready = {e.name: threading.Event() for e in self._entries}
        self._threads = {e.name: threading.Thread(target=self._live, args=(e,), name=e.name, daemon=True) for e in self._entries}

    def run(self) -> int:
        """Until `stop` or a failed start: 0 after an orderly stop, 1 where the stack did not come up."""
        for thread in self._threads.values():
            thread.start()
        if self._come_up():
            self._board.phase("ready")
            log.info("stack ready")
            while not self._stop.wait(TICK_S):
                pass
        self._board.phase("stopping")
        self._stop_all()
        failure = "\n".join(self._failures[:1])
        self._board.phase("failed" if failure else "stopped", failure)
        log.info("stack stopped", failed=bool(failure))
        return 1 if failure else 0

    @property
    def state(self) -> State:
        """What runs, under which pid, in which condition."""
        return self._board.state

    def stop(self) -> None:
        """Ask `run` to stop everything and return; from any thread or signal handler."""
        self._stop.set()

    def _come_up(self) -> bool:
        """Wait until everything is ready (True), or something failed, overran its time or a signal came (False)."""
        begun: dict[str, float] = {}
        while not all(event.is_set() for event in self._ready.values()):
            if self._failures or self._stop.wait(TICK_S):
                return False
            for step in self._steps_running():
                since = begun.setdefault(step.name, time.monotonic())
                if time.monotonic() - since > step.timeout:
                    late = f"quá {step.timeout:.0f} giây / took too long"
                    self._fail(step, PartError(f"{step.title} ({step.name}): {late}.\n  {step.advice}"))
        return not self._failures

    def _steps_running(self) -> Iterator[Step]:
        running = {row.name for row in self._board.state.rows if row.condition == "starting"}
        return (entry for entry in self._entries if isinstance(entry, Step) and entry.name in running)

    def _live(self, entry: Part | Step) -> None:
        """The thread of one entry: wait for what it needs, start, keep."""
        for need in entry.after:
            while not self._ready[need].wait(TICK_S):
                if self._stop.is_set() or self._failures:
                    return
        try:
            if isinstance(entry, Step):
                self._do(entry)
            else:
                self._keepers[entry.name].start()
        except Stopped:
            self._board.row(entry.name, condition="stopped", pid=0)
            return
        # Process boundary: whatever a part's preparation or a step raises must name the part to the person, not end a thread unseen.
        except Exception as error:
            self._fail(entry, error)
            return
        self._ready[entry.name].set()
        if isinstance(entry, Part):
            self._keep(self._keepers[entry.name])

    def _keep(self, keeper: Keeper) -> None:
        while True:
            try:
                keeper.keep()
                return
            # Process boundary: no error (a full disk under a log or the state file) may leave a part unwatched.
            except Exception as error:
                log.error("keeper failed, goes on", part=keeper.part.name, exc_info=error)
                if keeper.stop.wait(1.0):
                    return

    def _do(self, step: Step) -> None:
        self._board.row(step.name, condition="starting")
        said = step.run()
        self._board.row(step.name, condition="ready", said=said)
        log.info("step done", step=step.name, said=said)

    def _fail(self, entry: Part | Step, error: Exception) -> None:
        known = isinstance(error, PartError)
        text = str(error) if known else f"{entry.title} ({entry.name}): {type(error).__name__}: {error}\n  {entry.advice}"
        log.error("part failed", part=entry.name, error=text, exc_info=None if known else error)
        self._failures.append(text.rstrip())
        self._board.row(entry.name, condition="failed", pid=0, said=text.splitlines()[0])

    def _stop_all(self) -> None:
        """Layer by layer, what nothing needs any more first."""
        self._stop.set()
        for layer in reversed(layers(self._entries)):
            for entry in layer:
                if entry.name in self._keepers:
                    self._keepers[entry.name].stop.set()
            for entry in layer:
                if isinstance(entry, Part):
                    self._threads[entry.name].join(entry.stop_timeout + JOIN_MARGIN_S)
        end_leftovers(self._board.state)


def layers(entries: Sequence[Part | Step]) -> list[list[Part | Step]]:
    """Entries by depth of need: layer 0 needs nothing, layer n something of layer n - 1.

    Raises PartError for a need that does not stand before its entry.
    """
    depth: dict[str, int] = {}
    result: list[list[Part | Step]] = []
    for entry in entries:
        unknown = [need for need in entry.after if need not in depth]
        if unknown:
            raise PartError(f"{entry.name}: cần / needs {', '.join(unknown)}, which is not before it in the plan")
        depth[entry.name] = 1 + max((depth[need] for need in entry.after), default=-1)
        if depth[entry.name] == len(result):
            result.append([])
        result[depth[entry.name]].append(entry)
    return result
