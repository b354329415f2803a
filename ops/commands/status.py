"""`nhip status`: the parts with state, address, memory and age; what our processes measure of themselves."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from indicators.numbers_vi import number_vi, time_vi
from ops.stack.control import running
from ops.stack.measures import Reading, fetch, rates
from ops.stack.process import private_memory
from ops.stack.state import Row, State, read
from transport.settings import Settings

BETWEEN_READINGS_S = 1.0
NOT_RUNNING = 3
PIPED_WIDTH = 160
WORDS = {
    "waiting": "chờ / waiting", "starting": "đang khởi động / starting", "ready": "tốt / ready",
    "unhealthy": "không trả lời / unhealthy",
    "restarting": "khởi động lại / restarting", "stopping": "đang dừng / stopping",
    "stopped": "đã dừng / stopped", "failed": "hỏng / failed",
}  # fmt: skip


def status(json: Annotated[bool, typer.Option("--json", help="Trạng thái thô / the raw state")] = False) -> None:
    """Trạng thái từng phần, tốc độ, độ trễ, độ tươi, số bị từ chối / state, rates, lag, freshness, refusals.

    Mã thoát / exit code: 0 mọi phần đều tốt / all well, 1 có phần không tốt / something is not, 3 không chạy / not running.
    """
    folder = Settings.load().data_dir
    state = running(folder)
    if json:
        last = state or read(folder)
        print(last.model_dump_json(indent=1) if last else "{}")
    elif state is None:
        last = read(folder)
        print("Hệ thống không chạy / not running: `nhip up`." + (f"\n{last.failure}" if last and last.failure else ""))
    else:
        console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
        console.print(parts(state))
        console.print(measures(state))
    raise typer.Exit(NOT_RUNNING if state is None else 0 if well(state) else 1)


def well(state: State) -> bool:
    """Whether everything is ready."""
    return state.phase == "ready" and all(row.condition == "ready" for row in state.rows)


def parts(state: State) -> Table:
    """One line a part: memory now, restarts, the reason of its last change."""
    table = Table("phần\npart", "trạng thái\nstate", "địa chỉ\naddress", "pid", "MB", "từ\nsince", "chạy lại\nrestarts", "ghi chú\nnote")
    for row in state.rows:
        memory = number_vi(Decimal(private_memory(row.pid)) / 1_000_000, 0) if row.pid else ""
        table.add_row(
            row.title, WORDS[row.condition], row.address, str(row.pid or ""), memory, time_vi(row.since), str(row.restarts or ""), row.said
        )
    return table


def measures(state: State) -> Table:
    """One line a process that serves /metrics, from two readings a second apart: rates, and counts since the process started."""
    rows = [row for row in state.rows if row.metrics_url and row.condition in ("ready", "unhealthy")]
    table = Table(
        "tiến trình\nprocess", "mỗi giây\na second", "từ khi chạy\nsince its start",
        "trễ, giây\nlag, s", "độ tươi, giây\nfreshness, s", "từ chối\nrefused"
    )  # fmt: skip
    with ThreadPoolExecutor(max(1, len(rows))) as pool:
        before = list(pool.map(lambda row: fetch(row.metrics_url), rows))
        begun = time.monotonic()
        time.sleep(BETWEEN_READINGS_S if rows else 0)
        after = list(pool.map(lambda row: fetch(row.metrics_url), rows))
    for row, first, second in zip(rows, before, after, strict=True):
        table.add_row(*line(row, first, second, time.monotonic() - begun))
    return table


def line(row: Row, first: Reading | None, second: Reading | None, seconds: float) -> tuple[str, ...]:
    """The cells of one process; a dash where it says nothing."""
    if first is None or second is None:
        return (row.title, "không trả lời / no answer", "–", "–", "–", "–")
    grown = sorted(rates(first, second, seconds).items())
    speed = "\n".join(f"{name.removesuffix('_total')} {number(value)}" for name, value in grown)
    total = "\n".join(number(second.counters[name], 0) for name, _ in grown)
    refused = "\n".join(f"{reason}: {number(count, 0)}" for reason, count in sorted(second.refused.items()) if count)
    return (row.title, speed or "–", total or "–", number(second.lag_s), number(second.freshness_s), refused or "–")


def number(value: float | None, places: int = 1) -> str:
    """A measured number as people read it; a dash for none."""
    return "–" if value is None else number_vi(Decimal(str(value)), places)
