"""The sink's full job against a bare Arrow insert of the same rows, through the real broker, registry and ClickHouse endpoint.

Full job: Kafka → decode and validate every field → plan commits → Arrow → HTTP → table and its materialized view, until ClickHouse says so.
Bare insert: blocks of the same rows, already in Arrow, over the same endpoint into a table of the same columns and order without a view.
Both are measured in turns in one run; the ratio is made of neighbours, the spread is that of the turns.

    python -m benchmarks.sink --rows 300000 --turns 3
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import polars as pl
from clickhouse_connect.driver.client import Client
from confluent_kafka import Message
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # public, but not marked so

from benchmarks.ground import servers
from indicators.observation import Observation
from sinks import clickhouse
from sinks.decode import Decoder
from sinks.main import run
from sinks.migrations import migrate
from sinks.stretch import Stretch
from sinks.tables import Route, route
from sinks.writer import Batch, Written
from transport import collector, kafka_clients
from transport.records import AvroEncoder
from transport.registry import Registry, register_all
from transport.settings import Settings
from transport.topics import table

TOPIC: Final = "obs.emergency"
BODIES: Final = 40_000
BLOCK: Final = 65_536
START: Final = 1_767_200_400_000
LIMIT_SECONDS: Final = 600.0


def bodies(schema_id: int, count: int) -> list[tuple[bytes, bytes]]:
    """Key and framed body of `count` readings of 2,000 stations, every field filled as the sensors' adapter fills it."""
    encoder, made = AvroEncoder("observation", schema_id), []
    for number in range(count):
        station, at = number % 2000, START + number // 2000 * 600_000
        one = Observation(
            indicator="vn-1012/D.1", component="river_level", concept="hydromet", measure_unit="m", period_type="instant", period_start=at,
            period_end=at, event_time=at, ingested_at=at + 700, territory=f"{station % 34:02}", agency="MAE", provider="NHMF",
            source_system="sensors", source_record_id=f"ST{station:04}-{at}", subject_type="station", subject_id=f"ST{station:04}",
            dimensions=(("channel", "auto"),), quality_flags=("generated",), lon=105.8, lat=21.0, value=Decimal(number % 9973) / 8,
            budget_year=2026, trace_id=f"{number:032x}",
        )  # fmt: skip
        made.append((one.series().key().encode(), encoder.encode(one.record())))
    return made


class _Clock:
    """Notes when the first message was there and when the last row was, and the processor time this process took between."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.rows, self.first, self.last, self.batches, self.cpu = wanted, 0, 0.0, 0.0, 0, 0.0
        self.done = threading.Event()

    def written(self, batch: Batch, written: Written) -> None:
        """Count; the run is over when all rows are in."""
        self.rows += written.rows
        self.batches += 1
        self.last = time.perf_counter()
        if self.rows >= self.wanted:
            self.cpu = time.process_time() - self.cpu
            self.done.set()

    def turned(self, lanes: int, buffered: int, paused: bool) -> None:
        """The clock starts with the first messages."""
        if buffered and not self.first:
            self.first, self.cpu = time.perf_counter(), time.process_time()


def full_job(settings: Settings, routes: dict[str, Route], rows: int) -> dict[str, float]:
    """Rows a second of the whole sink over a topic that holds `rows` already; CPU seconds of this process a million rows."""
    clock, stop = _Clock(rows), threading.Event()
    thread = threading.Thread(target=run, args=(settings, stop, clock, routes), daemon=True)
    thread.start()
    finished = clock.done.wait(LIMIT_SECONDS)
    stop.set()
    thread.join(30)
    if not finished:
        raise SystemExit(f"only {clock.rows} of {rows} rows within {LIMIT_SECONDS:.0f} s")
    return {"rows_per_s": rows / (clock.last - clock.first), "batches": clock.batches, "cpu_s_per_million": clock.cpu / rows * 1e6}


def bare_insert(client: Client, blocks: Sequence[tuple[list[str], bytes]], rows: int) -> float:
    """Rows a second of inserting ready Arrow blocks into a table without views."""
    client.command("CREATE OR REPLACE TABLE bare AS observations")
    started = time.perf_counter()
    for number, (columns, data) in enumerate(blocks):
        settings = clickhouse.INSERT_SETTINGS | {"insert_deduplication_token": f"bare-{number}"}
        client.raw_insert("bare", columns, data, settings=settings, fmt="Arrow")
    seconds = time.perf_counter() - started
    client.command("DROP TABLE bare SYNC")  # its merges would run beside the full job that is measured next
    return rows / seconds


def blocks_of(settings: Settings, name: str, one: Route, rows: int) -> list[tuple[list[str], bytes]]:
    """The topic's rows as ready Arrow blocks."""
    consumer = kafka_clients.consumer(settings, f"bench-{uuid.uuid4().hex[:6]}")
    consumer.subscribe([name])
    kept: dict[int, list[Message]] = {}
    left, ends = rows, time.monotonic() + LIMIT_SECONDS
    while left and time.monotonic() < ends:
        for message in consumer.consume(10_000, 0.5):
            kept.setdefault(message.partition() or 0, []).append(message)
            left -= 1
    consumer.close()
    with Registry(settings) as registry:
        decoder = Decoder(registry.schema)
        frame = pl.concat([decoder.block(one, Stretch.of(messages)).frame for messages in kept.values()])
    return [(frame.columns, clickhouse.arrow(frame[at:at + BLOCK])) for at in range(0, frame.height, BLOCK)]


