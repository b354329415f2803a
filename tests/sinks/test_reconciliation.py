"""Reconciliation: gaps are found as ranges in bounded memory, told refusals and superseded rows are none, a repair brings them in once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ops.cli import cli
from sinks import reconciliation
from sinks.clients import GROUP
from sinks.reconciliation import Place, dense, is_dense, marks
from sinks.tables import Route, route
from tests.fixtures.stack import prepare
from tests.sinks.loads import counts, numbers, publish
from tests.sinks.messages import message
from transport import kafka_clients
from transport.settings import Settings
from transport.topics import table

TOPICS = table()
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
    prepare(settings, "obs.emergency", "dead.sinks", "ops.audit", "alerts.current")
    topic = f"{settings.topic_prefix}obs.emergency"
    publish(settings, topic, numbers(0, 300), 3)
    with closing(kafka_clients.consumer(settings, GROUP)) as member:
        member.commit(offsets=[TopicPartition(topic, 3, 280)], asynchronous=False)
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
    database.insert("dead_letters", [[datetime.now(UTC), "sinks", topic, 3, 8]], names)
    assert reconciled() == (1, [[9, 9]], 0), "what is told as refused is not missing"
    assert reconciled("--refused") == (1, [[8, 9]], 0)
    found = dense(database, Place(topic, 3, place("obs.emergency", 0).route, 0, 280))
    assert (found.ranges, found.whole) == ([(9, 9)], True)


def reconciled(*arguments: str) -> tuple[int, list[list[int]], int]:
    """Exit code, missing ranges and messages brought in of a run over obs.emergency."""
    result = CliRunner().invoke(cli, ["reconcile", "--topic", "obs.emergency", "--json", *arguments], catch_exceptions=False)
    found = [one for one in json.loads(result.stdout) if one["partition"] == 3]
    return result.exit_code, found[0]["ranges"], found[0]["repaired"]


def test_a_repair_needs_a_reason_and_a_topic_that_goes_into_clickhouse(settings: Settings) -> None:
    assert "--why" in str(CliRunner().invoke(cli, ["reconcile", "--repair"]).exception)
    assert "operands.trade" in str(CliRunner().invoke(cli, ["reconcile", "--topic", "operands.trade"]).exception)
