"""ClickHouse: its engine (chDB) behind ClickHouse's HTTP interface, `python -m ops.clickhouse`.

Users and passwords reach it through the environment as `NHIP_…` variables of transport/settings.py, never through argv.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ops.stack import health
from ops.stack.own import environment
from ops.stack.part import Part
from ops.stack.ports import LOOPBACK
from transport.settings import Settings


def clickhouse(settings: Settings, home: Path, port: int, memory_mb: int = 1500) -> Part:
    """The endpoint as a part: data under `home`, HTTP interface at 127.0.0.1:`port`."""
    where = ("--data-dir", str(home), "--host", LOOPBACK, "--port", str(port))
    argv = (sys.executable, "-m", "ops.clickhouse", *where, "--memory-mb", str(memory_mb))
    return Part(
        name="clickhouse",
        title="ClickHouse",
        argv=argv,
        address=f"{LOOPBACK}:{port}",
        check=health.http(f"http://{LOOPBACK}:{port}/ping", "Ok."),
        cwd=settings.home,
        env=environment(settings, {"clickhouse_host": LOOPBACK, "clickhouse_port": str(port)}),
        prepare=lambda: home.mkdir(parents=True, exist_ok=True),
        start_timeout=60.0,
        stop_timeout=20.0,
        memory_mb=memory_mb + 1000,
        metrics_url=f"http://{LOOPBACK}:{port}/metrics",
        advice="Nếu dữ liệu hỏng sau khi mất điện: `nhip reset` / if the data was damaged by a power cut: `nhip reset`.",
    )
