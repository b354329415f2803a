"""Replay under fire: figures of a wrong catalogue are rebuilt after its fix while the worker is killed, then compared with a fresh run.

    python -m tests.fault.replay --observations 5000000 --kills 3
    python -m tests.fault.replay --month --kills 3

1. customs lines, and readings and entries that open alerts, are folded by a worker whose catalogue refuses part of them;
2. the catalogue is mended, the worker starts again, and every input is replayed; the worker is killed while it rebuilds;
3. panes, windows, states of rules and alerts must equal those of a stage that folds every input from the start, in Kafka and, with
   `--tables`, in ClickHouse; and nobody may have been told anything.

`--month`: the month that ends now, and a catalogue that was right from the start. Its alerts were told; the replay must add no event to any
story, change no identity and tell nobody.

Prints one JSON line. Exit status 1 where something is wrong, where the mistake made no difference (then nothing is proven), or where
fewer kills happened than were asked for.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.observations import CustomsLoad
from benchmarks.series_encoder import SeriesEncoder
from indicators.instant import DAY_MS
from indicators.vocabulary import Vocabulary
from ops.replay import ledger
from ops.replay.order import Range, pieces
from ops.replay.preview import preview
from ops.replay.running import now_ms, report_of
from ops.stack.artifacts import cache_dir
from ops.stack.scratch import Scratch
from sinks.migrations import migrate
from sinks.tables import routes
from tests.fault.calm_home import calm_home, narrow_home
from tests.fault.load import START, STEP_MS, Load
from tests.fault.processes import Ended, Process
from tests.fault.replay_verdict import Verdict, events, told
from tests.fault.settled import reached
from transport import registry as registries
from transport import topic_admin
from transport.columnar_writer import AvroEncoder
from transport.job_follower import JobFollower
from transport.kafka_clients import CountingProducer, producer
from transport.registry import Registry
from transport.replay_jobs import Job
from transport.settings import HOME, Settings
from transport.topics import table

GROUPS = ("trade", "emergency", "finance_budget")
OTHERS_MOST = 20_000
"""Readings and entries; the rest are customs lines."""
MONTH = 2 * 30 * DAY_MS // STEP_MS
"""Half of them readings and entries, one every four minutes; the others customs lines."""
STORY = ("alerts.conditions", "alerts.conditions.emergency", "alerts.actions")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does. `tables`: through ClickHouse as well; `groups`: concept groups that are worked on; `story`: alerts run; `month`:
    the last thirty days under a right catalogue."""

    observations: int = 4_000
    kills: int = 1
    seed: int = 1
    tables: bool = False
    story: bool = True
    groups: tuple[str, ...] = GROUPS
    patience_seconds: float = 90.0
    month: bool = False


@dataclass
class Report:
    """What a run did and found. `planned`: what the plan said before; `rate`: records a second while a piece was rebuilt;
    `stood`: seconds that a lane stood still, at most; `alerts`, `told`: identities and messages before the replay; `events`,
    `notifications`: what it added."""

    plan: dict[str, Any]
    sent: int = 0
    killed: int = 0
    planned: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    rate: int = 0
    stood: float = 0.0
    alerts: int = 0
    told: int = 0
    events: int = 0
    notifications: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    wrong_before: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    exits: list[Ended] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def proven(self) -> bool:
        """Was something wrong, is nothing any more, was the worker killed as often as asked, and nobody told? Of a month: was it right
        before, with alerts that were told, and does no story hold an event more?"""
        changed = bool(self.wrong_before and self.job.get("panes_changed"))
        same = not self.wrong_before and bool(self.alerts and self.told) and not self.events
        meant = same if self.plan["month"] else changed
        return meant and not self.wrong and not self.notifications and self.killed >= self.plan["kills"]


def run(settings: Settings, plan: Plan, homes: Path, say: Say = print) -> Report:
    """One run on servers that are up; `homes`: an empty folder. Raises TimeoutError where something does not come to its end."""
    report, began = Report(asdict(plan)), time.monotonic()
    right = settings.model_copy(update={"home": calm_home(homes / "right")})
    wrong = right if plan.month else settings.model_copy(update={"home": narrow_home(homes / "wrong")})
    _prepare(settings, plan)
    report.sent = _send(right, plan)
    others = [Process(name, right, report.exits) for name, wanted in (("alerts", plan.story), ("sink", plan.tables)) if wanted]
    worker = _worker(wrong, plan, report)
    try:
        _caught_up(settings, plan, [worker, *others])
        say(f"{time.monotonic() - began:.0f} s: {report.sent} folded the first time")
        worker.end()
        report.wrong_before = dict(Verdict(right, plan.groups, story=plan.story).check().wrong)
        before, stories = told(right), events(right)
        report.alerts, report.told = len({alert for alert, _ in stories}), len(before)
        worker = _worker(right, plan, report)
        job = _order(right, plan)
        report.planned = preview(right, job, lambda _: None)
        ledger.keep(right, job, "running", job.actor, job.why)
        report.job = _replayed(right, plan, job, worker, report)
        say(f"{time.monotonic() - began:.0f} s: replayed, {report.killed} kills")
        _caught_up(settings, plan, [worker, *others])
        report.notifications, report.events = len(told(right) - before), len(events(right) - stories)
    finally:
        for process in (worker, *others):
            process.end()
    verdict = Verdict(right, plan.groups, tables=plan.tables, story=plan.story).check()
    report.compared, report.wrong, report.examples = dict(verdict.compared), dict(verdict.wrong), verdict.examples
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _worker(settings: Settings, plan: Plan, report: Report) -> Process:
    """The wrong catalogue refuses nearly everything of some partitions: that alone must not stop it."""
    limits = {"NHIP_REFUSED_SHARE": "1", "NHIP_REFUSED_RUN": "0"}
    return Process("worker", settings, report.exits, NHIP_FAULT_GROUPS=",".join(plan.groups), **limits)


