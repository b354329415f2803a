"""Each measurement, small, on the real servers: it ends, its end state is right, its figures are there. Nothing is said about speed."""

from __future__ import annotations

import pytest

from benchmarks import latency, stock, worker
from benchmarks.ground import MeasurementError, own_settings, run_child, topics
from benchmarks.observations import CustomsLoad
from benchmarks.series_encoder import SeriesEncoder
from tests.fixtures.stack import carriers
from transport.columnar_writer import AvroEncoder
from transport.kafka_clients import admin
from transport.partitioner import partition_of
from transport.registry import Registry, register_all
from transport.settings import Settings
from transport.topics import GROUPS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture
def registered(settings: Settings) -> Settings:
    register_all(settings, carriers())
    return settings


def load(settings: Settings, count: int) -> tuple[CustomsLoad, list[tuple[bytes, bytes]]]:
    made = CustomsLoad(count, 50, amended=0.1)
    with Registry(settings) as registry:
        encoder = AvroEncoder("observation", registry.id_of("observation"))
    return made, list(made.messages(SeriesEncoder(encoder, made.templates)))


def test_the_worker_and_stock_faust_end_with_what_the_load_says(registered: Settings) -> None:
    lines, messages = load(registered, 5000)
    found = worker.measure(registered, lines, messages, "w")
    assert found.obs_per_s > 0
    assert found.cpu_s_per_million > 0
    assert found.commits >= len({partition_of(key, GROUPS[worker.GROUP]) for key, _ in messages})
    assert {"admit", "fold", "commit", "beside folds"} <= found.steps_us.keys()
    peer = stock.measure(registered, lines, messages[:1000], 1000, "s")
    assert peer.obs_per_s > 0
    left = [name for name in admin(registered).list_topics(timeout=10).topics if name.startswith(registered.topic_prefix)]
    assert left == []


def test_topics_that_do_not_hold_the_load_give_no_figure(registered: Settings) -> None:
    own = own_settings(registered, "empty")
    with topics(own, worker.FAMILIES), pytest.raises(MeasurementError, match="where the load has"):
        worker.check(own, CustomsLoad(10, 2))


def test_every_change_of_a_river_alarm_has_its_event(registered: Settings) -> None:
    found = latency.measure(registered, latency.Plan(rate=300, seconds=10, parts=1, burst=2000, after_seconds=3))
    assert found.steady.changes >= latency.FEWEST
    assert 0 < found.steady.p50 <= found.steady.p99 <= found.steady.most
    assert found.direct is not None
    assert found.direct.messages >= found.steady.changes, "every change of a river is told over the direct lane"
    assert 0 < found.direct.p50 <= found.direct.p99 <= found.direct.most
    assert found.after is not None
    assert found.drained_s > 0


def test_a_child_that_fails_or_hangs_is_named_with_its_last_lines(settings: Settings) -> None:
    own = own_settings(settings, "x")
    with pytest.raises(MeasurementError, match=r"exit status 2[\s\S]*--records"):
        run_child(own, "benchmarks.worker_child", ["--wrong"], 60)
    with pytest.raises(MeasurementError, match="not done within"):
        run_child(own, "http.server", ["0", "--bind", "127.0.0.1"], 2)
