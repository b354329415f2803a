"""The doctor's checks: each looks at one thing the platform rests on and says in one line what it found and what to do about it.

A check changes nothing, but that the look at the broker's clock leaves a line in the audit. Checks run beside each other, each with bounded
waits; a part that does not answer makes its own lines not well and hides no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from ops.upkeep import cluster, store, surroundings
from ops.upkeep.boundary import why
from ops.upkeep.finding import Finding
from transport.settings import Settings

Look = Callable[[Settings], Finding]
THREADS: Final = 6


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at. `do`: what to do where it does not answer at all."""

    name_vi: str
    name_en: str
    look: Look
    do: str


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found, under its name."""

    check: Check
    finding: Finding


_BROKER: Final = "`nhip status`, `nhip logs kafka`; NHIP_KAFKA_BOOTSTRAP"
_REGISTRY: Final = "`nhip logs registry`; NHIP_REGISTRY_URL"
_STORE: Final = "`nhip logs clickhouse`; NHIP_CLICKHOUSE_HOST, _PORT, _USER"

CHECKS: Final[Mapping[str, Check]] = {
    "broker": Check("Kafka", "Kafka", cluster.broker, _BROKER),
    "topics": Check("Chủ đề Kafka", "topics", cluster.topics, _BROKER),
    "owners": Check("Phân vùng có tiến trình đọc", "owners of partitions", cluster.owners, _BROKER),
    "registry": Check("Sổ lược đồ", "registry", cluster.schemas, _REGISTRY),
    "clickhouse": Check("ClickHouse", "ClickHouse", store.reachable, _STORE),
    "migrations": Check("Phiên bản bảng", "migrations", store.migrated, _STORE),
    "tables": Check("Thiết lập bảng", "table settings", store.settings_of_tables, _STORE),
    "refused": Check("Bị từ chối trong một giờ", "refused in an hour", store.refused, _STORE),
    "clock": Check("Đồng hồ ClickHouse", "clock of ClickHouse", store.clock, _STORE),
    "broker_clock": Check("Đồng hồ Kafka", "clock of Kafka", cluster.clock, _BROKER),
    "disk": Check("Dung lượng đĩa", "disk", surroundings.disk, "NHIP_DATA_DIR"),
    "panes": Check("Ô tổng hợp trong bộ nhớ", "live panes", surroundings.panes, "`nhip logs worker`"),
}
"""Name → check, in the order of the report."""


def examine(settings: Settings, checks: Mapping[str, Check] = CHECKS) -> dict[str, Result]:
    """Run the checks beside each other. Raises what is a fault of our own; servers' errors are findings."""
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(checks, pool.map(lambda check: Result(check, _finding(settings, check)), checks.values()), strict=True))


def _finding(settings: Settings, check: Check) -> Finding:
    try:
        return check.look(settings)
    except Exception as error:  # the check's boundary: errors of the servers' client libraries are what a check is for
        sentence = why(error)
        if sentence is None:
            raise
        return Finding(False, sentence, check.do)
