"""Stock Faust on the first records of the worker's load, on the same broker in the same run; its end state is compared with the load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from benchmarks.ground import MeasurementError, fill, own_settings, run_child, topics
from benchmarks.observations import CustomsLoad
from benchmarks.stock_faust import GROUP, OUTPUT
from transport.settings import Settings
from transport.topics import GROUPS

SECONDS: Final = 240.0


@dataclass(frozen=True, slots=True)
class StockRun:
    """One run."""

    obs_per_s: float
    cpu_s_per_million: float
    rss_mib: float


def measure(settings: Settings, load: CustomsLoad, messages: Iterable[tuple[bytes, bytes]], count: int, name: str) -> StockRun:
    """One run over the load's first `count` lines, `messages`. Raises MeasurementError where the end state is not the load's."""
    own = own_settings(settings, name)
    with topics(own, (f"obs.{GROUP}",), {OUTPUT: GROUPS[GROUP]}):
        fill(own, f"obs.{GROUP}", messages)
        found = run_child(own, "benchmarks.stock_faust", ["--records", str(count)], SECONDS)
    state, right = (found["count"], found["sum"], found["refused"]), (load.live_count(count), load.live_sum(count), 0)
    if state != right:
        raise MeasurementError(f"stock Faust: its panes hold (count, sum, refused) {state} where the load has {right}")
    return StockRun(count / found["seconds"], found["cpu_seconds"] / count * 1e6, found["rss_mib"])
