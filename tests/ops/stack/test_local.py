"""`nhip up | status | down | reset` on the real servers, from the command line: one life of a local stack in a folder of the test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ops.stack.control import StackError, down, reset
from ops.stack.ports import Ports
from ops.stack.state import State, read
from tests.fixtures.stack import CACHE
from transport.settings import HOME, Settings

DEADLINE_S = 120.0

Nhip = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def nhip(tmp_path: Path) -> Iterator[Nhip]:
    """The command line over a data folder of the test; the stack is down at the end."""
    home = tmp_path / "data"
    home.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NHIP_")}
    env = clean | {"NHIP_DATA_DIR": str(home), "NHIP_CACHE": str(CACHE)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "ops.cli", *words]
        return subprocess.run(argv, env=env, cwd=HOME, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    yield run
    down(home, print)


def until(home: Path, true: Callable[[State], bool]) -> State:
    """The first state for which `true` holds."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        state = read(home)
        if state is not None and true(state):
            return state
        assert time.monotonic() < deadline, f"not reached: {state}"
        time.sleep(0.1)


def pids(state: State) -> Mapping[str, int]:
    return {row.name: row.pid for row in state.rows}


def produce(bootstrap: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce("probe", value)
    assert producer.flush(30) == 0


def values(bootstrap: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "probe", "auto.offset.reset": "earliest", "enable.auto.commit": False})
    try:
        consumer.subscribe(["probe"])
        return [message.value() for message in consumer.consume(count, timeout=60)]
    finally:
        consumer.close()


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_one_life_of_a_local_stack(tmp_path: Path, nhip: Nhip) -> None:
    home = tmp_path / "data"
    with socket.socket() as stranger:  # listens where the last run had its ClickHouse
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        taken, ports = stranger.getsockname()[1], Ports()
        # Own ports, not the usual ones: while the broker is down another stack of this machine could take its place.
        (home / "stack.env").write_text(
            f"NHIP_CLICKHOUSE_PORT={taken}\nNHIP_KAFKA_BOOTSTRAP=127.0.0.1:{ports.take()}\n"
            f"NHIP_REGISTRY_URL=http://127.0.0.1:{ports.take()}/apis/ccompat/v7\n"
        )
        first = nhip("up", "--servers-only")
    assert first.returncode == 0, first.stdout + first.stderr
    settings = Settings.load(data_dir=home)
    assert settings.clickhouse_port != taken, "a taken port is replaced by a free one"
    before = until(home, lambda s: s.phase == "ready")

    again = nhip("up", "--servers-only")
    assert again.returncode == 0, again.stderr
    assert read(home) == before, "a second up changes nothing"
    assert nhip("status").returncode == 0

    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    admin.create_topics([NewTopic("probe", num_partitions=1, replication_factor=1)])["probe"].result(30)
    produce(settings.kafka_bootstrap, b"one")
    os.kill(pids(before)["kafka"], signal.SIGKILL)
    after = until(home, lambda s: s.rows[0].restarts == 1 and s.rows[0].condition == "ready")
    assert pids(after) == {**pids(before), "kafka": after.rows[0].pid}, "only the killed part is started again"
    produce(settings.kafka_bootstrap, b"two")
    assert values(settings.kafka_bootstrap, 2) == [b"one", b"two"]

    assert nhip("down").returncode == 0
    for state in (before, after):
        assert not [row.name for row in state.rows if (identity := row.identity()) and identity.alive()], "a process is left"
    assert not before.supervisor().alive()
    assert nhip("status").returncode == 3

    assert nhip("up", "--servers-only").returncode == 0
    assert values(Settings.load(data_dir=home).kafka_bootstrap, 2) == [b"one", b"two"], "data is kept between runs"
    done = nhip("reset", "--yes")
    assert done.returncode == 0, done.stderr
    assert list(home.iterdir()) == []


def test_a_folder_that_is_not_nhips_is_not_reset(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").touch()
    with pytest.raises(StackError, match="nothing deleted"):
        reset(tmp_path, print)
    assert (tmp_path / "thesis.odt").exists()


def test_reset_keeps_downloads_and_inbox(tmp_path: Path) -> None:
    for name in ("cache", "inbox", "kafka"):
        (tmp_path / name).mkdir()
    (tmp_path / "stack.json").write_text("{}")
    assert reset(tmp_path, print) == ["kafka", "stack.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "inbox"]
    (tmp_path / "stack.json").write_text("{}")
    assert reset(tmp_path, print, inbox=True) == ["inbox", "stack.json"]


def test_down_where_nothing_runs_says_so(nhip: Nhip) -> None:
    done = nhip("down")
    assert (done.returncode, done.stdout.strip()) == (0, "Hệ thống không chạy / nothing was running.")


def test_an_unknown_process_is_refused_with_the_known_ones(nhip: Nhip) -> None:
    done = nhip("run", "teleport")
    assert done.returncode == 1
    assert "worker" in done.stderr
    assert "Traceback" not in done.stderr
