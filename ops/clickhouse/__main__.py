"""`python -m ops.clickhouse --data-dir D --host 127.0.0.1 --port P`: one endpoint in this process, until SIGTERM or SIGINT.

Prints one JSON line `{"port": …}` on stdout when it answers; port 0 takes a free one. Users and passwords come from the settings
(`NHIP_CLICKHOUSE_USER`, `…_PASSWORD`, `…_READER_USER`, `…_READER_PASSWORD`), never from the command line.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import os
import signal
import sys
import time
from pathlib import Path

from ops.clickhouse.errors import ServerError
from ops.clickhouse.limits import MIB, Limits
from transport.settings import Settings


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line. Exits with 2 on a wrong one."""
    parser = argparse.ArgumentParser(prog="python -m ops.clickhouse", description="ClickHouse's HTTP interface over chDB, on loopback.")
    parser.add_argument("--data-dir", type=Path, required=True, help="the engine's directory; one process at a time")
    parser.add_argument("--host", type=_loopback, default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0: a free port")
    parser.add_argument("--memory-mb", type=int, default=1500, help="bound of the engine's memory, MiB; at least 400")
    parser.add_argument("--workers", type=int, default=8, help="statements that run at once")
    parser.add_argument("--queue", type=int, default=64, help="statements that wait for a worker; the next one gets code 202")
    return parser.parse_args(argv)


def _loopback(host: str) -> str:
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{host} is not a loopback address: this endpoint serves its own machine only; use 127.0.0.1 or ::1")


def main(argv: list[str] | None = None) -> int:
    """Runs until a signal; 0 after a clean stop, 1 if the directory or port cannot be had."""
    chosen = arguments(sys.argv[1:] if argv is None else argv)
    if chosen.memory_mb < 400:
        print("--memory-mb: the engine itself takes about 300 MiB; give at least 400", file=sys.stderr)
        return 2
    # The engine takes its time zone from here; event time is UTC everywhere.
    os.environ["TZ"] = "UTC"
    time.tzset()
    limits = Limits(memory_bytes=chosen.memory_mb * MIB, workers=chosen.workers, queue=chosen.queue)
    return asyncio.run(_serve(chosen.data_dir, chosen.host, chosen.port, limits))


async def _serve(data_dir: Path, host: str, port: int, limits: Limits) -> int:
    from ops.clickhouse.server import Server  # The engine reads TZ when it is loaded.

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        server = Server(data_dir, Settings.load(), limits)
    except (ServerError, OSError) as problem:
        print(f"ClickHouse endpoint: {data_dir} cannot be opened: {problem}; is another process using it?", file=sys.stderr)
        return 1
    try:
        bound = await server.start(host, port)
    except OSError as problem:
        print(f"ClickHouse endpoint: {host}:{port} cannot be listened on ({problem.strerror}); choose another --port", file=sys.stderr)
        await server.stop()
        return 1
    print(json.dumps({"port": bound}), flush=True)
    await stopped.wait()
    await server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
