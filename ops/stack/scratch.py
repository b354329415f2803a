"""Scratch stack: single parts on free ports in a folder that may be deleted, for tests and measurements.

Unlike `nhip up` there is no supervisor: the calling process owns the parts, each is started on first use, and the kernel ends them with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.stack.apicurio import apicurio, apicurio_program
from ops.stack.clickhouse import clickhouse
from ops.stack.health import Unhealthy
from ops.stack.kafka import kafka, kafka_program
from ops.stack.logs import tail
from ops.stack.part import Part, PartError
from ops.stack.ports import Ports
from ops.stack.process import POLL_S, Child, spawn
from transport.settings import Settings


class Scratch:
    """A context: parts are started by their property, and stopped on leaving.

    `light`: a broker that starts fast, for tests; measurements want the broker that `nhip up` runs.
    """

    def __init__(self, home: Path, cache: Path, *, light: bool = True) -> None:
        self.home = home
        self.cache = cache
        self.light = light
        self.ports = Ports()
        self._running: dict[str, tuple[Part, Child]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for _, child in self._running.values():  # side by side: none needs another to end
            child.terminate()
        for name in reversed(tuple(self._running)):
            self.stop(name)

    def kafka(self) -> str:
        """host:port of a running broker."""
        jars, classes = kafka_program(self.cache)
        ports = self.ports.take(), self.ports.take()
        heap = 512 if self.light else 1024
        return self.start(lambda: kafka(jars, self.home / "kafka", ports, heap, self.light, classes), "kafka")

    def registry(self) -> str:
        """URL of a running registry's Confluent-compatible API."""
        unpacked, classes = apicurio_program(self.cache)
        return self.start(lambda: apicurio(unpacked, self.home / "registry", self.ports.take(), heap_mb=256, classes=classes), "registry")

    def clickhouse(self) -> str:
        """host:port of a running ClickHouse endpoint; users and passwords are the defaults of `Settings`."""
        return self.start(lambda: clickhouse(Settings(data_dir=self.home), self.home / "clickhouse", self.ports.take()), "clickhouse")

    def start(self, make: Callable[[], Part], name: str) -> str:
        """The address of part `name`, made by `make` and started if it is not yet. Raises PartError with its last log lines."""
        if name not in self._running:
            part = make()
            part.prepare()
            child = spawn(part.argv, self._log(name), part.cwd, part.env, with_parent=True)
            self._running[name] = (part, child)
            self._wait(part, child)
        return self._running[name][0].address

    def stop(self, name: str) -> None:
        """Stop part `name` and forget it; its data stays."""
        part, child = self._running.pop(name)
        child.stop(part.stop_timeout)

    def pid(self, name: str) -> int:
        """The pid of a running part."""
        return self._running[name][1].pid

    def _wait(self, part: Part, child: Child) -> None:
        deadline = time.monotonic() + part.start_timeout
        while True:
            try:
                part.check()
                return
            except Unhealthy as error:
                if child.exit_code() is not None or time.monotonic() > deadline:
                    lines = "\n".join(tail(self._log(part.name), 30))
                    raise PartError(f"{part.name}: exit code {child.exit_code()}; {error}\n{lines}") from error
            time.sleep(POLL_S)

    def _log(self, name: str) -> Path:
        return self.home / f"{name}.log"
