"""Keeper: starts one part, watches it, starts it again when it ends or outgrows its memory, stops it when told.

A part that starts comes before all that are at work, whatever it yields by: beside a backlog its start would else take
three times as long as its work. It yields once it has been well for a while (`Pace.settled`).

A part that is slow to answer is shown as unhealthy and left alone: a restart under load makes load worse. One that has ended is
started again: at once where it ends for the first time or had lived steadily, then after pauses that double up to the longest (`Pace`).
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from ops.stack.health import Unhealthy
from ops.stack.logs import rotate, tail
from ops.stack.part import Part, PartError
from ops.stack.process import POLL_S, Child, private_memory, spawn, yield_to_others
from ops.stack.state import Board

FAILURE_LINES = 25
OVER_LIMIT_TIMES = 3
WATCH_S = 0.25
"""Between looks whether a running part has ended: a tenth of a second is nothing beside a new start, and a dozen parts are looked at."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a keeper waits, in seconds: between looks at a healthy part, before a second restart, at most before one, the life after
    which an end counts as the first again, and how long a part that is well comes first: it restores its state meanwhile.
    """

    check: float = 5.0
    first_pause: float = 0.5
    longest_pause: float = 30.0
    steady: float = 60.0
    settled: float = 10.0


class Stopped(Exception):
    """The keeper was told to stop before its part was ready."""


class Keeper:
    """One part's life. `start` and `keep` run in one thread; `stop` is set by another."""

    def __init__(self, part: Part, logs: Path, board: Board, pace: Pace | None = None) -> None:
        self.part = part
        self.stop = threading.Event()
        self._log = logs / f"{part.name}.log"
        self._board = board
        self._pace = pace or Pace()
        self._child: Child | None = None
        self._restarts = 0
        self._pause = 0.0

    def start(self, why: str = "") -> None:
        """Prepare, start, wait until it is well; `why` is shown meanwhile. Raises PartError with its last lines, Stopped where `stop` was
        set."""
        rotate(self._log)
        self._say("starting", pid=0, said=why)
        self.part.prepare()
        try:
            child = spawn(self.part.argv, self._log, self.part.cwd, self.part.env)
        except OSError as error:
            raise PartError(f"{self.part.name}: {self.part.argv[0]}: {error.strerror}. {self.part.advice}".rstrip()) from error
        self._child = child
        self._say("starting", pid=child.pid, born=child.identity.born)
        log.info("part started", part=self.part.name, pid=child.pid)
        with ExitStack() as undo:
            undo.callback(self._end, child)
            self._await_health(child)
            undo.pop_all()
        self._say("ready", said="")
        log.info("part ready", part=self.part.name, pid=child.pid, address=self.part.address)

    def keep(self) -> None:
        """Watch until `stop` is set, then stop the part within its deadline."""
        while not self.stop.is_set():
            reason = self._watch()
            if reason:
                self._again(reason)
        if self._child is not None:
            self._end(self._child)
        self._say("stopped", pid=0, said="")

    def _await_health(self, child: Child) -> None:
        deadline = time.monotonic() + self.part.start_timeout
        while True:
            try:
                self.part.check()
            except Unhealthy as error:
                if child.exit_code() is not None:
                    raise self._failure(f"kết thúc với mã {child.exit_code()} / ended with exit code {child.exit_code()}") from error
                if time.monotonic() >= deadline:
                    raise self._failure(f"không sẵn sàng sau {self.part.start_timeout:.0f} giây / not ready in time: {error}") from error
            else:
                if child.exit_code() is None:
                    return
                raise self._failure("đã kết thúc; chương trình khác chiếm địa chỉ này / ended; another program answers at its address")
            if self.stop.wait(POLL_S):
                raise Stopped

    def _watch(self) -> str:
        """Look after the running part until it ends (the reason) or `stop` is set (empty)."""
        child, begun, over, first = self._child, time.monotonic(), 0, True
        next_check = begun + self._pace.check
        while child is not None and not self.stop.wait(min(WATCH_S, self._pace.check)):
            code = child.exit_code()
            if code is not None:
                return f"kết thúc với mã {code} / ended with exit code {code}"
            if first and time.monotonic() - begun >= self._pace.settled:
                yield_to_others(child.pid, self.part.nice)
                first = False
            if time.monotonic() < next_check:
                continue
            if time.monotonic() - begun > self._pace.steady:
                self._pause = 0.0
            self._look(child)
            over = over + 1 if self._over_limit(child) else 0
            if over == OVER_LIMIT_TIMES:
                self._end(child)
                return f"quá giới hạn bộ nhớ / over its memory limit of {self.part.memory_mb} MB"
            rotate(self._log)
            next_check = time.monotonic() + self._pace.check
        return "" if child is not None else "không khởi động được / did not start"

    def _look(self, child: Child) -> None:
        row = self._board.state.row(self.part.name)
        shown = row.condition if row else "ready"
        try:
            self.part.check()
        except Unhealthy as error:
            if shown != "unhealthy" and child.exit_code() is None:
                self._say("unhealthy", said=str(error))
                log.warning("part does not answer", part=self.part.name, error=str(error))
        else:
            if shown == "unhealthy":
                self._say("ready", said="")

    def _over_limit(self, child: Child) -> bool:
        return 0 < self.part.memory_mb * 1_000_000 < private_memory(child.pid)

    def _again(self, reason: str) -> None:
        """One restart: pause, then start. Where that fails, the next pause is longer."""
        self._restarts += 1
        self._child = None
        self._say("restarting", pid=0, restarts=self._restarts, said=reason)
        log.warning("part ended, starting again", part=self.part.name, reason=reason, pause_s=self._pause, restarts=self._restarts)
        if self.stop.wait(self._pause):
            return
        self._pause = min(2 * self._pause or self._pace.first_pause, self._pace.longest_pause)
        try:
            self.start(reason)
        except Stopped:
            self._child = None
        except PartError as error:
            self._child = None
            log.error("part did not start again", part=self.part.name, error=str(error))

    def _end(self, child: Child) -> None:
        self._say("stopping")
        if not child.stop(self.part.stop_timeout):
            log.warning("part was killed", part=self.part.name, after_s=self.part.stop_timeout)

    def _failure(self, what: str) -> PartError:
        lines = "\n".join(f"    {line}" for line in tail(self._log, FAILURE_LINES))
        return PartError(f"{self.part.title} ({self.part.name}): {what}.\n  {self._log}:\n{lines}\n  {self.part.advice}".rstrip())

    def _say(self, condition: str, **change: object) -> None:
        self._board.row(self.part.name, condition=condition, **change)
