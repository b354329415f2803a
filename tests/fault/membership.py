"""Members come and go under load: two workers and two sinks, stopped and started as an operator does; then every table equals the oracle.

    python -m tests.fault.membership --moves 50 --observations 100000 --seed 1

A move sends one member away or brings it back; of each kind one stays. Members are static, so who leaves keeps its partitions until its
session ends (worker here 6 s, sink 45 s): after every tenth move the run waits for longer than that, so that the other one takes them over
and later gives them back. Writes `benchmarks/results/membership.json`; exit status 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks import machine
from tests.fault import pipeline
from tests.fault.calm_home import calm_home
from tests.fault.processes import Process
from tests.fault.servers import ground
from transport.settings import HOME, Settings

RESULT: Final = HOME / "benchmarks" / "results" / "membership.json"
KINDS: Final = {"worker": "partitions assigned", "sink": "sink.assigned"}
"""Kind → what a member's log says when it was given partitions."""
LONG_EVERY: Final = 10
LONG_SECONDS: Final = 55.0
PAUSE_SECONDS: Final = (0.5, 6.0)


@dataclass
class Report(pipeline.Report):
    """`moved`: moves by kind and direction; `assigned`: how often members of a kind were given partitions."""

    moved: dict[str, int] = field(default_factory=dict)
    assigned: dict[str, int] = field(default_factory=dict)


class Tide(pipeline.Fire):
    """One run: the pipeline with a second worker and a second sink, of which somebody is always coming or going."""

    def __init__(self, settings: Settings, moves: int, plan: pipeline.Plan) -> None:
        super().__init__(settings, plan, _say, None)
        self._moves, self._moved = moves, Counter[str]()
        for kind in KINDS:
            self._processes[f"{kind} 2"] = Process(kind, settings, self.report.exits, instance=f"{kind}-second")

    def come_and_go(self) -> None:
        """All moves, with a share of the load before each."""
        for number in range(self._moves):
            self._feed.allowed = self._plan.observations * (number + 1) // (self._moves + 1)
            self._await_work()
            self._move(self._dice.choice(list(KINDS)))
            if number % LONG_EVERY == LONG_EVERY - 1:
                self._meanwhile_for(LONG_SECONDS)
                self._progress(f"{number + 1} of {self._moves} moves, {self._feed.given} given")
            self._meanwhile_for(self._dice.uniform(*PAUSE_SECONDS))
        for process in self._processes.values():
            if process.away:
                process.come_back()

    def _move(self, kind: str) -> None:
        both = [self._processes[kind], self._processes[f"{kind} 2"]]
        gone = [one for one in both if one.away]
        if gone:
            gone[0].come_back()
        else:
            self._dice.choice(both).leave()
        self._moved[f"{kind} {'comes' if gone else 'goes'}"] += 1

    def told(self) -> Report:
        """The verdict with what moved."""
        members = {kind: (self._processes[kind], self._processes[f"{kind} 2"]) for kind in KINDS}
        given = {kind: sum(one.lives_said(KINDS[kind]) for one in some) for kind, some in members.items()}
        return Report(**vars(self.judged()), moved=dict(self._moved), assigned=given)


def run(settings: Settings, moves: int, plan: pipeline.Plan) -> Report:
    """One run on servers that are up."""
    tide = Tide(settings, moves, plan)
    try:
        tide.come_and_go()
        tide.catch_up()
    finally:
        tide.end()
    return tide.told()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and write the figures; 0: equal to the oracle."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault.membership", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--moves", type=int, default=50)
    parser.add_argument("--observations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # unwinds, so that no server is left behind
    described = machine.describe()
    with ground() as (_, settings):
        own = settings.model_copy(update={"home": calm_home(settings.data_dir / "home")})
        plan = pipeline.Plan(options.observations, 0, options.seed, (), patience_seconds=300.0 + options.observations / 100)
        report = run(own, options.moves, plan)
    document: dict[str, Any] = asdict(report) | {"exact": report.exact, "machine": described}
    options.result.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    names = ("moved", "assigned", *("lost", "doubled", "alerts_missed", "alerts_repeated"), "wrong", "caught_up", "exits", "seconds")
    print(json.dumps({name: document[name] for name in names}, ensure_ascii=False))
    return int(not report.exact)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
