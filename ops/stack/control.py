"""Control: what `nhip up`, `down` and `reset` do to the supervisor: start it apart from the terminal, follow it, stop it, delete its data.

Progress goes to `say`, one line for people each. Every wait has a deadline; what cannot be done is a StackError that says what to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

from ops.stack.daemon import DEMO, HELD, SERVERS_ONLY
from ops.stack.logs import tail
from ops.stack.process import end
from ops.stack.state import STATE_FILE, Board, Row, State, read
from ops.stack.supervisor import LOGS, end_leftovers, me
from transport.settings import Settings

UP_TIMEOUT_S = 240.0
DOWN_TIMEOUT_S = 120.0
LOOK_S = 0.1
DIED_LINES = 25
KEPT_BY_RESET = frozenset({"cache", "inbox"})
SAID = {
    "starting": "đang khởi động / starting", "ready": "sẵn sàng / ready",
    "stopping": "đang dừng / stopping", "stopped": "đã dừng / stopped",
}  # fmt: skip

Say = Callable[[str], None]

_LAUNCHED: list[subprocess.Popen[bytes]] = []
"""Kept: the daemon outlives this process, and a handle dropped before its process ends is a warning."""


class StackError(RuntimeError):
    """The stack did not do what was asked. The text is for people."""


def running(data_dir: Path) -> State | None:
    """The state of a supervisor that lives; None where none does."""
    state = read(data_dir)
    return state if state is not None and state.supervisor().alive() else None


def up(
    settings: Settings, say: Say, servers_only: bool = False, timeout: float = UP_TIMEOUT_S, demo: bool = False, but: Collection[str] = ()
) -> State:  # fmt: skip
    """The state of the stack once it is ready, all parts `but` these. Where it already is, nothing is changed. `demo`: see `plan.local`.

    Raises StackError where a part did not start (its last lines are in the text) or `timeout` seconds passed.
    """
    state = running(settings.data_dir)
    deadline = time.monotonic() + timeout
    while state is not None and state.phase not in ("starting", "ready"):
        if time.monotonic() >= deadline:
            raise StackError(f"Lần chạy trước chưa dừng xong / the former run is still stopping (pid {state.pid}); `nhip down`")
        time.sleep(LOOK_S)
        state = running(settings.data_dir)
    options = [word for word, wanted in ((SERVERS_ONLY, servers_only), (DEMO, demo)) if wanted]
    daemon = _launch(settings, options) if state is None else None
    return _follow(settings, daemon, say, deadline, but)


def down(data_dir: Path, say: Say, timeout: float = DOWN_TIMEOUT_S) -> bool:
    """Stop the supervisor and all it started; True where something ran. A supervisor that does not end in `timeout` seconds is killed."""
    state = read(data_dir)
    if state is None:
        return False
    lived = state.supervisor().alive()
    if lived:
        say("Đang dừng / stopping …")
        if not end(state.supervisor(), timeout):
            raise StackError(f"Không dừng được tiến trình giám sát / the supervisor does not end: pid {state.pid}")
    leftovers = end_leftovers(read(data_dir))
    if leftovers:
        say(f"Đã dừng phần còn lại của lần chạy trước / ended what a former run left: {', '.join(leftovers)}")
    last = read(data_dir)
    if last is not None and last.phase not in ("stopped", "failed"):
        Board(data_dir, (), me()).phase("stopped")
    return lived or bool(leftovers)


def reset(data_dir: Path, say: Say, inbox: bool = False) -> list[str]:
    """Stop, then delete all data of the stack but its downloads and (unless `inbox`) the inbox; names of what was deleted.

    Raises StackError where the folder is not one of a stack: a wrong NHIP_DATA_DIR must not cost anybody's files.
    """
    if not (data_dir / STATE_FILE).exists():
        raise StackError(f"{data_dir}: không có {STATE_FILE}, không xóa gì / not a data folder of nhip, nothing deleted")
    down(data_dir, say)
    kept = KEPT_BY_RESET - {"inbox"} if inbox else KEPT_BY_RESET
    doomed = sorted(path for path in data_dir.iterdir() if path.name not in kept)
    for path in doomed:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return [path.name for path in doomed]


def _launch(settings: Settings, options: list[str]) -> subprocess.Popen[bytes]:
    """Start the daemon in a session of its own: the terminal's Ctrl-C and its closing do not reach it."""
    logs = settings.data_dir / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "ops.stack.daemon", *options]
    env = dict(os.environ) | {"NHIP_DATA_DIR": str(settings.data_dir.absolute())}
    with (logs / "supervisor.log").open("ab") as output:
        daemon = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=settings.home, env=env, start_new_session=True
        )
    _LAUNCHED.append(daemon)
    return daemon


def _follow(
    settings: Settings, daemon: subprocess.Popen[bytes] | None, say: Say, deadline: float, but: Collection[str] = ()
) -> State:  # fmt: skip
    """Tell every change until the stack is ready. `daemon`: the one started here; None: one that already ran. `but`: parts nobody waits
    for."""
    told: dict[str, Row] = {}
    while True:
        code = daemon.poll() if daemon else None
        state = read(settings.data_dir)
        mine = state is not None and (daemon is None or state.pid == daemon.pid or code == HELD)
        if state is not None and mine:
            _tell(state, told, say)
            if state.phase == "ready" or (but and _ready(state, but)):
                return state
            if state.phase in ("failed", "stopped"):
                raise StackError(state.failure or "Đã bị dừng khi đang khởi động / stopped while starting")
        if (code is not None and code != HELD) or (daemon is None and running(settings.data_dir) is None):
            raise StackError(_died(settings.data_dir, code))
        if time.monotonic() >= deadline:
            waiting = ", ".join(row.name for row in state.rows if row.condition != "ready") if state else "supervisor"
            raise StackError(f"Quá thời gian chờ / took too long; chưa sẵn sàng / not ready: {waiting}. `nhip logs`, `nhip down`")
        time.sleep(LOOK_S)


def _ready(state: State, but: Collection[str]) -> bool:
    """Is every row ready, these aside?"""
    return state.phase == "starting" and bool(state.rows) and all(r.condition == "ready" for r in state.rows if r.name not in but)


def _tell(state: State, told: dict[str, Row], say: Say) -> None:
    for row in state.rows:
        before = told.get(row.name)
        if (before is None or before.condition != row.condition) and row.condition in SAID:
            place = f" {row.address}" if row.address and row.condition == "ready" else ""
            said = f" ({row.said})" if row.said else ""
            say(f"{row.title}: {SAID[row.condition]}{place}{said}")
        told[row.name] = row


def _died(data_dir: Path, code: int | None) -> str:
    log = data_dir / LOGS / "supervisor.log"
    lines = "\n".join(f"    {line}" for line in tail(log, DIED_LINES))
    return f"Tiến trình giám sát kết thúc bất ngờ / the supervisor ended unexpectedly (exit code {code}).\n  {log}:\n{lines}"
