"""The exactness kernel under fire: live input, kills at random and inside the commit, stops past the session, forced compaction.

    python -m tests.fault.kernel --kills 200 --inside 60 --stops 20 --seed 7
    python -m tests.fault.kernel --kills 0 --inside 12 --control plain           # must end WRONG
    python -m tests.fault.kernel --kills 12 --control through                    # must end WRONG
    python -m tests.fault.kernel --kills 0 --inside 0 --stops 0 --refusing 8 --control unawaited   # must end WRONG
    python -m tests.fault.kernel --kills 12 --control rereads                    # all inputs again at each start: must end right

Prints one JSON line: what was done, what was compared, what is wrong. Seeded; the load is read back from the topics, so a run can be judged
again.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not marked so
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from indicators.vocabulary import Vocabulary
from ops.stack.artifacts import cache_dir
from ops.stack.scratch import Scratch
from tests.fault.load import Load
from tests.fault.plan import Plan, Report
from tests.fault.positions import Positions
from tests.fault.verdict import Verdict
from tests.fault.worker import GROUPS as WORKED
from tests.fault.worker import PLAIN, THROUGH, UNAWAITED
from tests.fault.workers import Workers
from tests.fixtures.stack import carriers
from transport import registry as registries
from transport import topic_admin
from transport.columnar_writer import AvroEncoder
from transport.kafka_clients import CountingProducer, admin, producer
from transport.registry import Registry
from transport.settings import HOME, Settings
from transport.topics import GROUPS, MAX_MESSAGE_BYTES, table

CATCH_UP_SECONDS = 120.0
INSIDE_SECONDS = 60.0
"""For one death inside the commit: chance decides, and a busy machine commits seldom."""
AT_WORK_SECONDS = 60.0
BACKOFF = "log.cleaner.backoff.ms"
MUST_DIFFER = (PLAIN, THROUGH, UNAWAITED)
"""Controls that leave out a rule: a run that ends right proves nothing."""


class Feed(threading.Thread):
    """Produces the load at a rate until told to stop; every message acknowledged."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        super().__init__(name="feed", daemon=True)
        self._settings, self._rate = settings, plan.rate
        self._vocabulary = Vocabulary.load(settings.home)
        self._load = Load(self._vocabulary, plan.seed, plan.step_ms)
        with Registry(settings) as registry:
            self._encoder = AvroEncoder("observation", registry.id_of("observation"))
        self.stop, self.sent = threading.Event(), 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Send plans, then the load."""
        out = CountingProducer(producer(self._settings, linger_ms=2))
        started, step = time.monotonic(), 0
        try:
            for o in self._load.plans():
                self._publish(out, o)
            while not self.stop.is_set():
                due = int((time.monotonic() - started) * self._rate)
                for o in self._load.take(step, max(0, due - step)):
                    self._publish(out, o)
                step = max(step, due)
                time.sleep(0.02)
            out.flush()
        except BaseException as error:  # a thread's end: the failure is raised by the test, not lost
            self.failure = error

    def _publish(self, out: CountingProducer, o: Any) -> None:
        spec = self._vocabulary.series_spec(o.indicator, o.component)
        assert spec is not None
        out.publish(f"{self._settings.topic_prefix}obs.{spec.group}", o.series().key().encode(), self._encoder.encode(o.record()))
        self.sent += 1


FAMILIES = ("obs", "panes", "agg", "operands", "operands.latest", "derived")
SHARED = ("alerts.conditions", "alerts.conditions.emergency", "dead.stage1", "dead.stage2", "ops.emergency", "ops.replay.jobs")
OF_ALERTS = tuple(name for name in table() if name.startswith(("alerts.", "notify.", "dead.")))


def topics_of_workers() -> list[str]:
    """What workers of two groups read and write: every topic of the groups, results of theirs that belong to others, and what all share."""
    names = {f"{family}.{group}" for family in FAMILIES for group in WORKED} | {f"operands.{group}" for group in GROUPS}
    return sorted(names | set(SHARED))


def prepare(settings: Settings, *, compaction: bool, names: Collection[str] | None = None) -> None:
    """Topics (`names`: only these) and the schemas in use; state topics that roll and compact within seconds."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    topic_admin.apply(settings, names=names)
    registries.register_all(settings, carriers(*topics_of_workers(), *OF_ALERTS))
    kept = [settings.topic_prefix + name for name in ("alerts.conditions", "alerts.conditions.emergency")]
    wanted = [_resource(ResourceType.TOPIC, name, {"cleanup.policy": "delete"}) for name in kept]
    if compaction:
        fast = {"segment.ms": "3000", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "4000"}
        states = [f"{settings.topic_prefix}{kind}.{group}" for group in WORKED for kind in ("panes", "agg", "derived", "operands.latest")]
        wanted += [_resource(ResourceType.TOPIC, name, fast) for name in states]
        wanted.append(_resource(ResourceType.BROKER, "1", {BACKOFF: "1000"}))
    _alter(settings, wanted)


