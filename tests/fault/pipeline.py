"""The whole pipeline under fire: worker, sink and alerts killed with SIGKILL while a load flows, then every table compared with the oracle.

    python -m tests.fault.pipeline --observations 200000 --kills 10

Prints one JSON line: what was done, what was compared, what is wrong. Each round sends its share of the load at full speed and kills every
process once, at a moment of its own; every third round all at the same moment. With `--away 60` broker, registry and ClickHouse are then
frozen one after the other for so many seconds while the load goes on; no process of ours may end by that. Seeded; what the broker holds
is what is judged.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from confluent_kafka import KafkaError, TopicPartition

from indicators.observation import Observation
from indicators.vocabulary import Vocabulary
from ops.stack.artifacts import cache_dir
from ops.stack.scratch import Scratch
from sinks import clickhouse
from sinks.migrations import migrate
from sinks.tables import routes
from tests.fault.calm_home import calm_home
from tests.fault.kernel import prepare
from tests.fault.load import Load
from tests.fault.plan import SPAN_MS
from tests.fault.processes import PROCESSES, Ended, Process
from tests.fault.stored import hold_merges, judge
from tests.fault.worker import GROUPS as WORKED
from transport.columnar_writer import AvroEncoder
from transport.kafka_clients import CountingProducer, consumer, producer
from transport.registry import Registry
from transport.settings import HOME, Settings
from transport.topics import table

AT_WORK_SECONDS = 60.0
READ_SECONDS = 20.0
ACKNOWLEDGED_SECONDS = 300.0
"""Longer than the broker is ever away: the load is not what is tried here."""
BACK_SECONDS = 10.0
SETTLED_PASSES = 2

GROUPS: dict[str, tuple[str, ...]] = {
    "worker": tuple(f"{stage}.{group}" for stage in ("obs", "operands") for group in WORKED),
    "alerts-story": ("alerts.conditions", "alerts.conditions.emergency", "alerts.actions"),
    "alerts-delivery": ("notify.requests",),
}
"""Consumer group → the topics it must have read to their ends; the sink's are those of its routes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does. `patience_seconds`: how long the pipeline may take to catch up at the end."""

    observations: int = 12_000
    kills: int = 2
    seed: int = 1
    patience_seconds: float = 120.0
    away_seconds: float = 0.0


@dataclass
class Report:
    """What a run did and found. `exits`: processes that ended by themselves, with their exit status and last log line; `away`: servers that
    were frozen, with the number of processes that ended meanwhile.
    """

    plan: dict[str, float]
    killed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROCESSES, 0))
    exits: list[Ended] = field(default_factory=list)
    away: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    caught_up: bool = False
    catch_up_seconds: float = 0.0
    compared: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Feed(threading.Thread):
    """Sends the load as far as `allowed`, at full speed; every message acknowledged. `failure`: what ended it early."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        super().__init__(name="feed", daemon=True)
        self._settings, self._plan = settings, plan
        self._vocabulary = Vocabulary.load(settings.home)
        with Registry(settings) as registry:
            self._encoder = AvroEncoder("observation", registry.id_of("observation"))
        self._load = Load(self._vocabulary, plan.seed, min(240_000, SPAN_MS // plan.observations))
        self.allowed = 0
        self.stop = threading.Event()
        self.sent = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Send plans, then the load."""
        try:
            out = CountingProducer(producer(self._settings, linger_ms=2, delivery_timeout_ms=int(ACKNOWLEDGED_SECONDS * 1000)))
            self._publish(out, self._load.plans())
            for number in range(self._plan.observations):
                while number >= self.allowed and not self.stop.wait(0.01):
                    pass
                if self.stop.is_set():
                    break
                self._publish(out, self._load.take(number, 1))
            out.flush(ACKNOWLEDGED_SECONDS)
        except BaseException as error:  # a thread's end: the run raises it, it is not lost
            self.failure = error

    def _publish(self, out: CountingProducer, observations: Iterable[Observation]) -> None:
        for o in observations:
            spec = self._vocabulary.series_spec(o.indicator, o.component)
            assert spec is not None
            out.publish(f"{self._settings.topic_prefix}obs.{spec.group}", o.series().key().encode(), self._encoder.encode(o.record()))
            self.sent += 1


def reached(settings: Settings, group: str, names: Iterable[str]) -> bool:
    """Has `group` committed everything there is to read in these topics? Markers and aborted rows are nothing to read."""
    topics, prefix = table(settings.topic_prefix), settings.topic_prefix
    places = [TopicPartition(prefix + name, p) for name in names for p in range(topics[prefix + name].partitions)]
    client = consumer(settings, group, enable_partition_eof=True, fetch_wait_max_ms=20)
    try:
        starts = [TopicPartition(found.topic, found.partition, max(found.offset, 0)) for found in client.committed(places, 30)]
        client.assign(starts)
        waiting = {(start.topic, start.partition) for start in starts}
        deadline = time.monotonic() + READ_SECONDS
        while waiting and time.monotonic() < deadline:
            for message in client.consume(len(waiting), 0.1):
                error = message.error()
                if error is None:
                    return False
                if error.code() == KafkaError._PARTITION_EOF:
                    waiting.discard((message.topic() or "", message.partition() or 0))
        return not waiting
    finally:
        client.close()


