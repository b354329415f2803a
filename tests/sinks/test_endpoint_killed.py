"""kill −9 of ClickHouse's endpoint under a running sink, in the middle of its inserts: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from ops.stack.clickhouse import clickhouse as endpoint
from ops.stack.scratch import Scratch
from sinks import clickhouse as ch
from sinks import lane
from sinks.migrations import migrate
from tests.fixtures.stack import CACHE
from tests.sinks.conftest import sink, until
from tests.sinks.loads import counts, numbers, publish, topics_of
from tests.sinks.test_faults import totals, watch
from transport.settings import Settings

ROWS = 4000


class Endpoint:
    """An endpoint of this test's own, always at the same address."""

    def __init__(self, parts: Scratch) -> None:
        self._parts, self.port = parts, parts.ports.take()

    def start(self) -> None:
        """Start it over the data it has."""
        folder = self._parts.home / "clickhouse"
        self._parts.start(lambda: endpoint(Settings(data_dir=self._parts.home), folder, self.port), "clickhouse")

    def kill(self) -> None:
        """SIGKILL, as a power cut of the process."""
        os.kill(self._parts.pid("clickhouse"), signal.SIGKILL)
        self._parts.stop("clickhouse")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Endpoint]:
    """A running endpoint that a test may kill."""
    with Scratch(tmp_path / "own", CACHE) as parts:
        parts.home.mkdir()
        one = Endpoint(parts)
        one.start()
        yield one


def _more_than(client: Client, rows: int) -> bool:
    return counts(client)[0] > rows


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_the_endpoint_killed_in_the_middle_loses_and_doubles_nothing(
    settings: Settings, own: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MAX_ROWS", 100)
    mine = settings.model_copy(update={"clickhouse_port": own.port})
    migrate(mine)
    routes = topics_of(mine, "obs.emergency", partitions=2)
    (topic,) = routes
    sent = publish(mine, topic, numbers(0, ROWS))
    with ch.connected(mine) as client:
        watch(client)
    with sink(mine, routes) as running:
        for some in (0, ROWS // 2):
            with ch.connected(mine) as client:
                until(partial(_more_than, client, some), 60)
            own.kill()
            sent += publish(mine, topic, numbers(sent, ROWS // 8))
            own.start()
        with ch.connected(mine) as client:
            until(lambda: counts(client)[1] >= sent and totals(client)[2] >= sent, 60)  # an insert reaches the view after the table
            assert running.fault is None
            assert totals(client) == (sent, sent, sent)
