"""What the sink tells about itself at /metrics."""

from __future__ import annotations

import time
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from sinks.writer import Batch, Written

_FRESHNESS: Final = (0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 3600)
_INSERT: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class SinkMetrics:
    """The observer of the consuming thread. `registry`: tests give their own."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._rows = Counter("nhip_sink_rows", "rows inserted", ["table"], registry=registry)
        self._refused = Counter("nhip_sink_refused", "records written to dead.sinks", ["table"], registry=registry)
        self._batches = Counter("nhip_sink_batches", "batches done", ["table"], registry=registry)
        self._freshness = Histogram("nhip_sink_freshness_seconds", "append of a batch's oldest record until its rows are in ClickHouse",
                                    ["table"], buckets=_FRESHNESS, registry=registry)  # fmt: skip
        self._seconds = Histogram("nhip_sink_batch_seconds", "a batch from hand-over to acknowledged insert", ["table"], buckets=_INSERT,
                                  registry=registry)  # fmt: skip
        self._partitions = Gauge("nhip_sink_partitions", "partitions assigned to this instance", registry=registry)
        self._buffered = Gauge("nhip_sink_buffered_messages", "messages read and not yet in a batch", registry=registry)
        self._paused = Gauge("nhip_sink_paused", "1 while reading is paused since ClickHouse does not take rows", registry=registry)
        self.turned_at = time.monotonic()

    def written(self, batch: Batch, written: Written) -> None:
        """Count a batch that is in ClickHouse."""
        table = batch.route.table
        self._batches.labels(table).inc()
        self._rows.labels(table).inc(written.rows)
        self._refused.labels(table).inc(written.refused)
        self._seconds.labels(table).observe(written.seconds)
        if written.oldest > 0:
            self._freshness.labels(table).observe(max(0.0, time.time() - written.oldest / 1000))

    def turned(self, lanes: int, buffered: int, paused: bool) -> None:
        """Note one turn of the consuming loop."""
        self._partitions.set(lanes)
        self._buffered.set(buffered)
        self._paused.set(paused)
        self.turned_at = time.monotonic()
