"""One endpoint process a session over a directory of its own, and the ways to talk to it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from transport.settings import HOME

WRITER, WRITER_PASSWORD = "writer", "mật khẩu: w'%&"
READER, READER_PASSWORD = "reader", "r-secret"
START_SECONDS = 120.0
STOP_SECONDS = 60.0


@dataclass
class Process:
    """A running endpoint process."""

    popen: subprocess.Popen[bytes]
    port: int
    data_dir: Path

    def client(self, user: str = WRITER, password: str = WRITER_PASSWORD, **options: Any) -> Client:
        """A clickhouse-connect client with its own pool."""
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=self.port, username=user, password=password, **{"database": "nhip", **options}
        )

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(STOP_SECONDS)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(STOP_SECONDS)


def start(data_dir: Path, *options: str) -> Process:
    """Starts an endpoint on a free port and waits until it answers."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NHIP_")} | {
        "NHIP_DATA_DIR": str(data_dir / "none"),
        "NHIP_CLICKHOUSE_USER": WRITER,
        "NHIP_CLICKHOUSE_PASSWORD": WRITER_PASSWORD,
        "NHIP_CLICKHOUSE_READER_USER": READER,
        "NHIP_CLICKHOUSE_READER_PASSWORD": READER_PASSWORD,
    }
    command = [sys.executable, "-m", "ops.clickhouse", "--data-dir", str(data_dir), *options]
    popen = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=HOME)
    assert popen.stdout is not None
    ready, _, _ = select.select([popen.stdout], [], [], START_SECONDS)
    line = popen.stdout.readline() if ready else b""
    if not line:
        popen.kill()
        raise AssertionError(f"the endpoint did not start within {START_SECONDS} s, exit code {popen.wait()}")
    return Process(popen, json.loads(line)["port"], data_dir)


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The session's endpoint; a test that stops one starts its own."""
    process = start(tmp_path_factory.mktemp("clickhouse"), "--memory-mb", "1200")
    yield process
    if process.popen.poll() is None:
        assert process.stop() == 0
    if process.popen.stdout is not None:
        process.popen.stdout.close()


@pytest.fixture
def client(endpoint: Process) -> Iterator[Client]:
    """A writing client."""
    with endpoint.client() as connected:
        yield connected


@pytest.fixture
def reader(endpoint: Process) -> Iterator[Client]:
    """A read-only client."""
    with endpoint.client(READER, READER_PASSWORD) as connected:
        yield connected


@pytest.fixture
def table(client: Client) -> Iterator[Callable[[str], str]]:
    """Makes tables `(columns)` that keep the tokens of their inserts, under names of their own; drops them."""
    made: list[str] = []

    def make(columns: str, order: str = "tuple()") -> str:
        name = f"t_{uuid.uuid4().hex}"
        client.command(
            f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY {order} SETTINGS non_replicated_deduplication_window = 100"
        )
        made.append(name)
        return name

    yield make
    for name in made:
        client.command(f"DROP TABLE IF EXISTS {name}")


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for `condition`, which must come true; the time is a bound, not a measure."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)
