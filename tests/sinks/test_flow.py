"""From Kafka into ClickHouse through the real broker, registry and endpoint."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from structlog.testing import capture_logs

from sinks import clients
from sinks.clients import GROUP
from sinks.consumer import Fenced
from sinks.tables import Route
from tests.sinks.conftest import sink, until
from tests.sinks.loads import START, counts, numbers, observation, publish, send, topics_of
from tests.sinks.messages import sample
from transport import kafka_clients
from transport.group_calls import leave
from transport.records import AvroEncoder
from transport.registry import Registry
from transport.settings import Settings

SERIES = "vn-1012/D.1|river_level|31|station:ST01|channel=auto;kind=raw|actual"
EVERY_KIND = ("obs.emergency", "panes.trade", "agg.trade", "derived.trade", "alerts.conditions", "alerts.events", "alerts.current",
              "alerts.actions", "notify.requests", "notify.results", "notify.ledger", "ops.audit", "ops.emergency",
              "dead.stage1", "dead.sinks")  # fmt: skip


def send_samples(settings: Settings, routes: dict[str, Route], **changes: Any) -> None:
    """One sample record into every Avro topic of `routes`."""
    with Registry(settings) as registry:
        for name, route in routes.items():
            if route.reading == "avro":
                record = sample(route.schema)
                record |= {k: v for k, v in changes.items() if k in record}
                send(settings, name, [(SERIES.encode(), AvroEncoder(route.schema, registry.id_of(name)).encode(record))], 0)


def value(database: Client, sql: str) -> Any:
    """The first value a query gives."""
    return database.query(sql).result_rows[0][0]


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_every_kind_of_topic_arrives_in_its_table(settings: Settings, database: Client) -> None:
    routes = topics_of(settings, *EVERY_KIND, partitions=1)
    send_samples(settings, routes, series=SERIES)
    send(settings, f"{settings.topic_prefix}ops.audit", [(b"ai.do", "đã đóng".encode())])
    send(settings, f"{settings.topic_prefix}ops.emergency", [(b"step|E1|S1", b'{"emergency": "E1", "area": {"units": ["31"]}}')])
    send(settings, f"{settings.topic_prefix}agg.trade", [(b"\x00pos", b"any"), (b"gone", None)])
    send(settings, f"{settings.topic_prefix}dead.stage1", [(b"k", b"\xff\x00")])
    sent = 1 + publish(settings, f"{settings.topic_prefix}obs.emergency", numbers(0, 3000))
    tables = sorted({r.table for r in routes.values()} - {"observations", "notifications"})
    with sink(settings, routes) as running:
        until(lambda: counts(database)[0] >= sent and counts(database, "notifications")[0] >= 3)
        for name in tables:
            until(lambda name=name: counts(database, name)[0] >= 1)  # type: ignore[misc]
        # The ends are committed with empty metadata once the lanes rest: nothing is left to repeat.
        until(lambda: settled(settings, sorted(routes)), 90)
        assert running.fault is None
    assert counts(database) == (sent, sent)
    split = database.query(
        "SELECT indicator, component, territory, subject_type, subject_id, figure, dimensions FROM latest_aggregates"
    ).result_rows
    assert [tuple(row[:6]) for row in split] == [("vn-1012/D.1", "river_level", "31", "station", "ST01", "actual")]
    assert [tuple(d.values()) if isinstance(d, dict) else tuple(d) for d in split[0][6]] == [("channel", "auto"), ("kind", "raw")]
    assert value(database, "SELECT sum(value) FROM observations WHERE source_record_id != 'a'") == sum(Decimal(n) / 8 for n in range(3000))
    assert value(database, "SELECT hex(body) FROM dead_letters") == "FF00"
    assert value(database, "SELECT body FROM audit") == "đã đóng"
    assert value(database, "SELECT (emergency, units) FROM emergency_steps") == ("E1", ["31"])
    assert counts(database, "aggregates") == (1, 1), "no position row, no tombstone"


def settled(settings: Settings, topics: list[str]) -> bool:
    """Has every partition that holds messages its end committed without a plan?"""
    from confluent_kafka import TopicPartition

    consumer = kafka_clients.consumer(settings, GROUP)
    try:
        for found in consumer.committed([TopicPartition(t, 0) for t in topics], timeout=10):
            _, end = consumer.get_watermark_offsets(TopicPartition(found.topic, 0), timeout=10)
            if end and (found.offset != end or found.metadata):
                return False
        return True
    finally:
        consumer.close()


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_a_revision_replaces_a_duplicate_does_not_and_a_deletion_withdraws(settings: Settings, database: Client) -> None:
    routes = topics_of(settings, "obs.finance_budget", partitions=1)
    (topic,) = routes
    base = {"indicator": "vn-1012/A.II.2", "component": "", "figure": "plan", "period_type": "month", "period_start": START,
            "period_end": START + 86_400_000, "subject_type": "department", "subject_id": "D1", "source_record_id": "p1"}  # fmt: skip
    sent = publish(settings, topic, [
        observation(0, **base, revision=0, value=Decimal(10), ingested_at=START),
        observation(0, **base, revision=1, value=Decimal(12), ingested_at=START + 1000),
        observation(0, **base, revision=1, value=Decimal(99), ingested_at=START + 2000),
        observation(0, **base | {"territory": "01", "source_record_id": "p2"}, value=Decimal(7), ingested_at=START),
        observation(0, **base | {"territory": "01", "source_record_id": "p2"}, revision=1, status="deleted", value=None,
                    ingested_at=START + 3000),
    ])  # fmt: skip
    with sink(settings, routes) as running:
        until(lambda: counts(database)[0] >= sent)
        assert running.fault is None
    assert value(database, "SELECT groupArray((territory, value)) FROM latest_values") == [("31", Decimal(12))]
    for seconds, wanted in ((0, [("01", Decimal(7)), ("31", Decimal(10))]), (1, [("01", Decimal(7)), ("31", Decimal(12))]),
                            (9, [("31", Decimal(12))])):  # fmt: skip
        moment = f"fromUnixTimestamp64Milli({START + seconds * 1000}, 'UTC')"
        known = database.query(f"SELECT territory, value FROM known_records(moment = {moment}) ORDER BY territory").result_rows
        assert [tuple(row) for row in known] == wanted


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_refused_records_are_told_and_the_rest_goes_in(settings: Settings, database: Client) -> None:
    routes = topics_of(settings, "obs.emergency", "dead.sinks", partitions=1)
    topic = f"{settings.topic_prefix}obs.emergency"
    publish(settings, topic, numbers(0, 10))
    send(settings, topic, [(b"k", b"no frame"), (None, b"\x00\x00\x00\x00\x00"), (b"k", b"")])
    publish(settings, topic, [observation(10, event_time=-(2**62)), observation(11)])
    with sink(settings, routes) as running:
        until(lambda: counts(database)[0] >= 11 and counts(database, "dead_letters")[0] >= 4)
        assert running.fault is None
    assert counts(database) == (11, 11)
    letters = database.query("SELECT reason, original_topic, original_offset FROM dead_letters ORDER BY original_offset").result_rows
    assert [int(row[2]) for row in letters] == [10, 11, 12, 13]
    assert {row[1] for row in letters} == {topic}
    assert letters[3][0] == "impossible_date"


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_a_member_that_was_replaced_stops_though_nothing_comes_in(settings: Settings, database: Client) -> None:
    routes = topics_of(settings, "obs.emergency", partitions=1)
    (topic,) = routes
    publish(settings, topic, numbers(0, 10))
    with sink(settings, routes) as former:
        until(lambda: counts(database)[0] == 10)
        until(lambda: settled(settings, [topic]), 90)  # a commit would be refused: here there is none left to make
        with sink(settings, routes) as present:
            until(lambda: not former.alive(), 60.0)
            assert isinstance(former.fault, Fenced)
            publish(settings, topic, numbers(10, 10))
            until(lambda: counts(database)[0] >= 20)
            assert present.fault is None
    assert counts(database) == (20, 20)


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_a_missing_table_stops_the_sink_and_nothing_is_lost(settings: Settings, database: Client) -> None:
    routes = topics_of(settings, "obs.emergency", partitions=1)
    (topic,) = routes
    publish(settings, topic, numbers(0, 10))
    with sink(settings, routes) as running:
        until(lambda: counts(database)[0] == 10)
        database.command("RENAME TABLE observations TO aside")
        publish(settings, topic, numbers(10, 10))
        until(lambda: not running.alive())
        assert "nhip provision" in str(running.fault)
    database.command("RENAME TABLE aside TO observations")
    with sink(settings, routes) as running:
        until(lambda: counts(database)[0] >= 20)
        assert running.fault is None
    assert counts(database) == (20, 20)


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_a_sink_that_is_stopped_while_its_group_waits_for_another_member_ends_and_its_successor_goes_on(
    settings: Settings, database: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "SESSION_MS", 6_000)  # how long the successor waits for the one that hangs, once that is gone
    routes = topics_of(settings, "obs.emergency", partitions=4)
    (topic,) = routes
    sent = publish(settings, topic, numbers(0, 4000))
    with capture_logs() as lines, sink(settings, routes) as first:
        until(lambda: counts(database)[1] >= sent)
        # A member that hangs: it never takes what it is assigned, so that nobody's JoinGroup is answered.
        hangs = clients.consumer(settings.model_copy(update={"sink_instance": "sink-hangs"}))
        hangs.subscribe([topic])
        until(lambda: any(line["event"] == "sink.revoked" for line in lines))
        sent += publish(settings, topic, numbers(4000, 4000))
        time.sleep(3)  # what is planned now is not answered
        began = time.monotonic()
        first.stop()
    assert time.monotonic() - began < 18
    assert any(line["event"] == "left a group that did not let go" for line in lines)
    leave(hangs, "sink", 2.0)
    with sink(settings, routes) as second:
        until(lambda: counts(database)[1] >= sent)
    assert second.fault is None
    assert counts(database) == (sent, sent)


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_the_ends_of_what_moves_are_committed_inside_the_revocation(
    settings: Settings, database: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.consumer.IDLE_SECONDS", 1000.0)  # nothing is committed by itself: what moves has an end to commit
    routes = topics_of(settings, "obs.emergency", partitions=4)
    (topic,) = routes
    sent = publish(settings, topic, numbers(0, 4000))
    with capture_logs() as lines, sink(settings, routes) as first:
        until(lambda: counts(database)[1] >= sent)
        with sink(settings.model_copy(update={"sink_instance": "sink-1"}), routes) as second:
            until(lambda: any(line["event"] == "sink.assigned" and line["partitions"] == 2 for line in lines), 45)
            assert {line["to_repeat"] for line in lines if line["event"] == "sink.assigned"} == {0}
            sent += publish(settings, topic, numbers(4000, 4000))
            until(lambda: counts(database)[1] >= sent)
            assert second.fault is None
        assert first.fault is None
    assert counts(database) == (sent, sent)


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_a_second_instance_takes_over_only_what_moves_and_nothing_is_doubled(settings: Settings, database: Client) -> None:
    routes = topics_of(settings, "obs.emergency", partitions=4)
    (topic,) = routes
    other = settings.model_copy(update={"sink_instance": "sink-1"})
    sent = publish(settings, topic, numbers(0, 4000))
    with sink(settings, routes) as first:
        until(lambda: counts(database)[0] > 0)
        with sink(other, routes) as second:
            sent += publish(settings, topic, numbers(4000, 4000))
            until(lambda: second.metrics.registry.get_sample_value("nhip_inserted_rows_total", {"table": "observations"}) is not None or
                  counts(database)[1] >= sent)  # fmt: skip
            sent += publish(settings, topic, numbers(8000, 2000))
            until(lambda: counts(database)[1] >= sent)
            assert second.fault is None
        assert first.fault is None
    assert counts(database) == (sent, sent)
