"""Negative controls: each leaves out one rule of the design and must end wrong, or a harness that finds nothing proves nothing.

Each function builds what it needs on the installation of its settings and returns what it saw: the number that must be zero when the rule
is kept (`kept`) and the same number without it (`without`). A control is caught where `without` is not zero and `kept` is.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # public, but not marked so

from alerts import delivery
from alerts.channels.console import Console
from alerts.codec import LEDGER, REQUESTS
from alerts.lane import Lane
from sinks import clickhouse
from sinks.migrations import migrate
from tests.alerts.broker import Bench, running
from tests.alerts.samples import RIVER, alert_id
from tests.fault import kernel
from tests.fault.plan import Plan
from tests.sinks import test_exactness as engine
from tests.sinks import test_faults as sink
from tests.sinks.loads import numbers, publish, topics_of
from transport.kafka_clients import admin
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.transactions import Rows, Transaction

REFUSED_BYTES: Final = 2_000
ANSWER_SECONDS: Final = 20.0
SETTLED_SECONDS: Final = 120.0
ALERTS: Final = 6


class Seen(NamedTuple):
    """What one control saw: the number that must be zero, with the rule kept and without it."""

    kept: int
    without: int

    @property
    def caught(self) -> bool:
        """Does the harness tell the two apart?"""
        return self.kept == 0 and self.without > 0


class Hasty(Transaction):
    """A transaction that is committed without awaiting its send futures."""

    async def _send(self, rows: Rows, sent: list[asyncio.Future[Any]]) -> None:
        await super()._send(rows, [])


def futures_not_awaited(settings: Settings) -> Seen:
    """Rows that the broker refuses: an awaited commit ends the process, an unawaited one moves the position over them."""
    names = [settings.topic_prefix + name for name in ("hasty.rows", "hasty.position")]
    client = admin(settings)
    news = [NewTopic(names[0], 1, 1, config={"max.message.bytes": str(REFUSED_BYTES)}), NewTopic(names[1], 1, 1)]
    for future in client.create_topics(news).values():
        future.result(ANSWER_SECONDS)
    return Seen(asyncio.run(_rows_missed(settings, Transaction, names)), asyncio.run(_rows_missed(settings, Hasty, names)))


async def _rows_missed(settings: Settings, kind: type[Transaction], names: Sequence[str]) -> int:
    """Positions that became visible without their rows."""
    writer = kind(settings, f"{settings.topic_prefix}{kind.__name__}", f"{settings.topic_prefix}hasty")
    await writer.start()
    refused = Rows(names[0], 0, [b"row"], [bytes(2 * REFUSED_BYTES)])
    position = Rows(names[1], 0, [kind.__name__.encode()], [b"position"])
    try:
        await asyncio.wait_for(writer.commit((names[1], 0), 1, [refused, position]), ANSWER_SECONDS)
    except Exception:  # the process would end here, whatever aiokafka raises: fail-stop is the rule that is kept
        return await asyncio.to_thread(_visible, settings, names[1], kind.__name__.encode())
    await writer.stop()
    return await asyncio.to_thread(_visible, settings, names[1], kind.__name__.encode())


def _visible(settings: Settings, topic: str, key: bytes) -> int:
    return sum(message.key() == key for batch in read_partition(settings, topic, 0) for message in batch)


class _Forgetful(Lane):
    """A lane whose ledger does not outlive the process."""

    def __init__(self, rows: Sequence[Any], *rest: Any, **more: Any) -> None:
        super().__init__([], *rest, **more)


def ledger_off(settings: Settings) -> Seen:
    """All requests read once more, with the ledger and without it: messages that are told again."""
    with closing(Bench(settings)) as bench:
        now = time.time_ns() // 1_000_000
        alike = replace(RIVER, caused_at=now, through=10)
        rows = [replace(alike, alert_id=alert_id(f"ledger-{n}"), source_partition=n % 12, series=f"{RIVER.series}-{n}")
                for n in range(ALERTS)]  # fmt: skip
        bench.write(rows)
        _serve(bench)
        kept = _told_again(bench, Lane)
        return Seen(kept, _told_again(bench, _Forgetful) - kept)


def _told_again(bench: Bench, kind: type[Lane]) -> int:
    vars(delivery)["Lane"] = kind
    bench.forget_offsets()
    try:
        _serve(bench)
    finally:
        vars(delivery)["Lane"] = Lane
    lines = (bench.settings.data_dir / "alerts.log").read_text("utf-8").splitlines()
    return sum(count - 1 for count in Counter(json.loads(line)["key"] for line in lines).values())


def _serve(bench: Bench) -> None:
    """One life of the process: until requests are settled and nothing more is written."""
    with running(bench.settings, {"console": Console(bench.settings.data_dir / "alerts.log")}):
        ends, before, still = time.monotonic() + SETTLED_SECONDS, -1, 0
        while still < 4 and time.monotonic() < ends:
            requests, ledger = len(bench.messages(REQUESTS)), len(bench.messages(LEDGER))
            still = still + 1 if requests and ledger == before and bench.settled(requests) else 0
            before = ledger
            time.sleep(0.5)


def sink_rule(mode: str, point: str) -> Callable[[Settings], Seen]:
    """Kills of a sink that lacks a rule: rows that are lost, or counted twice by a view behind the table."""

    def control(settings: Settings) -> Seen:
        return Seen(_sink_wrong(settings, "exact", point), _sink_wrong(settings, mode, point))

    return control


def _sink_wrong(settings: Settings, mode: str, point: str) -> int:
    own = settings.model_copy(update={
        "topic_prefix": f"{settings.topic_prefix}{mode}-{point[5:]}.", "clickhouse_database": f"{settings.clickhouse_database}_{mode[:2]}",
    })  # fmt: skip
    migrate(own)
    (topic,) = topics_of(own, "obs.emergency", partitions=2)
    folder = Path(tempfile.mkdtemp(prefix=f"{mode}-", dir=own.data_dir))
    with clickhouse.connected(own) as database:
        sink.watch(database, window=0 if mode == "no-window" else sink.WINDOW)
        sent = publish(own, topic, numbers(0, 2000))
        with sink.process(own, mode, topic, folder / "killed", NHIP_FAULT=f"{point}:1", NHIP_FAULT_SEED="1") as one:
            if not one.killed(90):
                raise RuntimeError(f"{mode}: {point} was not reached")
        with sink.process(own, mode, topic, folder / "after") as one:
            rows, distinct, counted = _at_rest(database, one)
        database.command(f"DROP DATABASE {own.clickhouse_database}")
    return abs(rows - sent) + abs(distinct - sent) + abs(counted - sent)


def _at_rest(database: Client, one: sink.Process) -> tuple[int, int, int]:
    """The totals once they stand still."""
    ends, before, still = time.monotonic() + SETTLED_SECONDS, (-1, -1, -1), 0
    while still < 3 and time.monotonic() < ends:
        now = sink.totals(database)
        still = still + 1 if one.assigned() and now == before and now[0] else 0
        before = now
        time.sleep(1.0)
    return before


def resume_at_max_offset(settings: Settings) -> Seen:
    """A view that missed a block: the same insert again completes it, going on behind the newest stored row never does."""
    own = settings.model_copy(update={"clickhouse_database": f"{settings.clickhouse_database}_max"})
    clickhouse.create_database(own)
    short = []
    with clickhouse.connected(own) as client:
        for number, resumes_at in enumerate((10, 20)):
            table, late = f"raw{number}", f"late{number}"
            window = "SETTINGS non_replicated_deduplication_window = 10000"
            feed = f"CREATE MATERIALIZED VIEW {late}_feed TO {late} AS SELECT offset FROM {table}"
            client.command(engine.RAW.replace("TABLE raw", f"TABLE {table}"))
            client.command(f"CREATE TABLE {late} (offset Int64) ENGINE = MergeTree ORDER BY offset {window}")
            client.command(feed)
            clickhouse.insert(client, table, engine.block(0, 9), "1-t-0-0-9")
            client.command(f"DROP VIEW {late}_feed")  # as after a failure between the table's part and the view's
            clickhouse.insert(client, table, engine.block(10, 19), "1-t-0-10-19")
            client.command(feed)
            for first in range(resumes_at, 30, 10):
                clickhouse.insert(client, table, engine.block(first, first + 9), f"1-t-0-{first}-{first + 9}")
            short.append(30 - engine.number(client, f"SELECT count() FROM {late}"))
        client.command(f"DROP DATABASE {own.clickhouse_database}")
    return Seen(*short)


def kernel_rule(control: str, kills: int, inside: int) -> Callable[[Settings], Seen]:
    """Kills of a worker that lacks a rule: rows that differ from the oracle."""

    def run(settings: Settings) -> Seen:
        wrong = []
        for name in ("", control):
            own = settings.model_copy(update={
                "topic_prefix": f"{settings.topic_prefix}{name or 'kept'}.", "data_dir": settings.data_dir / (name or "kept"),
            })  # fmt: skip
            plan = Plan(kills=kills, inside=inside, stops=0, workers=1, seed=5, control=name, compaction=False)
            wrong.append(sum(kernel.run(own, plan, lambda _: None).wrong.values()))
        return Seen(*wrong)

    return run


CONTROLS: Final[dict[str, Callable[[Settings], Seen]]] = {
    "token off": sink_rule("no-token", "sink.after_insert"),
    "a view's window off": sink_rule("no-window", "sink.after_insert"),
    "resume from max(offset)": resume_at_max_offset,
    "commit before insert": sink_rule("commit-first", "sink.before_insert"),
    "no transactions": kernel_rule("plain", 0, 6),
    "position row ignored": kernel_rule("through", 4, 0),
    "futures not awaited": futures_not_awaited,
    "ledger off": ledger_off,
}
"""Name → control, each on a prefix and a database of its own."""


def own_ground(settings: Settings, number: int) -> Settings:
    """The same servers under names of one control's own."""
    folder = settings.data_dir / f"control{number}"
    folder.mkdir(parents=True, exist_ok=True)
    return settings.model_copy(update={
        "topic_prefix": f"c{number}.", "clickhouse_database": f"nhip_control{number}", "data_dir": folder,
        "alerts_instance": f"alerts-c{number}",
    })  # fmt: skip
