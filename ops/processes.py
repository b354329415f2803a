"""Processes: ours, by name: which module's `main(settings) -> int` is run and where it serves /metrics and /health.

`docs/architecture.md` says what each does. Modules are imported when run, so that a command starts without loading polars, Faust and chDB.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from transport.settings import Settings


@dataclass(frozen=True, slots=True)
class Process:
    """One process of ours. `port` names the field of `Settings` that holds its metrics port; `needs` the steps and processes that must be
    ready before it; `serves` the field with the port it serves people on, if any.
    """

    name: str
    title: str
    module: str
    port: str
    needs: tuple[str, ...]
    memory_mb: int
    serves: str = ""

    def main(self) -> Callable[[Settings], int]:
        """Its entry point. Raises ModuleNotFoundError where the installation is incomplete.

        What is imported lives as long as the process: nothing of it is looked through for garbage, now or later.
        """
        gc.disable()
        try:
            loaded = importlib.import_module(self.module)
        finally:
            gc.freeze()
            gc.enable()
        return cast(Callable[[Settings], int], loaded.main)


PROCESSES: dict[str, Process] = {
    p.name: p
    for p in (
        Process("worker", "Bộ xử lý luồng", "stream_processors.main", "worker_metrics_port", ("topics", "schemas"), 2000),
        Process("sink", "Ghi vào ClickHouse", "sinks.main", "sink_metrics_port", ("topics", "schemas", "tables"), 1200),
        Process("alerts", "Cảnh báo", "alerts.main", "alerts_metrics_port", ("topics", "schemas"), 800),
        Process("producers", "Thu nhận số liệu", "producers.main", "producers_metrics_port", ("topics", "schemas"), 1000),
        Process(
            "board", "Bảng chỉ đạo, điều hành", "dashboards.main", "board_metrics_port", ("topics", "schemas", "tables"), 800, "board_port"
        ),
        Process("backtests", "Chạy lại quy tắc trên lịch sử", "ops.backtest_main", "backtests_metrics_port", ("board",), 1000),
        Process("watchdog", "Canh hoạt động của hệ thống", "ops.watchdog.main", "watchdog_metrics_port", ("alerts",), 300),
    )
}
