"""The endpoint as a process: what survives a kill, how it stops, what it refuses to start with, what it does when it is full."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from ops.clickhouse.__main__ import arguments
from tests.ops.clickhouse.conftest import START_SECONDS, Process, start, until
from transport.settings import HOME

pytestmark = pytest.mark.loopback
TABLE = "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def started(data_dir: Path) -> Iterator[list[Process]]:
    """Processes that a test started; killed at its end."""
    processes: list[Process] = []
    yield processes
    for process in processes:
        if process.popen.poll() is None:
            process.kill()
        if process.popen.stdout is not None:
            process.popen.stdout.close()


def test_acknowledged_inserts_and_their_tokens_survive_a_kill(data_dir: Path, started: list[Process]) -> None:
    first = start(data_dir)
    started.append(first)
    acknowledged = 0
    with first.client() as client:
        client.command(TABLE)
        client.command("CREATE DATABASE another")
        killer = threading.Timer(1.0, first.kill)
        killer.start()
        with pytest.raises((OperationalError, DatabaseError)):
            while True:
                client.insert("t", [[acknowledged]], column_names=["a"], settings={"insert_deduplication_token": f"b{acknowledged}"})
                acknowledged += 1
        killer.join()
    assert acknowledged > 0
    second = start(data_dir)
    started.append(second)
    with second.client() as client:
        kept = [row[0] for row in client.query("SELECT a FROM t ORDER BY a").result_rows]
        # The insert that got no answer may have been written or not; every answered one has been.
        assert kept in (list(range(acknowledged)), list(range(acknowledged + 1)))
        for i in range(acknowledged + 1):
            client.insert("t", [[i]], column_names=["a"], settings={"insert_deduplication_token": f"b{i}"})
        assert [row[0] for row in client.query("SELECT a FROM t ORDER BY a").result_rows] == list(range(acknowledged + 1))[: 100 + acknowledged]
        assert "another" in client.command("SHOW DATABASES")
    assert second.stop() == 0


def test_a_stop_lets_running_statements_finish(data_dir: Path, started: list[Process]) -> None:
    process = start(data_dir)
    started.append(process)
    results: list[object] = []
    with process.client() as running, process.client() as watcher:
        busy = threading.Thread(target=lambda: results.append(running.command("SELECT sleepEachRow(1), 7 FROM numbers(2) LIMIT 1")))
        busy.start()
        until(lambda: watcher.command("SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleepEachRow%'") == 1)
        assert process.stop() == 0
        busy.join(10)
    assert results == [["0", "7"]]


def test_the_next_start_finds_everything(data_dir: Path, started: list[Process]) -> None:
    for n in range(3):
        process = start(data_dir)
        started.append(process)
        with process.client() as client:
            client.command(TABLE.replace("TABLE t", "TABLE IF NOT EXISTS t"))
            client.insert("t", [[n]], column_names=["a"])
            assert client.command("SELECT count() FROM t") == n + 1
        assert process.stop() == 0


def test_when_all_workers_are_busy_and_the_queue_is_full_the_next_is_told_so(data_dir: Path, started: list[Process]) -> None:
    process = start(data_dir, "--workers", "1", "--queue", "0")
    started.append(process)
    with process.client() as first, process.client(query_retries=0) as second:
        busy = threading.Thread(target=first.command, args=("SELECT sleep(2)",))
        busy.start()
        codes: set[int | None] = set()

        def told() -> bool:
            try:
                second.command("SELECT 1")
            except DatabaseError as full:
                codes.add(full.code)
            return bool(codes)

        until(told)
        busy.join(10)
        assert codes == {202}
        assert second.command("SELECT 1") == 1
    assert process.stop() == 0


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops.clickhouse", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, cwd=HOME, check=False)


def test_a_directory_belongs_to_one_process(data_dir: Path, started: list[Process]) -> None:
    started.append(start(data_dir))
    second = _run("--data-dir", str(data_dir))
    assert second.returncode == 1
    assert second.stdout == ""
    assert str(data_dir) in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_said(data_dir: Path, tmp_path: Path, started: list[Process]) -> None:
    started.append(start(data_dir))
    second = _run("--data-dir", str(tmp_path / "other"), "--port", str(started[0].port))
    assert second.returncode == 1
    assert str(started[0].port) in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.com"])
def test_it_listens_on_loopback_only(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--data-dir", "x", "--host", host])
    assert "loopback" in capsys.readouterr().err


def test_no_password_is_taken_from_the_command_line() -> None:
    assert not {"user", "password"} & vars(arguments(["--data-dir", "x"])).keys()
