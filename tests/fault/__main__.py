"""`make faults`: the whole system under kills, with its negative controls, into `benchmarks/results/faults.json`.

    python -m tests.fault                                              the long run: 1,000,000 observations, 100 kills of every component
    python -m tests.fault --observations 200000 --kills 10 --legs 1    a middle-sized one
    python -m tests.fault --components worker,sink --only pipeline     a part of it

A run is cut into legs, each on servers and a seed of its own; what is finished is kept under `--into` and not done again when the same
command is given after an interruption. Exit status 1 where something is wrong or a control was not caught.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import machine
from ops.stack.artifacts import cache_dir
from tests.fault import figures, kernel, pipeline
from tests.fault.calm_home import calm_home
from tests.fault.controls import CONTROLS, own_ground
from tests.fault.plan import Plan as KernelPlan
from tests.fault.servers import ground
from transport.registry import register_all
from transport.settings import HOME, Settings

PARTS: Final = ("pipeline", "kernel", "controls")
RESULT: Final = HOME / "benchmarks" / "results" / "faults.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not done yet, write the figures; 0: nothing lost, nothing doubled, every control caught."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # unwinds, so that no server is left behind
    into = Path(options.into) if options.into else cache_dir(HOME / ".nhip").parent / "faults" / _name(options)
    into.mkdir(parents=True, exist_ok=True)
    described = _once(into / "machine.json", machine.describe)
    parts = options.only.split(",") if options.only else PARTS
    plans = list(_plans(options)) if "pipeline" in parts else []
    legs = [_once(into / f"pipeline-{plan.seed}.json", partial(_leg, plan)) for plan in plans]
    kernels = [_once(into / "kernel.json", lambda: _kernel(options))] if "kernel" in parts else []
    controls = _once_each(into, options.controls.split(",")) if "controls" in parts else {}
    document = figures.document(legs, kernels, controls, described)
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({name: document[name] for name in figures.SHORT if name in document}, ensure_ascii=False))
    return int(not figures.well(document))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m tests.fault", description=__doc__, formatter_class=shape)
    parser.add_argument("--observations", type=int, default=1_000_000, help="in all legs together")
    parser.add_argument("--kills", type=int, default=100, help="of each component, in all legs together")
    parser.add_argument("--legs", type=int, default=5)
    parser.add_argument("--components", default=",".join(pipeline.COMPONENTS))
    parser.add_argument("--zombies", type=int, default=1, help="rounds of zombies in each leg")
    parser.add_argument("--frozen", type=float, default=50.0, help="seconds a zombie is stopped: more than the longest session, 45 s")
    parser.add_argument("--away", type=float, default=0.0, help="seconds each server is frozen at the end of a leg; 0: not")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--controls", default=",".join(CONTROLS), help="negative controls to run, with commas")
    parser.add_argument("--only", default="", help=f"parts, with commas: {','.join(PARTS)}")
    parser.add_argument("--into", default="", help="where finished legs are kept; empty: a folder named for the plan")
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    unknown = {*options.components.split(",")} - {*pipeline.COMPONENTS} | {*options.only.split(",")} - {*PARTS, ""}
    unknown |= {*options.controls.split(",")} - {*CONTROLS}
    if unknown:
        parser.error(f"không có / no such: {', '.join(sorted(unknown))}")
    return options


def _plans(options: argparse.Namespace) -> Iterator[pipeline.Plan]:
    """One plan a leg: an equal share each."""
    observations, kills = options.observations // options.legs, -(-options.kills // options.legs)
    for leg in range(options.legs):
        yield pipeline.Plan(
            observations, kills, options.seed + leg, tuple(options.components.split(",")), 0, options.zombies, options.frozen, options.away,
            300.0 + observations / 100,
        )  # fmt: skip


def _leg(plan: pipeline.Plan) -> dict[str, Any]:
    with ground() as (servers, settings):
        own = settings.model_copy(update={"home": calm_home(settings.data_dir / "home")})
        return asdict(pipeline.run(own, plan, _say, servers))


def _kernel(options: argparse.Namespace) -> dict[str, Any]:
    """Two workers that join and leave, kills inside the commit at its named points, stops past the session, forced compaction."""
    kills = max(2, options.kills)
    with ground() as (_, settings):
        plan = KernelPlan(kills=kills, inside=max(3, kills * 3 // 10), stops=max(1, kills // 10), seed=options.seed)
        return asdict(kernel.run(settings, plan, _say))


def _once_each(into: Path, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """The controls that are not done yet, each on names of its own, on one set of servers."""
    wanted = {name: into / f"control-{number}.json" for number, name in enumerate(CONTROLS) if name in names}
    if not all(path.exists() for path in wanted.values()):
        with ground() as (_, settings):
            register_all(settings)
            for name, path in wanted.items():
                _once(path, partial(_control, name, own_ground(settings, list(CONTROLS).index(name))))
                _say(f"control «{name}»: {path.read_text('utf-8').strip()}")
    return {name: json.loads(path.read_text("utf-8")) for name, path in wanted.items()}


def _control(name: str, settings: Settings) -> dict[str, Any]:
    return dict(CONTROLS[name](settings)._asdict())


def _once(path: Path, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The work's result, from its file where it was done before."""
    if not path.exists():
        began = time.monotonic()
        found = work()
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        fresh.replace(path)
        _say(f"{path.stem}: {time.monotonic() - began:.0f} s")
    kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return kept


def _name(options: argparse.Namespace) -> str:
    """The plan in a few letters: another plan has another folder."""
    told = {name: value for name, value in sorted(vars(options).items()) if name not in ("only", "into", "result", "controls")}
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
