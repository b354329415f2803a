"""A whole installation into a folder and back: topics with their offsets, positions, tables, counts and checksums."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import TopicPartition

from ops.stack.control import StackError
from ops.upkeep import backup as keeping
from ops.upkeep import trail
from sinks import clickhouse, clients
from sinks.migrations import migrate
from sinks.tables import routes
from tests.fixtures.stack import prepare
from tests.sinks.conftest import sink, until
from tests.sinks.loads import counts, numbers, publish
from transport import kafka_clients, topic_admin, topic_archive
from transport.settings import Settings
from transport.state_reader import end_offsets
from transport.topics import table

OBS, CURRENT = "obs.emergency", "alerts.current"


def transact(settings: Settings, topic: str, rows: list[tuple[bytes, bytes]], *, commit: bool) -> None:
    """Rows in one transaction: its marker takes an offset, and what is aborted leaves a gap."""
    client = kafka_clients.transactional_producer(settings, "backup-test")
    client.begin_transaction()
    for key, value in rows:
        client.produce(topic, value=value, key=key, partition=0)
    client.flush(10)
    (client.commit_transaction if commit else client.abort_transaction)(10)


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_what_is_restored_is_what_was_backed_up(
    settings: Settings, database: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = (OBS, CURRENT, trail.AUDIT, "operands.latest.emergency", "operands.emergency")
    known = {settings.topic_prefix + name: table(settings.topic_prefix)[settings.topic_prefix + name] for name in names}
    prepare(settings, *(name for name in names if name != trail.AUDIT))
    topic_admin.apply(settings, names=(trail.AUDIT,))
    monkeypatch.setattr(keeping, "table", lambda prefix="": {prefix + name: known[settings.topic_prefix + name] for name in names})
    monkeypatch.setattr(keeping, "groups", lambda prefix: {"sink": [prefix + OBS, prefix + CURRENT], "worker": [prefix + CURRENT]})
    monkeypatch.setattr(keeping, "steps", lambda settings: ())
    monkeypatch.setattr(clients, "SESSION_MS", 6000)  # a stopped sink is a member until its session ends
    topic, current = settings.topic_prefix + OBS, settings.topic_prefix + CURRENT
    sent = publish(settings, topic, numbers(0, 300))
    with sink(settings, routes({topic: known[topic]}, settings.topic_prefix)):
        until(lambda: counts(database)[1] == sent)
    transact(settings, current, [(b"a", b"1"), (b"b", b"2")], commit=True)
    transact(settings, current, [(b"a", b"x")], commit=False)
    transact(settings, current, [(b"a", b"3")], commit=True)
    topic_archive.set_positions(settings, "worker", {(current, 0): 5})
    until(lambda: not topic_archive.members(settings, ["sink"]))
    topic_archive.set_positions(settings, "sink", {(current, 0): 5})
    before = end_offsets(settings, [(topic, p) for p in range(12)] + [(current, 0)])
    told = keeping.backup(settings, tmp_path / "copy", "an", "thử", print)

    futures = kafka_clients.admin(settings)
    for future in futures.delete_topics(list(known)).values():
        future.result(30)
    database.command(f"DROP DATABASE {settings.clickhouse_database}")
    until(lambda: not set(known) & set(kafka_clients.admin(settings).list_topics(timeout=10).topics))
    migrate(settings)
    topic_admin.apply(settings, names=names)  # nobody leads the new partitions yet: a restore waits for that
    manifest = keeping.restore(settings, tmp_path / "copy", "an", "thử", print)

    assert end_offsets(settings, list(before)) == before, "no later message may have an offset that was used before"
    with clickhouse.connected(settings) as client:
        assert counts(client) == (sent, sent)
    assert topic_archive.positions(settings, "worker", [(current, 0)]) == {(current, 0): (before[current, 0] - 1, "")}
    reader = kafka_clients.consumer(settings, "look")
    reader.assign([TopicPartition(current, 0, 0)])
    rows = [m for m in reader.consume(3, 10) if m.error() is None]
    reader.close()
    assert [(m.key(), m.value(), topic_archive.former_offset(m)) for m in rows] == [(b"a", b"1", 0), (b"b", b"2", 1), (b"a", b"3", 6)]
    assert [m.offset() for m in rows] == [before[current, 0] - 3 + n for n in range(3)]
    assert manifest["tables"] == told["tables"]
    with pytest.raises(StackError, match="not empty"):
        keeping.restore(settings, tmp_path / "copy", "an", "thử", print)


def test_a_damaged_file_is_found_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    manifest = {"format": keeping.FORMAT, "files": {"a": keeping.sha256(tmp_path / "a")}}
    (tmp_path / keeping.MANIFEST).write_text(json.dumps(manifest))
    assert keeping.checked(tmp_path)["files"] == manifest["files"]
    (tmp_path / "a").write_text("two")
    with pytest.raises(StackError, match="damaged"):
        keeping.checked(tmp_path)
