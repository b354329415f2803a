"""What the sink tells about itself at /metrics and /health."""

from __future__ import annotations

import time
from typing import Final

from sinks.letters import STAGE
from sinks.writer import Batch, Written
from transport.metrics import Metrics
from transport.startup import Startup

TURN_SECONDS: Final = 60.0
"""A loop that did not turn for so long is stuck: a commit or a rebalance hangs."""


class SinkMetrics:
    """The observer of the consuming thread. Its two methods are called there; the checks in the thread that serves /health. `startup`: told
    when partitions are assigned, and when the first batch is in ClickHouse: then the sink is back.
    """

    def __init__(self, metrics: Metrics, startup: Startup) -> None:
        self._metrics, self._startup = metrics, startup
        self._turned_at = time.monotonic()
        self._paused = False
        metrics.check("loop", lambda: "" if time.monotonic() - self._turned_at < TURN_SECONDS else "vòng lặp đứng / the loop does not turn")
        metrics.check("clickhouse", lambda: "ClickHouse không nhận / does not take rows" if self._paused else "")

    def written(self, batch: Batch, written: Written) -> None:
        """Count a batch that is in ClickHouse."""
        self._startup.ready("first batch", topic=batch.topic, rows=written.rows)
        table, topic, now = batch.route.table, batch.topic, time.time()
        self._metrics.count("nhip_messages_in", len(batch.messages), topic=topic)
        self._metrics.count("nhip_inserted_rows", written.rows, table=table)
        self._metrics.observe("nhip_insert_seconds", written.seconds, table=table)
        self._metrics.observe("nhip_chunk_records", len(batch.messages), stage="sink")
        self._metrics.refused(STAGE, written.reasons)
        if written.oldest > 0:
            self._metrics.gauge("nhip_lag_seconds", max(0.0, now - written.oldest / 1000), topic=topic)
        if written.newest_event > 0:
            self._metrics.gauge("nhip_freshness_seconds", now - written.newest_event / 1000, topic=topic)

    def turned(self, lanes: int, buffered: int, paused: bool) -> None:
        """Note one turn of the consuming loop."""
        if lanes:
            self._startup.done("assigned")
        self._turned_at, self._paused = time.monotonic(), paused
        self._metrics.gauge("nhip_lag_messages", buffered, topic="sink")
