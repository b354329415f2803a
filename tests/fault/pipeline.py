"""The whole pipeline under fire: processes and servers killed with SIGKILL while a load flows, then every table compared with the oracle.

One round hits every component of the plan once, in an order of its own, `together` at a time; without it one by one, in every third round
two by two. Each hit lands while all are at work, and its recovery is measured. Then come the zombies: worker, sink and alerts stopped
past their sessions, replaced, and woken beside their successors: one of the two must end by itself. Last, with `away_seconds`, each server
is frozen while the load goes on; no process of ours may end by that. Seeded; what the broker holds is what is judged.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sinks import clickhouse
from sinks.migrations import migrate
from tests.fault.feed import Feed
from tests.fault.figures import BOTH
from tests.fault.kernel import prepare
from tests.fault.processes import PROCESSES, PRODUCER, Ended, Process
from tests.fault.producer import FOLDER
from tests.fault.recovery import Probes, awaited
from tests.fault.servers import NAMES, Servers
from tests.fault.settled import settled
from tests.fault.stored import hold_merges, judge
from transport.settings import Settings

OURS: Final = (PRODUCER, *PROCESSES)
COMPONENTS: Final = (*OURS, *NAMES)
AT_WORK_SECONDS: Final = 60.0
BACK_SECONDS: Final = 10.0
RECOVERY_SECONDS: Final = 60.0
ZOMBIE_SECONDS: Final = 60.0
"""By then the zombie or its successor must have ended by itself: the sink's session is 45 s."""
SETTLED_PASSES: Final = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does. `kills`: hits of each component; `zombies`: rounds of stopping for `frozen_seconds`; `away_seconds`: each server
    frozen for so long at the end, 0: none; `patience_seconds`: how long the pipeline may take to catch up.
    """

    observations: int = 12_000
    kills: int = 2
    seed: int = 1
    components: tuple[str, ...] = OURS
    together: int = 0
    zombies: int = 0
    frozen_seconds: float = 50.0
    away_seconds: float = 0.0
    patience_seconds: float = 120.0


@dataclass
class Report:
    """What a run did and found. `exits`: processes that ended by themselves; `zombies`: which of the two ended after a zombie was woken;
    `away`: processes that ended while a server was frozen; `recovery_seconds` of single hits by component; `slow`: hits without recovery in
    time; `resent`: observations that came again by kills of the producer and of the sink.
    """

    plan: dict[str, Any]
    killed: dict[str, int] = field(default_factory=dict)
    two_at_once: int = 0
    exits: list[Ended] = field(default_factory=list)
    zombies: list[tuple[str, str]] = field(default_factory=list)
    away: dict[str, int] = field(default_factory=dict)
    recovery_seconds: dict[str, list[float]] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)
    resent: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    caught_up: bool = False
    catch_up_seconds: float = 0.0
    lost: int = 0
    doubled: int = 0
    alerts_missed: int = 0
    alerts_repeated: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exact(self) -> bool:
        """Did it catch up, and is nothing wrong?"""
        return self.caught_up and not self.wrong and not (self.lost or self.doubled or self.alerts_missed or self.alerts_repeated)


def run(settings: Settings, plan: Plan, say: Callable[[str], None] = print, servers: Servers | None = None) -> Report:
    """One run on servers that are up; `servers`: those to kill, freeze and start again, where the plan names any."""
    fire = Fire(settings, plan, say, servers)
    try:
        fire.kill()
        fire.wake_zombies()
        fire.send_servers_away()
        fire.catch_up()
    finally:
        fire.end()
    return fire.judged()


class Fire:
    """One run of a plan."""

    def __init__(self, settings: Settings, plan: Plan, say: Callable[[str], None], servers: Servers | None) -> None:
        self._settings, self._plan, self._servers, self._say = settings, plan, servers, say
        self._began, self._dice = time.monotonic(), random.Random(plan.seed)
        self.report = Report(asdict(plan), dict.fromkeys(plan.components, 0))
        prepare(settings, compaction=False)
        migrate(settings)
        with clickhouse.connected(settings) as client:
            hold_merges(client)
        self._progress("topics, schemas and tables are there")
        folder = settings.data_dir / "spool"
        self._feed = Feed(settings, folder, plan.observations, plan.seed)
        self._processes = {name: Process(name, settings, self.report.exits, **{FOLDER: str(folder)}) for name in OURS}
        self._probes = Probes(settings, self._processes)
        self._feed.start()

    def kill(self) -> None:
        """The rounds of hits; the last share of the load is given after the last of them."""
        blows = [blow for number in range(self._plan.kills) for blow in self._round(number)]
        for number, blow in enumerate(blows):
            self._feed.allowed = self._plan.observations * (number + 1) // (len(blows) + 1)
            self._await_work()
            self._meanwhile_for(self._dice.uniform(0.0, 0.6))
            self._strike(blow)
            if number % 10 == 9:
                slowest = max((s for times in self.report.recovery_seconds.values() for s in times), default=0.0)
                self._progress(f"{number + 1} of {len(blows)} hits, {self._feed.given} given, slowest recovery {slowest} s")

    def wake_zombies(self) -> None:
        """Stop worker, sink and alerts past their sessions, start others under their names, wake the old ones beside them."""
        for _ in range(self._plan.zombies):
            self._feed.allowed += (self._plan.observations - self._feed.allowed) // 4
            self._await_work()
            frozen = [self._processes[name] for name in PROCESSES]
            for process in frozen:
                process.freeze()
            time.sleep(self._plan.frozen_seconds)
            zombies = [(process.name, process.replace()) for process in frozen]
            self._await_work()
            for _, zombie in zombies:
                zombie.send_signal(signal.SIGCONT)
            self.report.zombies += [(name, self._left_of(self._processes[name], zombie)) for name, zombie in zombies]
            self._progress(f"zombies woken: {self.report.zombies[-len(zombies):]}")

    def send_servers_away(self) -> None:
        """Freeze each server while a small share of the load goes on, and wake it; count which of our processes ended by it."""
        if self._servers is None or not self._plan.away_seconds:
            return
        for name in NAMES:
            before = len(self.report.exits)
            self._feed.allowed += (self._plan.observations - self._feed.allowed) // 4
            pid = self._servers.pid(name)
            os.kill(pid, signal.SIGSTOP)
            try:
                time.sleep(self._plan.away_seconds)
            finally:
                os.kill(pid, signal.SIGCONT)
            self._meanwhile_for(BACK_SECONDS)
            self.report.away[name] = len(self.report.exits) - before
            self._progress(f"{name} was away for {self._plan.away_seconds:g} s, {self.report.away[name]} processes ended")

    def catch_up(self) -> None:
        """Wait until nothing is left to do, twice in a row: what a rule settles later follows its operands."""
        began, passes = time.monotonic(), 0
        self._feed.allowed = self._plan.observations
        while passes < SETTLED_PASSES and time.monotonic() - began < self._plan.patience_seconds and self._feed.failure is None:
            self._meanwhile()
            passes = passes + 1 if self._feed.acknowledged() and settled(self._settings) else 0
            time.sleep(0.5)
        self.report.caught_up = passes == SETTLED_PASSES
        self.report.catch_up_seconds = round(time.monotonic() - began, 1)

    def end(self) -> None:
        """Stop the load and every process."""
        self._feed.stop.set()
        self._feed.join(30)
        for process in self._processes.values():
            process.child.terminate()
        for process in self._processes.values():
            process.end()

    def judged(self) -> Report:
        """The verdict. Raises what ended the feed early."""
        report, feed = self.report, self._feed
        if feed.failure is not None:
            raise feed.failure
        self._progress(f"caught up in {report.catch_up_seconds} s")
        verdict = judge(self._settings)
        report.sent = feed.spool.written
        report.resent[PRODUCER] = max(0, verdict.compared["inputs"] - report.sent)
        report.lost, report.doubled = verdict.lost(feed.spool.identities), verdict.doubled()
        report.alerts_missed, report.alerts_repeated = verdict.alerts_missed, verdict.alerts_repeated
        report.compared, report.wrong = dict(verdict.compared), dict(verdict.wrong)
        report.examples = [str(example)[:400] for example in verdict.examples]
        report.seconds = round(time.monotonic() - self._began, 1)
        return report

    def _round(self, number: int) -> list[Sequence[str]]:
        """Every component once: the hits of one round."""
        order = self._dice.sample(self._plan.components, len(self._plan.components))
        size = self._plan.together or (2 if number % 3 == 2 else 1)
        return [order[at : at + size] for at in range(0, len(order), size)]

    def _strike(self, blow: Sequence[str]) -> None:
        """SIGKILL the components of one hit at once, start ours again, and wait for their recovery."""
        since = time.monotonic()
        planned = self._probes.planned_rows() if "sink" in blow else 0
        for name in blow:
            if name in self._processes:
                self._processes[name].kill()
            else:
                assert self._servers is not None, f"{name}: no servers to kill were given"
                self._servers.kill(name)
            self.report.killed[name] += 1
        self.report.resent["sink"] = self.report.resent.get("sink", 0) + planned
        found = awaited({name: self._probes.watch(name) for name in blow}, since, RECOVERY_SECONDS, self._meanwhile)
        self.report.slow += [f"{name} of {'+'.join(blow)}" for name in blow if name not in found]
        if len(blow) == 1:
            self.report.recovery_seconds.setdefault(blow[0], []).extend(found.values())
        else:
            self.report.two_at_once += 1

    def _await_work(self) -> None:
        """Let everybody come to work, so that each hit lands there."""
        deadline = time.monotonic() + AT_WORK_SECONDS
        while time.monotonic() < deadline and not (
            all(process.at_work() for process in self._processes.values())
            and (self._servers is None or all(self._servers.ready(name) for name in NAMES))
        ):
            self._meanwhile()
            time.sleep(0.05)

    def _meanwhile_for(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._meanwhile()
            time.sleep(0.05)

    def _meanwhile(self) -> None:
        """Start again what ended by itself, as a supervisor does."""
        for process in self._processes.values():
            process.revive()

    def _left_of(self, successor: Process, zombie: subprocess.Popen[bytes]) -> str:
        """Two under one instance name: which of them ended by itself, with its status; `BOTH` where neither did in time."""
        ends, outcome = time.monotonic() + ZOMBIE_SECONDS, BOTH
        while outcome == BOTH and time.monotonic() < ends:
            time.sleep(0.1)
            for who, child in (("zombie", zombie), ("successor", successor.child)):
                if outcome == BOTH and child.poll() is not None:
                    outcome = f"{who} {child.returncode}"
        if zombie.poll() is None:
            zombie.kill()
            zombie.wait(10)
        successor.revive()
        return outcome

    def _progress(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._began:.0f} s: {text}")
