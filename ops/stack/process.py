"""Process: one started program, known by pid and birth, with its output in a file; ended with everything it started.

A pid alone is not an identity: the kernel gives it out again. `Identity` therefore holds the birth as well, and nothing is signalled whose
birth differs. Each program leads its own session and process group, so that a terminal's Ctrl-C does not reach it and its
children can be ended with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

POLL_S = 0.05
KILL_WAIT_S = 10.0
AUTOGROUP_WAIT_S = 1.0
PR_SET_PDEATHSIG = 1
BOOT = Path("/proc/sys/kernel/random/boot_id")
TICKS_AFTER_NAME = 19
"""Index of `starttime` among the fields that follow the name in /proc/<pid>/stat (proc(5): field 22)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that cannot be mistaken for another: its pid and its birth (see `birth`)."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process that has `pid` now. Raises psutil.NoSuchProcess."""
        return cls(pid, birth(pid))

    def alive(self) -> bool:
        """Whether it still runs: a zombie has ended, and a pid that belongs to another process now is not this one."""
        try:
            return birth(self.pid) == self.born and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def birth(pid: int) -> str:
    """When a process began, in a form that a corrected clock does not move: boot and ticks since boot (Linux), else the start time.

    Raises psutil.NoSuchProcess.
    """
    if not BOOT.exists():
        return repr(psutil.Process(pid).create_time())
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(pid) from error
    return f"{BOOT.read_text().strip()}:{after_name[TICKS_AFTER_NAME]}"


class Child:
    """A process that this one started and must reap."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self.identity = Identity.of(popen.pid)  # an unreaped child keeps its pid, so this cannot miss

    @property
    def pid(self) -> int:
        """Its pid, which is its process group too."""
        return self._popen.pid

    def exit_code(self) -> int | None:
        """None while it runs; else its exit code, minus the signal's number where a signal ended it.

        The rest of its group is killed before it is reaped: until then the zombie keeps the group's number from being given out again.
        """
        if self._popen.returncode is None and _has_ended(self.pid):
            _signal_group(self.pid, signal.SIGKILL)
            self._popen.wait(KILL_WAIT_S)
        return self._popen.returncode

    def terminate(self) -> None:
        """Ask it to stop (SIGTERM); returns at once."""
        if self.exit_code() is None:
            self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End its whole group (SIGKILL) and reap it."""
        if self.exit_code() is None:
            _signal_group(self.pid, signal.SIGKILL)
            self._popen.wait(KILL_WAIT_S)

    def stop(self, timeout: float) -> bool:
        """Ask it to stop, wait `timeout` seconds, then kill. True where it stopped by itself."""
        self.terminate()
        deadline = time.monotonic() + timeout
        while self.exit_code() is None:
            if time.monotonic() >= deadline:
                self.kill()
                return False
            time.sleep(POLL_S)
        return True


def spawn(argv: tuple[str, ...], log: Path, cwd: Path, env: Mapping[str, str], with_parent: bool = False) -> Child:
    """Start a program in a session of its own, output appended to `log`. Raises OSError where it cannot be started.

    `with_parent`: the kernel kills it when the calling thread ends (Linux), for test runs that are themselves killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, env=dict(env), start_new_session=True,
            preexec_fn=_death_signal() if with_parent else None,
        )  # fmt: skip
    return Child(popen)


def yield_to_others(pid: int, nice: int) -> None:
    """Let a session's leader yield to others on a busy machine, `nice` as in setpriority(2); one that has ended is left alone.

    Where the kernel shares processors between sessions first (sched(7), autogroup: the default of most distributions) a program's own nice
    value counts only against its own session, so the session is given the same one.
    """
    if nice > 0:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: it yields more already, as its parent does
            os.setpriority(os.PRIO_PROCESS, pid, nice)
            if os.getsid(pid) == pid:  # of another's session it would slow whoever else is in it
                _yield_as_session(Path(f"/proc/{pid}/autogroup"), nice)


def _yield_as_session(autogroup: Path, nice: int) -> None:
    """Write the session's nice value. The kernel takes one from an ordinary user every tenth of a second, from all sessions together."""
    ends = time.monotonic() + AUTOGROUP_WAIT_S
    while time.monotonic() < ends:
        try:
            autogroup.write_text(str(nice))
            return
        except BlockingIOError:
            time.sleep(POLL_S)
        except OSError:  # a kernel without autogroups, a part that has ended, a lower value than the session has: nothing to be done
            return


def end(identity: Identity, timeout: float) -> bool:
    """End a process that another one started (a former supervisor): SIGTERM, then SIGKILL to its group. True where it ran and has ended."""
    if not identity.alive():
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(identity.pid, signal.SIGTERM)
    if not _gone(identity, timeout) and identity.alive():
        _signal_group(identity.pid, signal.SIGKILL)
        _gone(identity, KILL_WAIT_S)
    return not identity.alive()


def private_memory(pid: int) -> int:
    """Resident memory in bytes that is the process's own, without files mapped into it; 0 where it has ended."""
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess:
        return 0
    return int(info.rss - getattr(info, "shared", 0))


def _gone(identity: Identity, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while identity.alive():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def _has_ended(pid: int) -> bool:
    """Whether the child has ended, leaving it a zombie."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, where a group holds only a zombie
        os.killpg(pid, number)


def _death_signal() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: after it only the call is safe

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    return ask