def _alter(settings: Settings, wanted: list[ConfigResource]) -> None:
    client = admin(settings)  # kept: its futures die with it
    for future in client.incremental_alter_configs(wanted).values():
        future.result(20)


def _resource(
    kind: ResourceType, name: str, values: dict[str, str], operation: AlterConfigOpType = AlterConfigOpType.SET
) -> ConfigResource:
    entries = [ConfigEntry(n, v, incremental_operation=operation) for n, v in values.items()]
    return ConfigResource(kind, name, incremental_configs=entries)


def run(settings: Settings, plan: Plan, say: Callable[[str], None] = print) -> Report:
    """One run on a stack that is up."""
    report, began = Report(asdict(plan)), time.monotonic()
    prepare(settings, compaction=plan.compaction, names=topics_of_workers())
    feed, workers, rnd = Feed(settings, plan), Workers(settings, plan, report), random.Random(plan.seed + 1)
    feed.start()
    workers.start_all()
    time.sleep(4)
    try:
        _refuse_panes(settings, plan.refusing, workers)
        stop_every = max(1, plan.kills // max(1, plan.stops))
        for number in range(plan.kills):
            workers.revive()
            workers.kill_one()
            if number % stop_every == stop_every - 1 and report.stopped < plan.stops:
                time.sleep(3)
                workers.freeze_one(8.0)
            time.sleep(rnd.uniform(*plan.gap_seconds))
            if number % 10 == 9:
                say(f"{number + 1} of {plan.kills} kills, {report.died_inside} inside the commit, {feed.sent} sent")
        deadline = time.monotonic() + INSIDE_SECONDS * max(1, workers.inside_left)
        while workers.inside_left > 0 and time.monotonic() < deadline:
            workers.revive()
            time.sleep(0.2)
        workers.calm()
        feed.stop.set()
        feed.join(30)
        _catch_up(settings, workers, say)
    finally:
        feed.stop.set()
        workers.end()
        if plan.compaction:  # other tests share the broker
            _alter(settings, [_resource(ResourceType.BROKER, "1", {BACKOFF: ""}, AlterConfigOpType.DELETE)])
    if feed.failure is not None:
        raise feed.failure
    report.compacted = plan.compaction
    with Registry(settings) as registry:
        verdict = Verdict(settings, registry)
        verdict.check()
    report.compared, report.wrong = dict(verdict.compared), dict(verdict.wrong)
    report.examples = [str(e)[:400] for e in verdict.examples]
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _refuse_panes(settings: Settings, seconds: float, workers: Workers) -> None:
    """For so long the broker takes no batch of panes: a transaction that goes on without them is torn."""
    if not seconds:
        return
    topics = [f"{settings.topic_prefix}panes.{group}" for group in WORKED]
    deadline = time.monotonic() + AT_WORK_SECONDS
    positions = Positions(settings)
    while not any(positions.now().values()) and time.monotonic() < deadline:
        time.sleep(0.5)
    usual = {"max.message.bytes": str(MAX_MESSAGE_BYTES)}
    for value, wait in (({"max.message.bytes": "100"}, seconds), (usual, 0.0)):
        _alter(settings, [_resource(ResourceType.TOPIC, topic, value) for topic in topics])
        ends = time.monotonic() + wait
        while time.monotonic() < ends:
            workers.revive()
            time.sleep(0.2)


def _catch_up(settings: Settings, workers: Workers, say: Callable[[str], None]) -> None:
    """Wait until every input is folded, twice in a row: settled rules and rankings follow their operands."""
    deadline, quiet, positions = time.monotonic() + CATCH_UP_SECONDS, 0, Positions(settings)
    while quiet < 3:
        workers.revive()
        quiet = quiet + 1 if positions.all_folded() else 0
        if time.monotonic() > deadline:
            say("not caught up: inputs are left")
            return
        time.sleep(0.7)


def main() -> int:
    """Command line; exit status 1 where rows are wrong, but for a control, which must be wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind in (("kills", int), ("inside", int), ("stops", int), ("workers", int), ("rate", int), ("seed", int), ("control", str),
                       ("refusing", float)):  # fmt: skip
        parser.add_argument(f"--{name}", type=kind, default=getattr(Plan(), name))
    parser.add_argument("--no-compaction", dest="compaction", action="store_false")
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="kernel-") as folder, Scratch(Path(folder) / "stack", cache_dir(HOME / ".nhip")) as parts:
        settings = Settings.load(
            kafka_bootstrap=parts.kafka(), registry_url=parts.registry(), data_dir=Path(folder) / "data", topic_prefix="k.",
        )  # fmt: skip
        report = run(settings, plan, lambda text: print(text, file=sys.stderr, flush=True))
    print(json.dumps(asdict(report), ensure_ascii=False))
    return int(bool(report.wrong) != (plan.control in MUST_DIFFER))


if __name__ == "__main__":
    sys.exit(main())