def measure(settings: Settings, rows: int = 300_000, turns: int = 3) -> dict[str, Any]:
    """The figures of one run: medians with spread. `settings`: a running stack. The process is set up as the sink's own."""
    collector.spare()
    name = f"bench{uuid.uuid4().hex[:6]}"
    own = settings.model_copy(update={"topic_prefix": f"{name}.", "clickhouse_database": name})
    topic = table(own.topic_prefix)[own.topic_prefix + TOPIC]
    admin = kafka_clients.admin(own)
    admin.create_topics([NewTopic(topic.name, topic.partitions, 1, config=topic.config())])[topic.name].result(30)
    register_all(own, [topic])
    with Registry(own) as registry:
        made = bodies(registry.id_of(topic.name), min(rows, BODIES))
    producer = kafka_clients.CountingProducer(kafka_clients.producer(own, linger_ms=50))
    for number in range(rows):
        key, value = made[number % len(made)]
        producer.publish(topic.name, key, value)
    producer.flush(120)
    found = route(topic, own.topic_prefix)
    assert found is not None, "observations have a route"
    routes = {topic.name: found}
    full, bare = [], []
    for turn in range(turns):
        fresh = own.model_copy(update={"clickhouse_database": f"{own.clickhouse_database}_{turn}", "sink_instance": f"bench-{turn}"})
        migrate(fresh)
        with clickhouse.connected(fresh) as client:
            blocks = blocks_of(fresh, topic.name, found, rows)
            bare.append(bare_insert(client, blocks, rows))
            full.append(full_job(_again(fresh, turn), routes, rows))
            stored = client.query("SELECT count(), uniqExact(topic, partition, offset) FROM observations").result_rows[0]
            assert tuple(stored) == (rows, rows), f"rows in ClickHouse: {stored}"
            client.command(f"DROP DATABASE {fresh.clickhouse_database}")
    return _report(full, bare, rows)


def _again(settings: Settings, turn: int) -> Settings:
    """The same topic for another consumer group: the group's name carries the prefix, so the routes keep the topic's own name."""
    return settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}turn{turn}."})


def _report(full: list[dict[str, float]], bare: list[float], rows: int) -> dict[str, Any]:
    speeds = [one["rows_per_s"] for one in full]
    ratios = [one / other for one, other in zip(speeds, bare, strict=True)]
    return {
        "rows": rows, "turns": len(full), "sink_rows_per_s": _spread(speeds), "arrow_insert_rows_per_s": _spread(bare),
        "sink_vs_arrow_insert": _spread(ratios, 3), "batches": _spread([one["batches"] for one in full]),
        "sink_cpu_s_per_million": _spread([one["cpu_s_per_million"] for one in full], 2),
    }  # fmt: skip


def _spread(values: list[float], places: int = 0) -> dict[str, float]:
    return {"median": round(statistics.median(values), places), "least": round(min(values), places), "most": round(max(values), places)}


def main() -> None:
    """Measure on a scratch stack and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with servers(True) as settings:
        print(json.dumps(measure(settings, options.rows, options.turns), indent=2))


if __name__ == "__main__":
    main()
