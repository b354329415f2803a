"""Recovery: how long after a kill the component does its work again, seen from outside in what it alone can bring about.

| component | it is back when |
|---|---|
| producer, kafka | an observation was appended |
| worker | its transactions committed a further input |
| sink | it committed a further plan |
| clickhouse | a row more is stored than when it first answered again |
| alerts | it has restored its state and leads |
| registry | it lists its subjects |

While it is measured a trickle of observations goes on. The first number seen after the kill is what must be exceeded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException, TopicPartition

from ops.stack.loopback import NoAnswer, get
from sinks import clickhouse, plan
from sinks.clients import GROUP as SINK
from stream_processors.context import GROUP as WORKER
from tests.fault.processes import Process
from tests.fault.worker import GROUPS as WORKED
from transport.kafka_clients import consumer
from transport.settings import Settings
from transport.topics import GROUPS

ANSWER_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.05
_NO_ANSWER: Final = (KafkaException, TimeoutError, ClickHouseError, clickhouse.Unavailable, NoAnswer, OSError)


class Probes:
    """Looks at the pipeline from outside; whatever does not answer has made no progress."""

    def __init__(self, settings: Settings, processes: Mapping[str, Process]) -> None:
        self._settings, self._processes = settings, processes
        # Readers, not an administrator's client: one whose broker dies under a request can take the process with it (librdkafka 2.16).
        self._readers = {group: consumer(settings, group) for group in (WORKER, SINK)}
        prefix = settings.topic_prefix
        self._inputs = [TopicPartition(f"{prefix}obs.{group}", p) for group in WORKED for p in range(GROUPS[group])]
        self._numbers: dict[str, Callable[[], int]] = {
            "producer": self._appended, "kafka": self._appended, "worker": lambda: self._committed(WORKER),
            "sink": lambda: self._committed(SINK), "clickhouse": self._stored,
        }  # fmt: skip

    def watch(self, component: str) -> Callable[[], bool]:
        """Call it again and again after a kill: has the component done further work?"""
        if component == "alerts":
            return self._processes[component].at_work
        if component == "registry":
            return self._lists_subjects
        first: list[int] = []

        def further() -> bool:
            try:
                now = self._numbers[component]()
            except _NO_ANSWER:
                return False
            if not first:
                first.append(now)
            return now > first[0]

        return further

    def planned_rows(self) -> int:
        """Rows of inputs that the sink would insert again if it started now: its open plans."""
        try:
            plans = [plan.read(p.offset, p.metadata) for p in self._positions(SINK) if p.offset >= 0]
        except _NO_ANSWER:
            return 0
        return sum(one.last - one.first + 1 for one in plans if one is not None)

    def _appended(self) -> int:
        return sum(int(self._readers[SINK].get_watermark_offsets(p, ANSWER_SECONDS)[1]) for p in self._inputs)

    def _committed(self, group: str) -> int:
        return sum(max(0, int(p.offset)) for p in self._positions(group))

    def _positions(self, group: str) -> list[TopicPartition]:
        return list(self._readers[group].committed([TopicPartition(p.topic, p.partition) for p in self._inputs], ANSWER_SECONDS))

    def _stored(self) -> int:
        with clickhouse.connected(self._settings) as client:
            return int(client.query("SELECT count() FROM observations").result_rows[0][0])

    def _lists_subjects(self) -> bool:
        try:
            status, _ = get(f"{self._settings.registry_url}/subjects")
        except _NO_ANSWER:
            return False
        return status == 200


def awaited(
    watches: Mapping[str, Callable[[], bool]], since: float, seconds: float, meanwhile: Callable[[], None]
) -> dict[str, float]:
    """Seconds from `since` (monotonic) until each says so; those that did not within `seconds` are left out."""
    found: dict[str, float] = {}
    while len(found) < len(watches) and time.monotonic() - since < seconds:
        meanwhile()
        for name, back in watches.items():
            if name not in found and back():
                found[name] = round(time.monotonic() - since, 3)
        time.sleep(LOOK_SECONDS)
    return found
