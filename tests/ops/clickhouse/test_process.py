"""The endpoint as a process: what survives a kill, how it stops, what it refuses to start with, what it does when it is full."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from ops.clickhouse.__main__ import arguments
from tests.ops.clickhouse.conftest import START_SECONDS, Process, start, until
from tests.ops.clickhouse.test_http import BASIC, Caller
from transport.settings import HOME

pytestmark = pytest.mark.loopback
TABLE = "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 1000"


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
        killer = threading.Timer(0.05, first.kill)
        while True:
            try:
                client.insert("t", [[acknowledged]], column_names=["a"], settings={"insert_deduplication_token": f"b{acknowledged}"})
            except (OperationalError, DatabaseError):
                break
            acknowledged += 1
            if acknowledged == 20:
                killer.start()
        killer.join()
    second = start(data_dir)
    started.append(second)
    with second.client() as client:
        kept = [row[0] for row in client.query("SELECT a FROM t ORDER BY a").result_rows]
        # The insert that got no answer may have been written or not; every answered one has been.
        assert kept in (list(range(acknowledged)), list(range(acknowledged + 1)))
        for i in range(acknowledged + 1):
            client.insert("t", [[i]], column_names=["a"], settings={"insert_deduplication_token": f"b{i}"})
        assert [row[0] for row in client.query("SELECT a FROM t ORDER BY a").result_rows] == list(range(acknowledged + 1))
        assert "another" in str(client.command("SHOW DATABASES"))


def test_a_stop_lets_running_statements_finish_and_the_next_start_finds_everything(data_dir: Path, started: list[Process]) -> None:
    process = start(data_dir)
    started.append(process)
    results: list[object] = []
    with process.client() as running, process.client() as watcher:
        watcher.command(TABLE)
        watcher.insert("t", [[1]], column_names=["a"])
        busy = threading.Thread(target=lambda: results.append(running.command("SELECT sleepEachRow(1), 7 FROM numbers(2) LIMIT 1")))
        busy.start()
        until(lambda: watcher.command("SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleepEachRow%'") == 1)
        assert process.stop() == 0
        busy.join(10)
    assert results == [["0", "7"]]
    again = start(data_dir)
    started.append(again)
    with again.client() as client:
        assert client.command("SELECT a FROM t") == 1


def test_when_all_workers_are_busy_and_the_queue_is_full_the_next_is_told_so(data_dir: Path, started: list[Process]) -> None:
    process = start(data_dir, "--workers", "1", "--queue", "0")
    started.append(process)

    def running() -> str:
        with Caller(process.port) as watcher:
            page = watcher(method="GET", path="/metrics", headers={}).body.decode()
        return next(line for line in page.splitlines() if line.startswith("nhip_clickhouse_running "))

    with Caller(process.port) as second:
        with Caller(process.port) as first:
            first.connection.request("POST", "/", b"SELECT max(cityHash64(number)) FROM numbers(1000000000000)", BASIC)
            until(lambda: running().endswith(" 1"))
            full = second("SELECT 1")
            assert (full.status, full.code) == (503, "202")
        until(lambda: second("SELECT 1").body == b"1\n")
    assert process.stop() == 0


def _peak_mb(process: Process) -> float:
    status = Path(f"/proc/{process.popen.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux' /proc to measure a peak")
def test_long_results_and_bodies_do_not_fill_the_memory(endpoint: Process) -> None:
    def grown(work: Callable[[], object]) -> float:
        Path(f"/proc/{endpoint.popen.pid}/clear_refs").write_text("5")  # the peak begins anew
        before = _peak_mb(endpoint)
        work()
        return _peak_mb(endpoint) - before

    with endpoint.client(compress=False) as client:

        def read() -> None:
            with client.raw_stream("SELECT number, number FROM numbers(20000000)", fmt="Native") as stream:
                assert sum(len(piece) for piece in iter(lambda: stream.read(1 << 20), b"")) > 320_000_000

        def write() -> None:
            rows = b"%d\t" % (1 << 60) + b"x" * 80 + b"\n"
            client.command("CREATE OR REPLACE TABLE long (a UInt64, s String) ENGINE = Null")
            # Small blocks: the engine otherwise gathers 256 MiB of rows before it writes, and that would hide a body kept whole.
            small = {"min_insert_block_size_bytes": 16 << 20, "min_insert_block_size_rows": 100_000}
            client.raw_insert("long", ["a", "s"], (rows * 10_000 for _ in range(400)), fmt="TSV", settings=small)

        assert grown(read) < 100
        assert grown(write) < 150  # MB, of a body of 404


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops.clickhouse", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, cwd=HOME, check=False)


def test_a_directory_belongs_to_one_process(endpoint: Process) -> None:
    second = _run("--data-dir", str(endpoint.data_dir))
    assert (second.returncode, second.stdout) == (1, "")
    assert str(endpoint.data_dir) in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_said(endpoint: Process, tmp_path: Path) -> None:
    second = _run("--data-dir", str(tmp_path / "other"), "--port", str(endpoint.port))
    assert (second.returncode, second.stdout) == (1, "")
    assert str(endpoint.port) in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.com"])
def test_it_listens_on_loopback_only(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--data-dir", "x", "--host", host])
    assert "loopback" in capsys.readouterr().err


def test_no_password_is_taken_from_the_command_line() -> None:
    assert not {"user", "password"} & vars(arguments(["--data-dir", "x"])).keys()