def settled(settings: Settings) -> bool:
    """Is everything folded, told, delivered and inserted?"""
    prefix = settings.topic_prefix
    sunk = tuple(name.removeprefix(prefix) for name in routes(table(prefix), prefix))
    if not all(reached(settings, group, names) for group, names in (GROUPS | {"sink": sunk}).items()):
        return False
    with clickhouse.connected(settings) as client:
        live = client.query("SELECT count() FROM latest_notifications WHERE state = 'intended' OR (state = 'failed' AND reason = 'retry')")
        return int(live.result_rows[0][0]) == 0


def run(
    settings: Settings, plan: Plan, say: Callable[[str], None] = print, servers: Mapping[str, int] = MappingProxyType({})
) -> Report:
    """One run on servers that are up; `servers`: name → process id of those to freeze."""
    report, began = Report(asdict(plan)), time.monotonic()
    prepare(settings, compaction=False)
    migrate(settings)
    with clickhouse.connected(settings) as client:
        hold_merges(client)
    say(f"{time.monotonic() - began:.0f} s: topics, schemas and tables are there")
    feed = Feed(settings, plan)
    processes = [Process(name, settings, report.exits) for name in PROCESSES]
    feed.start()
    try:
        _kill(plan, feed, processes, report)
        say(f"{time.monotonic() - began:.0f} s: {sum(report.killed.values())} kills, {feed.sent} sent")
        for name, pid in servers.items():
            report.away[name] = _away(pid, plan, feed, processes, report)
            say(f"{time.monotonic() - began:.0f} s: {name} was away for {plan.away_seconds:g} s, {report.away[name]} processes ended")
        feed.allowed = plan.observations
        feed.join(plan.patience_seconds)
        _catch_up(settings, plan, report, processes)
    finally:
        feed.stop.set()
        for process in processes:
            process.end()
    if feed.failure is not None:
        raise feed.failure
    report.sent = feed.sent
    say(f"{time.monotonic() - began:.0f} s: caught up in {report.catch_up_seconds} s")
    verdict = judge(settings)
    report.compared, report.wrong = dict(verdict.compared), dict(verdict.wrong)
    report.examples = [str(example)[:400] for example in verdict.examples]
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _kill(plan: Plan, feed: Feed, processes: list[Process], report: Report) -> None:
    """The rounds. The last share of the load is sent after the last kill."""
    dice = random.Random(plan.seed)
    for number in range(plan.kills):
        feed.allowed = plan.observations * (number + 1) // (plan.kills + 1)
        deadline = time.monotonic() + AT_WORK_SECONDS
        while not all(process.at_work() for process in processes) and time.monotonic() < deadline:
            for process in processes:
                process.revive()
            time.sleep(0.05)
        together = number % 3 == 2
        for process in dice.sample(processes, len(processes)):
            time.sleep(0.0 if together else dice.uniform(0.0, 0.6))
            process.kill()
            report.killed[process.name] += 1


def _away(server: int, plan: Plan, feed: Feed, processes: list[Process], report: Report) -> int:
    """Freeze a server while a small share of the load goes on, and wake it; returns how many of our processes ended by it."""
    before = len(report.exits)
    feed.allowed += (plan.observations - feed.allowed) // 4
    os.kill(server, signal.SIGSTOP)
    try:
        time.sleep(plan.away_seconds)
    finally:
        os.kill(server, signal.SIGCONT)
    time.sleep(BACK_SECONDS)
    for process in processes:
        process.revive()
    return len(report.exits) - before


def _catch_up(settings: Settings, plan: Plan, report: Report, processes: list[Process]) -> None:
    """Wait until nothing is left to do, twice in a row: what a rule settles later follows its operands."""
    began, passes = time.monotonic(), 0
    while passes < SETTLED_PASSES and time.monotonic() - began < plan.patience_seconds:
        for process in processes:
            process.revive()
        passes = passes + 1 if settled(settings) else 0
        time.sleep(1.0)
    report.caught_up = passes == SETTLED_PASSES
    report.catch_up_seconds = round(time.monotonic() - began, 1)


def main() -> int:
    """Command line; exit status 1 where something is wrong or the pipeline did not catch up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("observations", "kills", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Plan(), name))
    parser.add_argument("--away", type=float, default=0.0)
    given = parser.parse_args()
    plan = Plan(given.observations, given.kills, given.seed, 120.0 + given.observations / 100, given.away)
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder, Scratch(Path(folder) / "stack", cache_dir(HOME / ".nhip")) as parts:
        host, _, port = parts.clickhouse().rpartition(":")
        settings = Settings.load(
            home=calm_home(Path(folder) / "home"),
            kafka_bootstrap=parts.kafka(), registry_url=parts.registry(), clickhouse_host=host, clickhouse_port=int(port),
            clickhouse_database="nhip_fault", data_dir=Path(folder) / "data", topic_prefix="p.",
        )  # fmt: skip
        servers = {name: parts.pid(name) for name in ("kafka", "registry", "clickhouse")} if plan.away_seconds else {}
        report = run(settings, plan, lambda text: print(text, file=sys.stderr, flush=True), servers)
    print(json.dumps(asdict(report), ensure_ascii=False))
    return int(bool(report.wrong) or not report.caught_up)


if __name__ == "__main__":
    sys.exit(main())
