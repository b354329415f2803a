"""Broker, registry and ClickHouse endpoint under the product's own supervisor: what is killed is started again by it, as in `nhip up`."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

from ops.stack import artifacts
from ops.stack.apicurio import CCOMPAT, apicurio, apicurio_program
from ops.stack.clickhouse import clickhouse
from ops.stack.kafka import kafka, kafka_program
from ops.stack.keeper import Pace
from ops.stack.part import Part, PartError
from ops.stack.ports import LOOPBACK, Ports
from ops.stack.supervisor import Supervisor
from transport.settings import HOME, Settings

NAMES: Final = ("kafka", "registry", "clickhouse")
PACE: Final = Pace(check=1.0, first_pause=0.2, longest_pause=1.0, steady=5.0)
"""Restarts as quick as the supervisor's first one: what is measured is the recovery, not the pause between many kills."""
UP_SECONDS: Final = 120.0
DOWN_SECONDS: Final = 90.0


@contextlib.contextmanager
def ground() -> Iterator[tuple[Servers, Settings]]:
    """Servers under their supervisor in a folder that is deleted afterwards, and the settings of an installation on them."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True)))
        servers = stack.enter_context(Servers.three(folder / "stack", artifacts.cache_dir(HOME / ".nhip")))
        yield servers, Settings.load(data_dir=folder / "data", clickhouse_database="nhip_fault", topic_prefix="p.", **servers.addresses)


class Servers:
    """A context: parts under the supervisor, its state in `home`; `addresses` are fields of `Settings`."""

    def __init__(self, parts: Sequence[Part], home: Path, addresses: Mapping[str, object] = MappingProxyType({})) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._supervisor = Supervisor(parts, home, PACE)
        self._thread = threading.Thread(target=self._supervisor.run, name="supervisor", daemon=True)
        self.addresses = dict(addresses)

    @classmethod
    def three(cls, home: Path, cache: Path) -> Self:
        """Broker, registry and ClickHouse endpoint on free ports."""
        ports = Ports()
        brokers, registry_port, store_port = (ports.take(), ports.take()), ports.take(), ports.take()
        jars, classes = kafka_program(cache)
        unpacked, registry_classes = apicurio_program(cache)
        home.mkdir(parents=True, exist_ok=True)
        parts = (
            kafka(jars, home / "kafka", brokers, 512, light=True, classes=classes),
            apicurio(unpacked, home / "registry", registry_port, 256, classes=registry_classes),
            clickhouse(Settings(data_dir=home), home / "clickhouse", store_port),
        )
        return cls(parts, home, {
            "kafka_bootstrap": f"{LOOPBACK}:{brokers[0]}", "registry_url": f"http://{LOOPBACK}:{registry_port}{CCOMPAT}",
            "clickhouse_host": LOOPBACK, "clickhouse_port": store_port,
        })  # fmt: skip

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._await_ready()
        except BaseException:  # a run that is stopped here leaves no server behind
            self._leave()
            raise
        return self

    def _await_ready(self) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while self._supervisor.state.phase == "starting" and time.monotonic() < deadline:
            time.sleep(0.1)
        if self._supervisor.state.phase != "ready":
            raise PartError(f"the servers did not come up: {self._supervisor.state.failure}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self._supervisor.stop()
        self._thread.join(DOWN_SECONDS)

    def pid(self, name: str) -> int:
        """The process that now is server `name`; 0 while it is being started again."""
        row = self._supervisor.state.row(name)
        return row.pid if row is not None else 0

    def kill(self, name: str) -> bool:
        """SIGKILL; the supervisor starts it again. False where it was not running."""
        pid = self.pid(name)
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def ready(self, name: str) -> bool:
        """Does the supervisor find it well?"""
        row = self._supervisor.state.row(name)
        return row is not None and row.condition == "ready"
