"""From Kafka into ClickHouse through the real broker, registry and endpoint."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from tests.sinks.conftest import sink, until
from tests.sinks.loads import counts, numbers, publish, topics_of
from transport.settings import Settings


@pytest.mark.stack
def test_every_observation_arrives_once_with_all_its_columns(settings: Settings, database: Client) -> None:
    routes = topics_of(settings, "obs.emergency", partitions=3)
    (topic,) = routes
    sent = publish(settings, topic, numbers(0, 3000))
    with sink(settings, routes) as running:
        until(lambda: counts(database)[0] >= sent)
        assert running.fault is None
    assert counts(database) == (sent, sent)
