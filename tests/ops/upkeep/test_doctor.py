"""The doctor: every check says what it found and, where it is not well, what to do; a part that is away hides no other."""

from __future__ import annotations

import json
from contextlib import closing
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from pydantic import SecretStr
from typer.testing import CliRunner

from ops.cli import cli
from ops.upkeep import checkup, cluster, store, surroundings
from ops.upkeep.checkup import CHECKS, Check, examine
from ops.upkeep.finding import Finding, judged_clock
from sinks.migrations import migrations
from transport import kafka_clients, topic_admin
from transport.registry import Registry, register_all
from transport.settings import Settings
from transport.topic_admin import Difference
from transport.topics import table

GIB = 1024**3


@pytest.mark.parametrize(
    ("finding", "well", "said"),
    [
        (surroundings.judged_disk(5 * GIB // 2), True, "2,5 GiB"),
        (surroundings.judged_disk(2 * GIB - 1), False, "2,0 GiB"),
        (surroundings.judged_panes(1_600_000), True, "1.600.000 / 2.000.000"),
        (surroundings.judged_panes(1_600_001), False, "1.600.001"),
        (judged_clock("Kafka", 100.0, 99.9, 100.1), True, "0,000"),
        (judged_clock("Kafka", 97.0, 99.5, 99.6), False, "2,500"),
        (judged_clock("Kafka", 103.0, 99.5, 99.6), False, "3,400"),
        (store.judged_refusals([]), True, "none"),
        (store.judged_refusals([("producers.tax", "validation", 1200)]), True, "producers.tax validation: 1.200"),
        (store.judged_refusals([("producers.tax", "validation", 9), ("sinks", "sink_rejected", 1)]), False, "sinks sink_rejected: 1"),
        (store.judged_migrations({one.version: one.digest for one in migrations()}), True, "applied"),
        (store.judged_migrations({}), False, "0001_observations"),
        (store.judged_migrations({one.version: "other" for one in migrations()}), False, "changed"),
        (store.judged_migrations({999: "x"}), False, "newer"),
        (cluster.judged_topics([], 9), True, "9"),
        (cluster.judged_topics([Difference("obs.trade", "missing", "", "12", "")], 9), False, "obs.trade"),
        (cluster.judged_schemas({"a": "", "b": ""}), True, "2 lược đồ"),
        (cluster.judged_schemas({"a": "", "b": "missing", "c": "differs", "d": "compatibility"}), False, "not ours: c"),
    ],
)
def test_each_judgement_says_what_to_do_where_it_is_not_well(finding: Finding, well: bool, said: str) -> None:
    assert finding.well is well
    assert said in finding.said
    assert bool(finding.do) is not well


def test_a_partition_with_data_needs_a_member_that_has_it() -> None:
    member = SimpleNamespace(assignment=SimpleNamespace(topic_partitions=[SimpleNamespace(topic="a", partition=0)]))
    places: set[tuple[str, int]] = {("a", 0), ("a", 1)}
    assert cluster.unowned("worker", places, [member]) == {("a", 1)}
    assert cluster.unowned("alerts-story", places, [member]) == set()
    assert cluster.unowned("alerts-story", places, []) == places


def test_panes_are_added_up_from_the_page_of_metrics() -> None:
    page = '# TYPE nhip_panes_live gauge\nnhip_panes_live{stage="stage1"} 5.0\nnhip_panes_live{stage="stage2"} 7.0\nother 9\n'
    assert surroundings.live_panes(page) == 12


def test_a_part_that_is_away_is_one_line_and_a_fault_of_ours_is_not_hidden(settings: Settings) -> None:
    def kafka(_: Settings) -> Finding:
        raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))

    def clickhouse(_: Settings) -> Finding:
        raise DatabaseError("SELECT secret")

    def ours(_: Settings) -> Finding:
        raise ZeroDivisionError

    checks = {"a": Check("a", "a", kafka, "do a"), "b": Check("b", "b", clickhouse, "do b"), "c": CHECKS["disk"]}
    found = examine(settings, checks)
    assert [one.finding.well for one in found.values()] == [False, False, True]
    assert found["a"].finding == (False, "Kafka: _ALL_BROKERS_DOWN", "do a")
    assert "secret" not in found["b"].finding.said
    with pytest.raises(ZeroDivisionError):
        examine(settings, {"x": Check("x", "x", ours, "")})


@pytest.mark.loopback
@pytest.mark.timeout(120)
def test_everything_away_is_told_in_bounded_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "SECONDS", 0.5)
    secret = settings.model_copy(update={"clickhouse_password": SecretStr("not-for-people")})
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: secret))
    result = CliRunner().invoke(cli, ["doctor", "--json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert {name for name, one in found.items() if one["well"]} == {"disk"}
    assert all(one["do"] for one in found.values() if not one["well"])
    assert "not-for-people" not in result.stdout


@pytest.mark.stack
@pytest.mark.usefixtures("database")
@pytest.mark.timeout(200)
def test_the_real_parts_are_well_and_what_is_missing_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {name: table()[name] for name in ("obs.trade", "notify.requests", "ops.audit")}
    monkeypatch.setattr(cluster, "table", lambda prefix="": own)
    monkeypatch.setattr(cluster, "groups", lambda prefix: {"worker": (f"{prefix}obs.trade",)})
    topic_admin.apply(settings, names=own)
    register_all(settings, [topic for topic in own.values() if topic.schema])
    wanted = ("broker", "owners", "registry", "clickhouse", "migrations", "tables", "refused", "clock", "broker_clock")
    chosen = {name: CHECKS[name] for name in wanted}
    found = {name: one.finding for name, one in checkup.examine(settings, chosen).items()}
    assert {name: one.said for name, one in found.items() if not one.well} == {}
    assert found["registry"].said.startswith("2 lược đồ")
    with Registry(settings) as registry:
        odd = table()["ops.audit"]
        assert cluster.schema_fault(registry, odd) == "missing"
    assert not cluster.topics(settings).well
    producer = kafka_clients.CountingProducer(kafka_clients.producer(settings))
    producer.publish(f"{settings.topic_prefix}obs.trade", b"k", b"v", partition=3)
    producer.flush()
    with closing(kafka_clients.consumer(settings, "worker")) as member:  # the first question of a new broker waits for its coordinator
        member.committed([TopicPartition(f"{settings.topic_prefix}obs.trade", 3)], timeout=60)
    assert cluster.owners(settings).said.endswith(f"worker: {settings.topic_prefix}obs.trade [3]")
