"""Reconciliation: gaps are found as ranges in bounded memory, told refusals and superseded rows are none, a repair brings them in once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from typer.testing import CliRunner

from ops.cli import cli
from ops.commands.reconcile import line, total
from ops.upkeep.matching import Outcome, Request, match
from sinks import reconciliation
from sinks.clients import GROUP
from sinks.reconciliation import Missing, Place, dense, is_dense, marks
from sinks.tables import Route, route
from sinks.watch import Watch
from tests.fixtures.stack import prepare
from tests.sinks.conftest import sink, until
from tests.sinks.loads import counts, numbers, publish, send, topics_of
from tests.sinks.messages import message
from tests.sinks.test_flow import SERIES, send_samples
from transport import kafka_clients
from transport.metrics import Metrics
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.topics import table

TOPICS = table()
KINDS = ("panes.prices", "agg.prices", "derived.prices", "alerts.current", "dead.stage1")
NOW = 1_767_200_400_000


class Answer:
    """What a store answers."""

    def __init__(self, rows: list[tuple[int]]) -> None:
        self.result_rows = rows


class Holding:
    """A store that holds these offsets."""

    def __init__(self, *offsets: int) -> None:
        self._offsets = offsets

    def query(self, query: str, /, *, parameters: dict[str, Any]) -> Answer:
        return Answer([(o,) for o in self._offsets if parameters["first"] <= o < parameters["end"]])


def place(name: str, end: int, first: int = 0) -> Place:
    found = route(TOPICS[name])
    assert isinstance(found, Route)
    return Place(name, 3, found, first, end)


def lost(name: str, there: Sequence[int], messages: Sequence[Any], size: int = 2) -> list[tuple[int, int]]:
    """What `marks` finds missing, the messages read in batches of `size`."""

    def read(first: int, end: int) -> Iterator[Sequence[Any]]:
        due = [m for m in messages if first <= m.offset() < end]
        for at in range(0, len(due), size):
            yield due[at : at + size]

    return marks(Holding(*there), place(name, 100), TOPICS[name], read, NOW).ranges


def test_a_missing_row_of_a_key_is_made_good_by_a_later_row_or_its_end() -> None:
    rows = [message(1, key=b"a"), message(2, key=b"b"), message(5, key=b"a"), message(6, key=b"c"), message(8, None, key=b"c")]
    assert lost("panes.trade", [2, 5], rows) == []
    assert lost("panes.trade", [1, 2], rows) == [(5, 5)]
    assert lost("panes.trade", [5], rows) == [(2, 2)]


def test_position_rows_of_a_worker_are_no_values() -> None:
    assert lost("agg.trade", [], [message(1, key=b"\x00pos"), message(2, key=b"a")]) == [(2, 2)]


def test_where_nothing_replaces_a_row_every_message_must_be_there() -> None:
    rows = [message(n, key=b"a") for n in (1, 2, 3, 7)]
    assert lost("alerts.events", [1, 7], rows) == [(2, 3)]


def test_letters_that_the_table_has_forgotten_are_not_missing() -> None:
    old = message(1)
    stamp = old.timestamp()[1]
    young = stamp + reconciliation._KEPT_MS["dead_letters"]
    for now, found in ((young, [(1, 1)]), (young + 1, [])):
        missing = marks(Holding(), place("dead.stage1", 9), TOPICS["dead.stage1"], lambda *_: [[old]], now)
        assert missing.ranges == found


def test_too_much_is_counted_as_at_least_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "MOST_PENDING", 3)
    batches = [[message(n)] for n in range(50)]
    found = marks(Holding(), place("alerts.events", 50), TOPICS["alerts.events"], lambda *_: batches, NOW)
    assert (found.count, found.whole) == (4, False)


@given(st.sets(st.integers(0, 60), min_size=1), st.integers(1, 20), st.integers(1, 9))
def test_exactly_the_offsets_asked_for_are_read(offsets: set[int], apart: int, rows: int) -> None:
    ranges: list[tuple[int, int]] = []
    for offset in sorted(offsets):
        reconciliation._add(ranges, offset, offset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciliation, "APART", apart)
        patch.setattr(reconciliation, "ROWS", rows)
        read = list(reconciliation._wanted(ranges, lambda a, b: [[message(n) for n in range(a, b)]]))
    assert [m.offset() for batch in read for m in batch] == sorted(offsets)
    assert all(len(batch) <= rows for batch in read)


def test_only_observations_have_a_message_at_every_offset() -> None:
    assert {name for name, topic in TOPICS.items() if is_dense(topic)} == {name for name in TOPICS if name.startswith("obs.")}


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_gaps_are_named_and_repaired_again_and_again(settings: Settings, database: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: settings))
    monkeypatch.setattr(reconciliation, "SLICE", 100)
    prepare(settings, "obs.prices", "dead.sinks", "ops.audit")
    topic = f"{settings.topic_prefix}obs.prices"
    publish(settings, topic, numbers(0, 300), 1)
    with closing(kafka_clients.consumer(settings, GROUP)) as member:
        member.commit(offsets=[TopicPartition(topic, 1, 280)], asynchronous=False)
    assert reconciled() == (1, [[0, 279]], 0), "what lies above the position is not due"
    assert reconciled("--repair", "--why", "thử") == (0, [], 280)
    assert counts(database) == (280, 280)
    for _ in range(2):  # the second time under a token that ClickHouse knows: it must not swallow the rows
        database.command("ALTER TABLE observations DELETE WHERE offset IN (5, 6, 7, 99, 100, 279)", settings={"mutations_sync": 2})
        assert reconciled() == (1, [[5, 7], [99, 100], [279, 279]], 0)
        assert reconciled("--repair", "--why", "thử") == (0, [], 6)
        assert counts(database) == (280, 280)
    database.command("ALTER TABLE observations DELETE WHERE offset IN (8, 9)", settings={"mutations_sync": 2})
    names = ["appended", "stage", "original_topic", "original_partition", "original_offset"]
    database.insert("dead_letters", [[datetime.now(UTC), "sinks", topic, 1, 8]], names)
    assert reconciled() == (1, [[9, 9]], 0), "what is told as refused is not missing"
    assert reconciled("--refused") == (1, [[8, 9]], 0)
    told = Metrics("sink", settings, 0)
    watch = Watch(settings, told, threading.Event(), {topic: table(settings.topic_prefix)[topic]})
    assert told.health()[0], "well before the first look"
    assert (watch.turn(), watch.turn()) == (1, 1)
    assert not told.health()[0]
    assert "nhip_missing_rows{topic=\"obs.prices\"} 1.0" in generate_latest(told.registry).decode()
    lines = [json.loads(m.value() or b"{}") for batch in read_partition(settings, f"{settings.topic_prefix}ops.audit", 0) for m in batch]
    gaps = [one for one in lines if one["did"] == "reconcile.gap"]
    assert [(one["on"], one["facts"]["ranges"]) for one in gaps] == [(f"{topic} [1]", [[9, 9]])], "told once, not at every look"
    found = dense(database, Place(topic, 1, place("obs.prices", 0).route, 0, 280))
    assert (found.ranges, found.whole) == ([(9, 9)], True)


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_every_kind_of_topic_is_whole_after_the_sink_and_a_lost_row_is_found(settings: Settings, database: Client) -> None:
    kinds = {topic: found.table for topic, found in topics_of(settings, *KINDS).items()}
    send_samples(settings, {topic: place(topic.removeprefix(settings.topic_prefix), 0).route for topic in kinds}, series=SERIES)
    send(settings, f"{settings.topic_prefix}agg.prices", [(b"\x00pos", b"any"), (b"gone", None)], 0)
    send(settings, f"{settings.topic_prefix}dead.stage1", [(b"k", b"\xff\x00")], 0)
    with sink(settings, {topic: place(topic.removeprefix(settings.topic_prefix), 0).route for topic in kinds}) as running:
        until(lambda: all(counts(database, name)[0] for name in kinds.values()))
        assert running.fault is None
    requests = {topic: Request(topic.removeprefix(settings.topic_prefix), False, False, False, "an", "", "r") for topic in kinds}
    found = {topic: list(match(settings, request)) for topic, request in requests.items()}
    assert {topic: sum(one.due for one in every) > 0 for topic, every in found.items()} == dict.fromkeys(kinds, True)
    assert {topic: one.missing.ranges for topic, every in found.items() for one in every if one.missing.count} == {}
    for topic, name in kinds.items():
        name = reconciliation._READ.get(name, name)
        database.command(f"ALTER TABLE {name} DELETE WHERE topic = '{topic}'", settings={"mutations_sync": 2})
        assert sum(one.missing.count for one in match(settings, requests[topic])) == 1, topic


def reconciled(*arguments: str) -> tuple[int, list[list[int]], int]:
    """Exit code, missing ranges and messages brought in of a run over obs.prices."""
    result = CliRunner().invoke(cli, ["reconcile", "--topic", "obs.prices", "--json", *arguments], catch_exceptions=False)
    found = [one for one in json.loads(result.stdout) if one["partition"] == 1]
    assert found[0]["waiting"] == 20
    return result.exit_code, found[0]["ranges"], found[0]["repaired"]


def test_the_lines_name_ranges_and_what_is_not_yet_due() -> None:
    held = replace(place("obs.trade", 1200), waiting=1500)
    lacking = Outcome(Missing(held, [(5, 7), (1199, 1199)]), 10)
    assert line(lacking) == "obs.trade [3] 0–1199: thiếu / missing 4: 5–7, 1199; đã ghi bù / brought in: 10"
    assert total([lacking]).startswith("Thiếu 4 trên 1.200 vị trí")
    whole = total([Outcome(Missing(held))])
    assert whole.startswith("Khớp: 1.200 vị trí ở 1 phân vùng")
    assert "Chưa tới lượt ghi: 1.500" in whole


def test_a_repair_needs_a_reason_and_a_topic_that_goes_into_clickhouse(settings: Settings) -> None:
    assert "--why" in str(CliRunner().invoke(cli, ["reconcile", "--repair"]).exception)
    assert "operands.trade" in str(CliRunner().invoke(cli, ["reconcile", "--topic", "operands.trade"]).exception)
