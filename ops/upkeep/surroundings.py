"""Checks of what the processes stand on: room on the disk, and how full the workers' memory is."""

from __future__ import annotations

import shutil
from decimal import Decimal
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from indicators.numbers_vi import number_vi
from ops.stack import state
from ops.stack.loopback import NoAnswer, get
from ops.upkeep.finding import Finding
from transport.settings import Settings

FREE_BYTES: Final = 2 * 1024**3
"""Kafka and ClickHouse stop writing on a full disk; ClickHouse merges need room for the largest part beside it."""
PANES: Final = 2_000_000
"""Live panes a worker is built for (docs/benchmarks.md, worker); beyond it its memory grows above its limit."""
FULL: Final = Decimal("0.8")


def disk(settings: Settings) -> Finding:
    """Room where the data lie."""
    place = settings.data_dir
    while not place.exists():
        place = place.parent
    return judged_disk(shutil.disk_usage(place).free)


def judged_disk(free: int) -> Finding:
    """The finding for so many free bytes."""
    said = f"còn / free {number_vi(Decimal(free) / 1024**3, 1)} GiB"
    if free < FREE_BYTES:
        return Finding(False, said, "dọn chỗ ở NHIP_DATA_DIR; tiến trình tự chạy tiếp / make room; the processes go on by themselves")
    return Finding(True, said)


def panes(settings: Settings) -> Finding:
    """Live panes of this machine's worker, from its /metrics."""
    known = state.read(settings.data_dir)
    row = known.row("worker") if known else None
    url = row.metrics_url if row and row.metrics_url else f"http://{settings.metrics_host}:{settings.worker_metrics_port}/metrics"
    try:
        status, body = get(url)
    except NoAnswer:
        status, body = 0, ""
    if status != 200:
        return Finding(False, "bộ xử lý luồng không trả lời / the worker does not answer", "`nhip status`, `nhip up`")
    return judged_panes(live_panes(body))


def live_panes(text: str) -> int:
    """The sum of `nhip_panes_live` in a page of metrics. Raises ValueError where it is no such page."""
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name == "nhip_panes_live"))


def judged_panes(count: int) -> Finding:
    """The finding for so many panes."""
    said = f"{number_vi(Decimal(count), 0)} / {number_vi(Decimal(PANES), 0)}"
    if count > PANES * FULL:
        return Finding(False, said, "thêm một bộ xử lý luồng / add a worker: `nhip run worker`, NHIP_WORKER_INSTANCE")
    return Finding(True, said)
