"""The worker's full job on customs lines, through the real broker, in one process; what it leaves in topics is held against the load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.ground import MeasurementError, fill, own_settings, run_child, topics
from benchmarks.observations import BUDGET_YEAR, CustomsLoad
from indicators.observation import SCALE
from stream_processors.stage1_rows import POSITION
from transport.columnar_writer import AvroDecoder
from transport.registry import Registry
from transport.settings import Settings
from transport.state_reader import newest_rows
from transport.topics import GROUPS

GROUP: Final = "trade"
FAMILIES: Final = (f"obs.{GROUP}", f"panes.{GROUP}", f"agg.{GROUP}", f"operands.{GROUP}", f"operands.latest.{GROUP}", f"derived.{GROUP}",
                   "alerts.conditions", "dead.")  # fmt: skip
SECONDS: Final = 240.0


@dataclass(frozen=True, slots=True)
class WorkerRun:
    """One run. `steps_us`: microseconds of wall time per observation; `commit` overlaps the folds of other partitions."""

    obs_per_s: float
    cpu_s_per_million: float
    rss_mib: float
    commits: int
    rows: int
    steps_us: dict[str, float]


def measure(settings: Settings, load: CustomsLoad, messages: Iterable[tuple[bytes, bytes]], name: str) -> WorkerRun:
    """One run over `messages` (the load, encoded) under the prefix `name`. Raises MeasurementError where the end state is another."""
    own = own_settings(settings, name)
    with topics(own, FAMILIES):
        fill(own, f"obs.{GROUP}", messages)
        found = run_child(own, "benchmarks.worker_child", ["--records", str(load.count)], SECONDS)
        check(own, load)
    return _run(found, load.count)


def check(settings: Settings, load: CustomsLoad) -> None:
    """Panes and windows of the budget year must hold every record that stands, with its exact sum; nothing may have been refused."""
    found = {"panes": [0, 0], "windows": [0, 0]}
    year = f"|y{BUDGET_YEAR}".encode()
    with Registry(settings) as registry:
        panes, windows = AvroDecoder("pane", registry.schema), AvroDecoder("aggregate", registry.schema)
        for partition in range(GROUPS[GROUP]):
            for key, value in newest_rows(settings, f"{settings.topic_prefix}panes.{GROUP}", partition).items():
                if key.endswith(year):
                    row = panes.decode(value)
                    _add(found["panes"], row["count"], row["sum"])
            for key, value in newest_rows(settings, f"{settings.topic_prefix}agg.{GROUP}", partition).items():
                if key != POSITION:
                    row = windows.decode(value)
                    _add(found["windows"], row["ytd_count"], row["ytd_sum"])
    right = [load.live_count(), load.live_sum()]
    for name, numbers in found.items():
        if numbers != right:
            raise MeasurementError(f"worker: {name} of the year hold [count, sum] {numbers} where the load has {right}")


def _add(numbers: list[int], count: int, total: Any) -> None:
    numbers[0] += count
    numbers[1] += int(total.scaleb(SCALE))


def _run(found: dict[str, Any], count: int) -> WorkerRun:
    return WorkerRun(
        count / found["seconds"], found["cpu_seconds"] / count * 1e6, found["rss_mib"], found["commits"], found["rows"], found["steps_us"]
    )
