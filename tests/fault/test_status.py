"""After a load the metrics pages and `nhip status` say what the oracle counts: inputs, rows, refusals by reason, panes, conditions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from indicators.numbers_vi import number_vi
from indicators.observation import Observation
from indicators.vocabulary import Vocabulary
from ops.stack import state
from ops.stack.loopback import get
from ops.stack.ports import Ports
from ops.stack.supervisor import me
from tests.fault.calm_home import calm_home
from tests.fault.kernel import prepare
from tests.fault.load import HOUR, START, Load
from tests.fault.long_oracle import LongOracle
from tests.fault.processes import PROCESSES, Ended, Process
from tests.fault.settled import settled
from tests.fault.verdict import expected_river_conditions
from tests.fault.worker import GROUPS as WORKED
from transport.columnar_writer import AvroEncoder
from transport.kafka_clients import CountingProducer, producer
from transport.partitioner import partition_of
from transport.registry import Registry
from transport.settings import Settings
from transport.topics import GROUPS

OBSERVATIONS = 600
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""(name, sorted labels) → value."""

Place = tuple[str, int]
NOT_MESSAGES = {"truncated": b"", "decode": b"not a message"}
"""Reason → bytes that neither worker nor sink can read."""


@contextmanager
def running(settings: Settings, ports: dict[str, int]) -> Iterator[list[Process]]:
    """The three processes, their metrics on these ports; none may end by itself."""
    ended: list[Ended] = []
    processes = [Process(n, settings, ended, **{f"NHIP_{n.upper()}_METRICS_PORT": str(ports[n])}) for n in PROCESSES]
    try:
        yield processes
        assert [p.name for p in processes if p.child.poll() is not None] == []
    finally:
        for process in processes:
            process.end()


def bad_observations(good: Observation) -> list[tuple[str, Observation]]:
    """(reason, observation) that a worker must refuse for it."""
    far = good.event_time - 400 * 24 * HOUR
    return [
        ("sentinel", replace(good, source_record_id="B1", value=Decimal(-999))),
        ("out_of_range", replace(good, source_record_id="B2", value=Decimal(5000))),
        ("out_of_range", replace(good, source_record_id="B3", value=Decimal(-7))),
        ("validation", replace(good, source_record_id="B4", value=None)),
        ("contract", replace(good, source_record_id="B5", measure_unit="cm")),
        ("impossible_date", replace(good, source_record_id="B6", period_end=good.period_start)),
        ("too_late", replace(good, source_record_id="B7", event_time=far, period_start=far, period_end=far + 1)),
    ]


def send(settings: Settings, vocabulary: Vocabulary) -> tuple[dict[Place, LongOracle], Counter[Place], Counter[str]]:
    """Publish the load and what is wrong with it; returns oracles and counts sent by group and partition, and the refusals by reason."""
    out = CountingProducer(producer(settings))
    with Registry(settings) as registry:
        encoder = AvroEncoder("observation", registry.id_of("observation"))
    load, oracles, refused = Load(vocabulary, 23), dict[Place, LongOracle](), Counter[str]()
    offsets: Counter[Place] = Counter()

    def publish(group: str, o: Observation, value: bytes) -> tuple[LongOracle, int]:
        key = o.series().key().encode()
        place = group, partition_of(key, GROUPS[group])
        out.publish(f"{settings.topic_prefix}obs.{group}", key, value, partition=place[1])
        offsets[place] += 1
        return oracles.setdefault(place, LongOracle(vocabulary, None)), offsets[place] - 1

    reading = None
    for o in [*load.plans(), *load.take(0, OBSERVATIONS)]:
        spec = vocabulary.series_spec(o.indicator, o.component)
        assert spec is not None
        oracle, offset = publish(spec.group, o, encoder.encode(o.record()))
        oracle.add(o, offset)
        reading = o if o.component and o.value is not None and (reading is None or o.event_time > reading.event_time) else reading
    assert reading is not None
    refused["too_late"] = sum(oracle.late for oracle in oracles.values())
    for reason, o in bad_observations(reading):
        publish("emergency", o, encoder.encode(o.record()))
        refused[reason] += 1
    for reason, value in NOT_MESSAGES.items():
        publish("emergency", reading, value)
        refused[reason] += 1
    out.flush()
    return oracles, offsets, refused


