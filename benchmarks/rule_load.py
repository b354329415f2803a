"""From reading to alert event over many series, each under many rules: `python -m benchmarks.rule_load`.

An installation of its own is made of the product's catalogue: gauges up to `--series` rivers, and rules on them up to `--rules`, so that
every reading of a river is judged by every rule. One of the rules is the shipped one, whose changes are planned and measured as in
`benchmarks/latency.py`; the others look at the same readings and find nothing. Counted is what comes after every series was seen once.

The same again as a calm day: one change a second instead of twenty, which would be told in summaries as a storm. The shipped rule's storm
limit is lifted, so that each of these changes is told by a message of the direct lane: the hand-over is counted over all of them.

Bars: 1,000 readings a second, p95 ≤ 0.5 s, p99 ≤ 1 s; hand-over p99 ≤ 2 s. Writes `benchmarks/results/rules.json`; exit status 1 where a
bar is missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from benchmarks import latency, machine
from benchmarks.ground import MeasurementError, servers
from benchmarks.report import RESULTS
from indicators.datafile import read_yaml
from transport.logging import setup
from transport.settings import HOME

SHIPPED: Final = "TV-MUC-NUOC-BAO-DONG"
P95_SECONDS, P99_SECONDS, HAND_OVER_SECONDS = 0.5, 1.0, 2.0
CALM_CYCLE: Final = 2000
"""Readings of a river from flood to flood: at 500 river readings a second one change a second."""
CALM_SECONDS: Final = 150.0
"""Three of four changes are told to somebody: more than a hundred messages."""
NO_STORM: Final = {"limit": 1_000_000, "window": "PT10M"}
"""A limit that nothing reaches: what is measured is a message, not a summary."""
NEVER: Final = 5000
"""Metres that no river reaches."""


def installation(root: Path, series: int, rules: int, changed: Mapping[str, object] = MappingProxyType({})) -> Path:
    """The root of an installation with so many gauges and so many rules on each; everything but the catalogue is linked. `changed`: what
    is written over the shipped rule. Returns `root`."""
    root.mkdir()
    for path in HOME.iterdir():
        if path.name not in ("catalogue", ".nhip"):
            (root / path.name).symlink_to(path)
    shutil.copytree(HOME / "catalogue", root / "catalogue")
    gauges = [_gauge(number) for number in range(series)]
    write(root / "catalogue" / "subjects" / "measured-gauges.yaml", {"subjects": gauges})
    shipped: Any = read_yaml(HOME / "catalogue" / "rules" / f"{SHIPPED.lower()}.yaml")
    write(root / "catalogue" / "rules" / f"{SHIPPED.lower()}.yaml", shipped | changed)
    for number in range(1, rules):
        levels = [{"severity": 2, "raise_at": str(NEVER + number), "clear_at": str(NEVER)}]
        write(root / "catalogue" / "rules" / f"measured-{number}.yaml", shipped | {"id": f"{SHIPPED}-{number}", "levels": levels})
    return root


def _gauge(number: int) -> dict[str, Any]:
    name = f"TV-DO-{number:05}"
    return {
        "type": "station", "id": name, "name_vi": f"Trạm đo {number}", "name_en": f"Gauge {number}", "territory": "01",
        "agency": "HYDROMET", "lon": 105.0, "lat": 21.0, "limits": {"bd1": "9.5", "bd2": "10.5", "bd3": "11.5"},
        "limits_basis": "để đo / to measure",
        "attributes": {"river": "để đo", "quantities": "river_level rain"},
    }  # fmt: skip


def write(path: Path, content: object) -> None:
    """A file of the catalogue."""
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--rules", type=int, default=50)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args(arguments)
    setup("benchmarks", "WARNING")
    seen_once = options.series / (options.rate / 2)  # every second reading is a river's
    plan = latency.Plan(rate=options.rate, seconds=options.seconds, burst=0, settle=2 * seen_once + 10)
    calm = replace(plan, seconds=max(options.seconds, CALM_SECONDS), parts=1, cycle=CALM_CYCLE)
    try:
        with servers(False) as settings:
            home = installation(settings.data_dir / "home", options.series, options.rules)
            run = latency.measure(settings.model_copy(update={"home": home}), plan, "rules")
            home = installation(settings.data_dir / "calm", options.series, options.rules, {"storm": NO_STORM})
            direct = latency.measure(settings.model_copy(update={"home": home}), calm, "direct").direct
    except MeasurementError as error:
        print(f"Không đo được / not measured: {error}", file=sys.stderr)
        return 1
    document = {
        "series": options.series, "rules": options.rules, "readings_per_s": round(run.rate_per_s, 1), "steady": asdict(run.steady),
        "parts": [asdict(part) for part in run.parts], "direct": direct and asdict(direct), "machine": machine.describe(),
    }  # fmt: skip
    (RESULTS / "rules.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({"steady": document["steady"], "direct": document["direct"]}))
    return int(run.steady.p95 > P95_SECONDS or run.steady.p99 > P99_SECONDS or direct is None or direct.p99 > HAND_OVER_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
