"""The session's fixtures: real parts that answer, one prefix a test, and no network beyond what a test's marks allow."""

from __future__ import annotations

import socket
import uuid

import httpx
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.fixtures.network import NetworkRefused
from transport.settings import Settings


@pytest.mark.stack
def test_broker_takes_a_topic_of_this_test(settings: Settings) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    name = f"{settings.topic_prefix}probe"
    admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])[name].result(20)
    assert len(admin.list_topics(name, timeout=10).topics[name].partitions) == 2


@pytest.mark.stack
def test_registry_speaks_the_confluent_api(settings: Settings) -> None:
    subject = f"probe-{uuid.uuid4().hex}-value"
    answer = httpx.post(f"{settings.registry_url}/subjects/{subject}/versions", json={"schema": '"long"'}, timeout=20)
    assert answer.status_code == 200
    assert answer.json()["id"] >= 1


def test_an_unmarked_test_opens_no_socket() -> None:
    with pytest.raises(NetworkRefused, match="no marker"), socket.socket() as sock:
        sock.connect(("127.0.0.1", 9))


@pytest.mark.loopback
def test_loopback_does_not_reach_another_machine() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
    with pytest.raises(NetworkRefused, match="another machine"), socket.socket() as sock:
        sock.connect(("192.0.2.1", 9))


def test_settings_of_two_tests_differ(settings: Settings, request: pytest.FixtureRequest) -> None:
    assert settings.topic_prefix.endswith(".")
    assert settings.data_dir == settings.inbox_dir.parent
    assert settings.clickhouse_database != Settings(data_dir=settings.data_dir).clickhouse_database