def page(port: int) -> Samples:
    """Every sample of a metrics page."""
    status, text = get(f"http://127.0.0.1:{port}/metrics")
    assert status == 200
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in samples}


def total(samples: Samples, name: str, **labels: str) -> int:
    """Sum of a metric over the labels not given."""
    return int(sum(value for (found, has), value in samples.items() if found == name and labels.items() <= dict(has).items()))


def by_reason(samples: Samples, stage: str) -> dict[str, int]:
    """Refusals of a stage."""
    pairs = [(dict(has), value) for (name, has), value in samples.items() if name == "nhip_refused_total"]
    return {has["reason"]: int(value) for has, value in pairs if has["stage"] == stage and value}


def shown(settings: Settings, ports: dict[str, int]) -> str:
    """What `nhip status` prints for these processes."""
    rows = tuple(
        state.Row(name=n, title=n, kind="part", condition="ready", since=START, metrics_url=f"http://127.0.0.1:{ports[n]}/metrics")
        for n in PROCESSES
    )
    state.write(settings.data_dir, state.State(phase="ready", since=START, pid=me().pid, born=me().born, rows=rows))
    env = {"PATH": os.environ["PATH"], "NHIP_DATA_DIR": str(settings.data_dir)}
    argv = [sys.executable, "-m", "ops.cli", "status"]
    done = subprocess.run(argv, env=env, cwd=settings.home, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.stack
@pytest.mark.usefixtures("database")
@pytest.mark.timeout(300)
def test_pages_and_status_agree_with_the_oracle(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"home": calm_home(tmp_path / "home", silence=False)})
    vocabulary = Vocabulary.load(settings.home)
    prepare(settings, compaction=False)
    free = Ports()
    ports = {name: free.take() for name in PROCESSES}
    with running(settings, ports):
        oracles, sent, refused = send(settings, vocabulary)
        deadline = time.monotonic() + 150
        while not (settled(settings) and settled(settings)):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        panes = sum(len(oracle.panes()) for oracle in oracles.values())
        while total(page(ports["worker"]), "nhip_panes_live", stage="stage1") != panes:  # gauges of lanes are told every second
            assert time.monotonic() < deadline, (total(page(ports["worker"]), "nhip_panes_live", stage="stage1"), panes)
            time.sleep(0.2)
        pages = {name: page(port) for name, port in ports.items()}
        text = shown(settings, ports)
    worker, sink, alerts = (pages[name] for name in ("worker", "sink", "alerts"))
    for group in WORKED:
        assert total(worker, "nhip_messages_in_total", topic=f"obs.{group}") == sum(n for (g, _), n in sent.items() if g == group)
    assert by_reason(worker, "stage1") == refused
    assert by_reason(sink, "sinks") == dict.fromkeys(NOT_MESSAGES, 1)
    assert total(sink, "nhip_inserted_rows_total", table="observations") == sum(sent.values()) - len(NOT_MESSAGES)
    stories = [story for oracle in oracles.values() for story in expected_river_conditions(oracle, vocabulary).values()]
    assert total(alerts, "nhip_messages_in_total", topic="alerts.conditions.emergency") == sum(map(len, stories)) > 0
    told = total(alerts, "nhip_messages_in_total", topic="alerts.conditions") + sum(map(len, stories))
    assert total(sink, "nhip_inserted_rows_total", table="conditions") == told
    assert total(sink, "nhip_inserted_rows_total", table="alert_events") == told
    since_start = number_vi(Decimal(total(sink, "nhip_inserted_rows_total")))
    assert re.search(rf"nhip_inserted_rows [\d.,]+ *│ {re.escape(since_start)}\b", text), (since_start, text)
    for reason, count in refused.items():
        assert re.search(rf"\b{reason}: {count}\b", text), (reason, text)
