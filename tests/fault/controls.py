"""Negative controls: each leaves out one rule of the design and must end wrong, or a harness that finds nothing proves nothing.

Each function builds what it needs on the installation of its settings and returns what it saw: the number that must be zero when the rule
is kept (`kept`) and the same number without it (`without`). A control is caught where `without` is not zero and `kept` is.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from sinks import clickhouse
from sinks.migrations import migrate
from tests.fault import kernel, telling
from tests.fault.plan import Plan
from tests.sinks import test_exactness as engine
from tests.sinks import test_faults as sink
from tests.sinks.loads import numbers, publish, topics_of
from transport.settings import Settings

SETTLED_SECONDS: Final = 120.0


class Seen(NamedTuple):
    """What one control saw: the number that must be zero, with the rule kept and without it."""

    kept: int
    without: int

    @property
    def caught(self) -> bool:
        """Does the harness tell the two apart?"""
        return self.kept == 0 and self.without > 0


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


def kernel_rule(control: str, kills: int, inside: int, refusing: float = 0.0) -> Callable[[Settings], Seen]:
    """Kills of a worker that lacks a rule, or batches refused: rows that differ from the oracle."""

    def run(settings: Settings) -> Seen:
        wrong = []
        for name in ("", control):
            own = settings.model_copy(update={
                "topic_prefix": f"{settings.topic_prefix}{name or 'kept'}.", "data_dir": settings.data_dir / (name or "kept"),
            })  # fmt: skip
            plan = Plan(kills=kills, inside=inside, stops=0, workers=1, seed=5, control=name, compaction=False, refusing=refusing)
            wrong.append(sum(kernel.run(own, plan, lambda _: None).wrong.values()))
        return Seen(*wrong)

    return run


def ledger_off(settings: Settings) -> Seen:
    """A kill of the deliverers while messages are on their way: those that a receiver never gets, or that are told as new again."""
    wrong = []
    for name in ("", telling.NO_LEDGER):
        folder = settings.data_dir / (name or "kept")
        folder.mkdir()
        own = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}{name or 'kept'}.", "data_dir": folder})
        wrong.append(telling.killed_while_telling(own, name))
    return Seen(*wrong)


CONTROLS: Final[dict[str, Callable[[Settings], Seen]]] = {
    "token off": sink_rule("no-token", "sink.after_insert"),
    "a view's window off": sink_rule("no-window", "sink.after_insert"),
    "resume from max(offset)": resume_at_max_offset,
    "commit before insert": sink_rule("commit-first", "sink.before_insert"),
    "no transactions": kernel_rule("plain", 0, 6),
    "position row ignored": kernel_rule("through", 4, 0),
    "futures not awaited before the commit": kernel_rule("unawaited", 0, 0, 8.0),
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
