"""Measures: what a running process says of itself on /metrics, read generically: rates, lag, freshness, refusals.

Names come from transport/metrics.py of each process; here only their endings count: a counter's rate is its growth between two readings, a
`…lag_seconds` and a `…freshness_seconds` gauge show their worst series, a `…refused…_total` counter is summed by its `reason` label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from ops.stack.loopback import NoAnswer, get

SPEEDS = ("messages_in_total", "messages_out_total", "rows_total", "conditions_total", "notifications_total", "queries_total")


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a process: counters by name (summed over their labels), the worst lag and freshness in seconds, refusals by reason."""

    counters: Mapping[str, float] = field(default_factory=dict)
    lag_s: float | None = None
    freshness_s: float | None = None
    refused: Mapping[str, float] = field(default_factory=dict)


def fetch(url: str) -> Reading | None:
    """Read `url`; None where it does not answer in time or answers something else."""
    try:
        status, body = get(url)
        return parse(body) if status == 200 else None
    except (NoAnswer, ValueError):  # ValueError: not the exposition format
        return None


def parse(text: str) -> Reading:
    """A page of the Prometheus text format as a reading. Raises ValueError where it is not one."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    counters: dict[str, float] = defaultdict(float)
    refused: dict[str, float] = defaultdict(float)
    for sample in samples:
        if sample.name.endswith("_total"):
            counters[sample.name] += sample.value
            if "refused" in sample.name:
                refused[sample.labels.get("reason", "?")] += sample.value
    return Reading(dict(counters), _worst(samples, "lag_seconds"), _worst(samples, "freshness_seconds"), dict(refused))


def rates(before: Reading, after: Reading, seconds: float) -> dict[str, float]:
    """Growth a second of each counter of messages and rows. A counter that fell was restarted with its process and counts from zero."""
    result = {}
    for name, value in after.counters.items():
        if name.endswith(SPEEDS):
            grown = value - before.counters.get(name, 0.0)
            result[name] = (grown if grown >= 0 else value) / seconds
    return result


def _worst(samples: Iterable[Sample], ending: str) -> float | None:
    return max((sample.value for sample in samples if sample.name.endswith(ending)), default=None)