def _prepare(settings: Settings, plan: Plan) -> None:
    topic_admin.apply(settings)
    registries.register_all(settings)
    if plan.tables:
        migrate(settings)


def _send(settings: Settings, plan: Plan) -> int:
    """The load, acknowledged; returns how many."""
    out, count = CountingProducer(producer(settings, linger_ms=20)), 0
    for group, key, value in _load(settings, plan):
        out.publish(f"{settings.topic_prefix}obs.{group}", key, value)
        count += 1
    out.flush(60)
    return count


def _load(settings: Settings, plan: Plan) -> Iterator[tuple[str, bytes, bytes]]:
    vocabulary = Vocabulary.load(settings.home)
    with Registry(settings) as registry:
        encoder = AvroEncoder("observation", registry.id_of("observation"))
    others = min(OTHERS_MOST, plan.observations // 2)
    load = Load(vocabulary, plan.seed, start=now_ms() - 30 * DAY_MS if plan.month else START)
    for o in (*load.plans(), *load.take(0, others)):
        spec = vocabulary.series_spec(o.indicator, o.component)
        assert spec is not None
        if spec.group in plan.groups:
            yield spec.group, o.series().key().encode(), encoder.encode(o.record())
    if "trade" not in plan.groups:
        return
    customs = CustomsLoad(plan.observations - others, min(20_000, max(50, plan.observations // 250)), plan.seed)
    for key, value in customs.messages(SeriesEncoder(encoder, customs.templates)):
        yield "trade", key, value


def _caught_up(settings: Settings, plan: Plan, processes: list[Process]) -> None:
    """Wait until everything is folded, judged and, with a sink, inserted, twice in a row."""
    prefix = settings.topic_prefix
    groups = {"worker": [f"{stage}.{group}" for stage in ("obs", "operands") for group in plan.groups]}
    if plan.story:
        groups["alerts-story"] = list(STORY)
    if any(process.name == "sink" for process in processes):
        groups["sink"] = [name.removeprefix(prefix) for name in routes(table(prefix), prefix)]
    deadline, passes = time.monotonic() + plan.patience_seconds, 0
    while passes < 2:
        for process in processes:
            process.revive()
        passes = passes + 1 if all(reached(settings, group, names) for group, names in groups.items()) else 0
        if time.monotonic() > deadline:
            raise TimeoutError(f"not caught up in {plan.patience_seconds:.0f} s")
        time.sleep(0.2)


def _order(settings: Settings, plan: Plan) -> Job:
    """A job for every input, not yet written."""
    every = tuple(piece for group in plan.groups for piece in pieces(settings, Range(topic=f"obs.{group}")))
    return Job(id=str(uuid.uuid4()), target="pipeline", state="running", actor="test", why="the catalogue was wrong", created=now_ms(),
              changed=now_ms(), pieces=every)  # fmt: skip


def _replayed(settings: Settings, plan: Plan, job: Job, worker: Process, report: Report) -> dict[str, Any]:
    """Wait for the job; the worker is killed in the midst of pieces."""
    dice, deadline = random.Random(plan.seed), time.monotonic() + plan.patience_seconds
    with closing(JobFollower(settings)) as jobs:
        while True:
            jobs.look(0.02)
            book, said = jobs.book, worker.said()
            known = book.jobs.get(job.id)
            if known is not None and jobs.whole and not any(book.open(known)):
                rows = [book.row(job.id, piece) for piece in job.pieces]
                report.rate = int(sum(r["records"] for r in rows) / max(1e-9, sum(r["seconds"] for r in rows)))
                report.stood = max(r["stood_seconds"] for r in rows)
                return report_of(book, known)
            if report.killed < plan.kills and said.count("replay piece begun") > said.count("replay piece done"):
                time.sleep(dice.uniform(0.0, 0.02 + plan.observations / 5_000_000))
                worker.kill()
                report.killed += 1
            worker.revive()
            if time.monotonic() > deadline:
                raise TimeoutError(f"not replayed in {plan.patience_seconds:.0f} s: {said[-2000:]}")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("observations", "kills", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Plan(), name))
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--month", action="store_true")
    given = parser.parse_args()
    count = MONTH if given.month else given.observations
    plan = Plan(count, given.kills, given.seed, given.tables, patience_seconds=120.0 + count / 5_000, month=given.month)
    with tempfile.TemporaryDirectory(prefix="replay-") as name, Scratch(Path(name) / "stack", cache_dir(HOME / ".nhip")) as parts:
        host, _, port = parts.clickhouse().rpartition(":") if plan.tables else ("127.0.0.1", "", "1")
        settings = Settings.load(
            kafka_bootstrap=parts.kafka(), registry_url=parts.registry(), data_dir=Path(name) / "data", topic_prefix="r.",
            clickhouse_host=host, clickhouse_port=int(port), clickhouse_database="nhip_fault",
        )  # fmt: skip
        settings.data_dir.mkdir()
        report = run(settings, plan, Path(name) / "homes", lambda text: print(text, file=sys.stderr, flush=True))
    print(json.dumps(asdict(report) | {"proven": report.proven}, ensure_ascii=False))
    return int(not report.proven)


if __name__ == "__main__":
    sys.exit(main())
