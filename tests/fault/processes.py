"""The pipeline's processes as children of a test: started with the installation's settings, killed, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Final, NamedTuple

from ops.stack.part import BEHIND
from ops.stack.process import yield_to_others
from transport.settings import HOME, Settings

PROCESSES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "worker": (("-m", "tests.fault.worker"), "lane open"),
    "sink": (("-m", "ops.run", "sink"), "sink.assigned"),
    "alerts": (("-m", "ops.run", "alerts"), '"leads"'),
}
"""Process → its arguments, and what its log says once it is at work."""
PRODUCER: Final = "producer"
SETTLED_SECONDS: Final = 12.0
"""A keeper's `Pace.settled`, and the two seconds until a process answers that it is well."""
_KNOWN: Final = PROCESSES | {PRODUCER: (("-m", "tests.fault.producer"), "fault.producer.started")}


class Ended(NamedTuple):
    """A process that ended by itself: exit status and last line of its log."""

    name: str
    status: int
    last: str


class Process:
    """One process of the pipeline, started again under the same instance name whenever it ends. `instance`: that name, where several of
    one kind run beside each other; `extra`: more environment."""

    def __init__(self, name: str, settings: Settings, ended: list[Ended], instance: str = "", **extra: str) -> None:
        self.name = name
        self._argv, self._mark = _KNOWN[name]
        own = {f"NHIP_{name.upper()}_INSTANCE": instance} if instance else {}
        self._ended, self._env = ended, environment(settings) | own | extra
        self._log = settings.data_dir / f"{instance or name}.process.log"
        self._began = 0
        self.away = False
        self.child = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._began = log.tell()
            child = subprocess.Popen(  # a session of its own, as the supervisor gives each: by it processors are shared
                [sys.executable, *self._argv], env=self._env, stdout=log, stderr=log, cwd=HOME, start_new_session=True
            )
        self._came, self._yields = time.monotonic(), True
        return child

    def said(self) -> str:
        """What this life wrote to its log."""
        with self._log.open("rb") as log:
            log.seek(self._began)
            return log.read().decode("utf-8", "replace")

    def at_work(self) -> bool:
        """Has this life come so far as to read inputs? One that was sent away is not waited for."""
        return self.away or self._mark in self.said()

    def lives_said(self, mark: str) -> int:
        """How often all its lives said something."""
        return self._log.read_text("utf-8", "replace").count(mark)

    def revive(self) -> None:
        """Start it again where it ended by itself, and note how. Once it has started it yields, as under the supervisor."""
        if self._yields and time.monotonic() - self._came > SETTLED_SECONDS:
            yield_to_others(self.child.pid, BEHIND)
            self._yields = False
        if self.child.poll() is not None and not self.away:
            last = self.said().strip().rpartition("\n")[2][:300]
            self._ended.append(Ended(self.name, self.child.returncode, last))
            self.child = self._start()

    def kill(self) -> None:
        """SIGKILL, and start again."""
        self.revive()
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(10)
        self.child = self._start()

    def freeze(self) -> None:
        """SIGSTOP: it answers nobody, and holds what it holds."""
        self.revive()
        self.child.send_signal(signal.SIGSTOP)

    def replace(self) -> subprocess.Popen[bytes]:
        """Start another under the same instance name beside the frozen one, which is returned: the zombie."""
        zombie, self.child = self.child, self._start()
        return zombie

    def leave(self) -> None:
        """Stop it as an operator does; it stays away until it is told to come back."""
        self.end()
        self.away = True

    def come_back(self) -> None:
        """Start it again after it left."""
        self.away, self.child = False, self._start()

    def end(self) -> None:
        """Stop it as an operator does; SIGKILL where it does not stop in time."""
        self.child.terminate()
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(10)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a child's environment; metrics on any free port."""
    names = (
        "home", "kafka_bootstrap", "registry_url", "topic_prefix", "data_dir", "clickhouse_host", "clickhouse_port", "clickhouse_database",
    )  # fmt: skip
    own = {f"NHIP_{name.upper()}": str(getattr(settings, name)) for name in names}
    ports = {f"NHIP_{name.upper()}_METRICS_PORT": "0" for name in PROCESSES}
    return {name: value for name, value in os.environ.items() if not name.startswith("NHIP_")} | own | ports
