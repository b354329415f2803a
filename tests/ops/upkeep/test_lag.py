"""Lag of consumer groups: in offsets and in seconds, without the markers of transactions, and the time to close."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import TopicPartition
from typer.testing import CliRunner

from ops.cli import cli
from ops.commands.lag import closed_in, lines, total
from ops.upkeep import lag
from ops.upkeep.lag import Lag, groups, look, paced
from tests.fixtures.stack import prepare
from transport import kafka_clients
from transport.settings import HOME, Settings
from transport.tail import Place, Tail
from transport.topics import table

NOW = 1_767_200_400_000


class Given:
    """Positions of one group, given by hand."""

    def __init__(self, ends: dict[Place, int], behind: dict[Place, int], markers: set[Place] = frozenset()) -> None:  # type: ignore[assignment]
        self._ends, self._behind, self._markers = ends, behind, markers

    def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        return self._ends

    def unfolded(self, ends: Mapping[Place, int]) -> dict[Place, int]:
        return self._behind

    def exhausted(self, positions: Mapping[Place, int], seconds: float = 0) -> set[Place]:
        return self._markers & positions.keys()

    def close(self) -> None:
        """Nothing is open."""


def test_age_counts_from_the_oldest_message_and_markers_are_nothing_to_read() -> None:
    ends: dict[Place, int] = {("a", 0): 100, ("a", 1): 50, ("b", 0): 7}
    asked: list[tuple[Place, int, int]] = []

    def oldest(place: Place, at: int, end: int) -> int:
        asked.append((place, at, end))
        return NOW - 90_000

    found = look("worker", ["a", "b"], Given(ends, {("a", 1): 20, ("b", 0): 1}, {("b", 0)}), oldest)
    assert asked == [(("a", 1), 30, 50)]
    assert [(one.topic, one.partition, one.offset, one.behind, one.seconds(NOW)) for one in found] == [
        ("a", 0, 100, 0, 0.0), ("a", 1, 30, 20, 90.0), ("b", 0, 6, 0, 0.0),
    ]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "closed"), [(100, 60, "3 giây / s"), (60, 60, "không giảm / not shrinking"), (60, 90, "không giảm / not shrinking"), (5, 0, "0 giây / s")])  # fmt: skip  # noqa: E501
def test_the_time_to_close_follows_from_two_looks(before: int, after: int, closed: str) -> None:
    first = Lag("sink", "a", 0, 0, before, NOW)
    second = Lag("sink", "a", 0, 0, after, NOW if after else None)
    (found,) = paced([first], [second], 2.0)
    assert closed_in(found.close_seconds()) == closed


def test_one_look_alone_promises_nothing_and_minutes_are_rounded_up() -> None:
    assert closed_in(Lag("sink", "a", 0, 0, 9, NOW).close_seconds()) == "–"
    assert closed_in(121.0) == "3 phút / min"


def test_the_last_line_sums_up_in_vietnamese_numbers() -> None:
    found = [Lag("worker", "a", 0, 0, 1500, NOW - 1500, 100.0), Lag("sink", "a", 1, 4, 4)]
    assert total(found, NOW).startswith("Tổng: còn 1.500 bản ghi ở 1/2 phân vùng, cũ nhất 1,5 giây, hết sau 15 giây")
    assert total(found[1:], NOW).startswith("Tổng: không nhóm nào trễ, 1 phân vùng")
    assert lines(found, NOW).row_count == 2


def test_every_topic_that_a_group_reads_is_looked_at() -> None:
    known = groups("p.")
    assert set().union(*known.values()) <= set(table("p."))
    assert {name for name in table("p.") if name.startswith("p.obs.")} <= set(known["worker"]) & set(known["sink"])
    tree = ast.parse((Path(HOME) / "stream_processors" / "worker.py").read_text("utf-8"))
    (stages,) = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "STAGES"]
    assert tuple(cast(Any, key).value for key in cast(ast.Dict, stages).keys) == lag.STAGES


def test_an_unknown_group_is_told_before_anything_is_asked() -> None:
    result = CliRunner().invoke(cli, ["lag", "--group", "nobody"])
    assert result.exit_code == 1
    assert "alerts-delivery" in str(result.exception)


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_the_real_broker_says_what_a_group_has_not_read(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction's marker behind the position is no lag; an unread message is, with its age."""
    prepare(settings, "notify.requests")
    topic, key, old = f"{settings.topic_prefix}notify.requests", b"k", int(time.time() * 1000) - 120_000
    producer = kafka_clients.transactional_producer(settings, "t")
    for number in range(3):
        producer.begin_transaction()
        producer.produce(topic, b"v", key, partition=number % 2, timestamp=old)
        producer.commit_transaction(10)
    with closing(kafka_clients.consumer(settings, "alerts-delivery")) as group:
        group.commit(offsets=[TopicPartition(topic, 0, 1), TopicPartition(topic, 1, 1)], asynchronous=False)
    with closing(Tail(settings, "alerts-delivery")) as tail:
        found = look("alerts-delivery", [topic], tail, lambda *p: lag.oldest_of(settings, *p))
    assert [(one.offset, one.end, one.behind) for one in found] == [(1, 4, 3), (1, 2, 0)]
    assert found[0].seconds(old + 120_000) == 120.0
    monkeypatch.setattr(lag, "groups", lambda prefix="": {"alerts-delivery": (topic,)} if prefix else {"alerts-delivery": ()})
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: settings))
    result = CliRunner().invoke(cli, ["lag", "--json", "--between", "0.2", "--limit", "60"])
    assert result.exit_code == 1, result.output
    assert [row["behind"] for row in json.loads(result.stdout)] == [3, 0]
    assert CliRunner().invoke(cli, ["lag", "--between", "0.2", "--limit", "1000"]).exit_code == 0
