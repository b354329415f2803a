"""A sink as a process of its own for the fault tests: `python -m tests.sinks.runner MODE TOPIC…`, settings from the environment.

Batches are small so that a load is many of them. Modes other than `exact` break one rule each: controls that the tests must see fail.
- `no-token`: inserts without deduplication.
- `commit-first`: the end of a batch is committed before its insert, as «at most once» does.
- `no-window`: the check at the start, which refuses a table behind a view that remembers no blocks, is left out.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

import polars as pl
from clickhouse_connect.driver.client import Client
from confluent_kafka import TopicPartition

from sinks import clickhouse, consumer, lane, writer
from sinks.main import run
from sinks.metrics import SinkMetrics
from sinks.plan import Plan
from sinks.tables import routes
from transport import logging
from transport.metrics import Metrics
from transport.settings import Settings
from transport.startup import Startup
from transport.topics import table

BATCH_ROWS = 500


def _without_token(client: Client, name: str, frame: pl.DataFrame, token: str) -> None:
    settings = clickhouse.INSERT_SETTINGS | {"deduplicate_insert": "disable"}
    client.raw_insert(name, frame.columns, clickhouse.arrow(frame), settings=settings, fmt="Arrow")


def break_rule(mode: str) -> None:
    """Take one rule of the sink away."""
    if mode == "no-token":
        writer.clickhouse.insert = _without_token  # type: ignore[attr-defined]
    elif mode == "commit-first":
        real = TopicPartition

        def ahead(topic: str, partition: int, offset: int = -1001, metadata: str | None = None) -> Any:
            if metadata and metadata.startswith("{"):
                return real(topic, partition, int(metadata[7:-1]) + 1, "")
            return real(topic, partition, offset, metadata) if metadata is not None else real(topic, partition, offset)

        setattr(consumer, "TopicPartition", ahead)  # noqa: B010 - a name the module imports, not its own
        assert Plan(1, 9).metadata[7:-1] == "9", "the control reads the plan's metadata"
    elif mode == "no-window":
        clickhouse.check_ready = lambda client, tables: None
    elif mode != "exact":
        raise SystemExit(f"no mode {mode}")


def main() -> None:
    """Run until SIGTERM."""
    mode, names = sys.argv[1], sys.argv[2:]
    logging.setup("sink")
    break_rule(mode)
    lane.MAX_ROWS = BATCH_ROWS  # type: ignore[misc]  # final for the product, not for its tests
    settings = Settings.load()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    known = table(settings.topic_prefix)
    wanted = routes({name: known[name] for name in names}, settings.topic_prefix)
    run(settings, stop, SinkMetrics(Metrics("sink", settings, 0), Startup()), wanted)


if __name__ == "__main__":
    main()
