"""kill −9 of the sink at every named point and at random moments: nothing lost, nothing doubled; and controls that must show it.

Rows are counted before merging, with merges held back, so that a doubled row cannot hide; a summing view behind the table would show a
block that went in twice even where the table itself dropped it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.sinks.conftest import until
from tests.sinks.loads import counts, numbers, publish, topics_of
from transport.settings import HOME, Settings

POINTS = ("sink.after_plan", "sink.before_insert", "sink.during_insert", "sink.after_insert")
RANDOM_KILLS = 6
ROWS = 12_000
NO_MERGES = "MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1"
WINDOW = 10_000
WATCHED = """CREATE TABLE watched (indicator String, rows UInt64, total Decimal(38, 6)) ENGINE = SummingMergeTree ORDER BY indicator
SETTINGS non_replicated_deduplication_window = {window}"""
FEED = """CREATE MATERIALIZED VIEW watched_feed TO watched AS
SELECT indicator, count() AS rows, sum(value) AS total FROM observations GROUP BY indicator"""


def environment(settings: Settings, **extra: str) -> dict[str, str]:
    """What a sink process of this test needs to know."""
    own = {
        "NHIP_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "NHIP_REGISTRY_URL": settings.registry_url,
        "NHIP_TOPIC_PREFIX": settings.topic_prefix, "NHIP_CLICKHOUSE_HOST": settings.clickhouse_host,
        "NHIP_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "NHIP_CLICKHOUSE_DATABASE": settings.clickhouse_database, "NHIP_DATA_DIR": str(settings.data_dir),
    }  # fmt: skip
    return {"PATH": os.environ["PATH"], **own, **extra}


class Process:
    """A sink process whose log lies in a file."""

    def __init__(self, settings: Settings, mode: str, topic: str, log: Path, **extra: str) -> None:
        self._log = log
        with log.open("wb") as out:
            self.child = subprocess.Popen([sys.executable, "-m", "tests.sinks.runner", mode, topic], cwd=HOME, stderr=out,
                                          env=environment(settings, **extra))  # fmt: skip

    def assigned(self) -> bool:
        """Has it partitions, or is it dead already?"""
        return b"sink.assigned" in self._log.read_bytes() or self.child.poll() is not None

    def killed(self, seconds: float) -> bool:
        """Did it die of SIGKILL within so many seconds?"""
        try:
            return self.child.wait(seconds) == -9
        except subprocess.TimeoutExpired:
            return False

    def kill(self) -> None:
        """SIGKILL, as a power cut of the process."""
        self.child.kill()
        self.child.wait(10)


@contextmanager
def process(settings: Settings, mode: str, topic: str, log: Path, **extra: str) -> Iterator[Process]:
    """A sink process, gone at the end."""
    one = Process(settings, mode, topic, log, **extra)
    try:
        yield one
    finally:
        if one.child.poll() is None:
            one.child.terminate()
            try:
                one.child.wait(20)
            except subprocess.TimeoutExpired:
                one.kill()


def watch(database: Client, window: int = WINDOW) -> None:
    """Hold merges back and put a view behind the table that counts every block; `window`: how many the view remembers."""
    database.command(WATCHED.format(window=window))
    database.command(FEED)
    for name in ("observations", "watched"):
        database.command(f"ALTER TABLE {name} {NO_MERGES}")


def unwatch(database: Client) -> None:
    """Take all that back: the tables are as they were migrated, and need not be made anew for the next test."""
    database.command("DROP VIEW watched_feed")
    database.command("DROP TABLE watched")
    database.command("ALTER TABLE observations RESET SETTING max_bytes_to_merge_at_max_space_in_pool")


def totals(database: Client) -> tuple[int, int, int]:
    """Rows before merging, distinct origins, rows the view has counted."""
    rows = database.query("SELECT sum(rows) FROM watched").result_rows
    return *counts(database), int(rows[0][0])


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_kills_at_every_point_and_at_random_lose_and_double_nothing(settings: Settings, database: Client, tmp_path: Path) -> None:
    (topic,) = topics_of(settings, "obs.emergency", partitions=4)
    watch(database)
    sent = publish(settings, topic, numbers(0, ROWS))
    for point in POINTS:
        # Chance one half: some batches pass before the point strikes, so that kills come in the middle too.
        with process(settings, "exact", topic, tmp_path / point, NHIP_FAULT=f"{point}:0.5", NHIP_FAULT_SEED=point) as one:
            assert one.killed(40), f"{point} was not reached"
    dice = random.Random(20260101)  # fixed: the same moments in every run
    for number in range(RANDOM_KILLS):
        with process(settings, "exact", topic, tmp_path / f"random{number}") as one:
            until(one.assigned, 150)
            time.sleep(dice.uniform(0.0, 0.8))
            one.kill()
        if number == RANDOM_KILLS // 2:
            sent += publish(settings, topic, numbers(ROWS, ROWS // 2))
    with process(settings, "exact", topic, tmp_path / "last"):
        until(lambda: counts(database)[1] >= sent, 200)
    assert totals(database) == (sent, sent, sent)
    assert database.query("SELECT uniqExact(source_record_id) FROM observations").result_rows[0][0] == sent
    unwatch(database)


@pytest.mark.stack
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("mode", "point"), [("no-token", "sink.after_insert"), ("commit-first", "sink.before_insert")])
def test_without_the_rule_the_same_kills_show(settings: Settings, database: Client, tmp_path: Path, mode: str, point: str) -> None:
    (topic,) = topics_of(settings, "obs.emergency", partitions=2)
    watch(database)
    sent = publish(settings, topic, numbers(0, 2000))
    with process(settings, mode, topic, tmp_path / "killed", NHIP_FAULT=f"{point}:1", NHIP_FAULT_SEED="1") as one:
        assert one.killed(40), f"{point} was not reached"
    with process(settings, mode, topic, tmp_path / "after") as one:
        until(one.assigned, 150)
        previous = -1
        while (now := counts(database)[0]) != previous or not now:
            previous = now
            time.sleep(2.0)
    rows, distinct, _ = totals(database)
    assert (rows > sent and distinct == sent) if mode == "no-token" else distinct < sent
    unwatch(database)
