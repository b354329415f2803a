"""What the figures were measured on: processor, memory, system, versions, and how busy it was before."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ops.stack.artifacts import pinned

PACKAGES: Final = ("polars", "faust-streaming", "aiokafka", "confluent-kafka", "chdb", "numpy")


def describe() -> dict[str, Any]:
    """Call it before the measurement: `load_before` is the average number of runnable processes of the last minute."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu(), "cores": len(os.sched_getaffinity(0)), "memory_gib": round(pages * page / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}", "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(), "kafka": _pinned("kafka"), "registry": _pinned("apicurio"),
        **{name: version(name) for name in PACKAGES},
    }  # fmt: skip


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _pinned(part: str) -> str:
    return pinned(part)[0].version
