"""From the instant a silence reaches its limit to the alert event appended, where nothing at all comes in: `python -m benchmarks.absence`.

The hardest case of `stream_processors/silences.py`: no other record moves the clock of a partition, so the worker must look by itself. An
installation of its own shortens the limit of rule TB-TRAM-IM-LANG; every gauge is heard once, then none any more.

Bar: every absence within 60 s of its due instant. Writes `benchmarks/results/absence.json`; exit status 1 where the bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from benchmarks import machine
from benchmarks.ground import MeasurementError, fill, own_settings, process, servers, topics
from benchmarks.latency import EVENTS, OBS, stamp_by_broker
from benchmarks.live import Reader
from benchmarks.report import RESULTS
from benchmarks.rule_load import installation, write
from benchmarks.spread import percentile
from indicators.datafile import read_yaml
from indicators.instant import HOUR_MS
from indicators.observation import Observation
from transport.columnar_writer import AvroEncoder
from transport.logging import setup
from transport.registry import Registry
from transport.settings import HOME, Settings

RULE: Final = "TB-TRAM-IM-LANG"
LIMIT_HOURS: Final = "0.01"
LIMIT_MS: Final = int(Decimal(LIMIT_HOURS) * HOUR_MS)
BAR_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 180.0


class Silent(Reader):
    """Reads alerts.events. `opened`: gauge → epoch ms at which the event that calls it silent was appended."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        super().__init__(settings, registry, "silences", EVENTS, "alert_event")
        self.opened: dict[str, int] = {}

    def note(self, event: dict[str, Any], appended_ms: int, at: float) -> None:
        """The first event of a gauge."""
        if event["rule"] == RULE:
            self.opened.setdefault(event["subject_id"], appended_ms)


def shortened(folder: Path, gauges: int) -> Path:
    """The root of an installation with so many gauges, silent after LIMIT_HOURS."""
    root = installation(folder / "home", gauges, 1)
    name = f"{RULE.lower()}.yaml"
    rule: Any = read_yaml(HOME / "catalogue" / "rules" / name)
    write(root / "catalogue" / "rules" / name, rule | {"levels": [{"severity": 2, "raise_at": LIMIT_HOURS, "clear_at": LIMIT_HOURS}]})
    return root


def heard_once(number: int, at: int) -> Observation:
    """The one reading of a gauge of `rule_load.installation`, event time `at` (epoch ms)."""
    return Observation(
        indicator="vn-1012/D.1", concept="river_level", component="river_level", measure_unit="m", period_type="instant", period_start=at,
        period_end=at + 1, event_time=at, ingested_at=at, territory="01", agency="HYDROMET", provider="NHMF", source_system="sensors",
        subject_type="station", subject_id=f"TV-DO-{number:05}", source_record_id=f"{number}/{at}", value=Decimal("1.5"),
    )  # fmt: skip


def measure(settings: Settings, gauges: int) -> list[float]:
    """Seconds from due to told, of every gauge. Raises MeasurementError where one is not told of."""
    own = own_settings(settings, "absence")
    with Registry(own) as registry, topics(own, ("",)):
        stamp_by_broker(own)
        encoder, silent = AvroEncoder("observation", registry.id_of("observation")), Silent(own, registry)
        with process(own, "worker"), process(own, "alerts"):
            silent.start()
            try:
                at = time.time_ns() // 1_000_000
                some = [heard_once(number, at) for number in range(gauges)]
                fill(own, OBS, [(o.series().key().encode(), encoder.encode(o.record())) for o in some])
                ends = time.monotonic() + LIMIT_MS / 1000 + WAIT_SECONDS
                while len(silent.opened) < gauges and time.monotonic() < ends and silent.failure is None:
                    time.sleep(0.2)
            finally:
                silent.stop.set()
                silent.join(30)
    if len(silent.opened) < gauges:
        raise MeasurementError(f"absence: {gauges - len(silent.opened)} of {gauges} silent gauges were not told of") from silent.failure
    return [(told - at - LIMIT_MS) / 1000 for told in silent.opened.values()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gauges", type=int, default=600)
    options = parser.parse_args(arguments)
    setup("benchmarks", "WARNING")
    try:
        with servers(False) as settings:
            home = shortened(settings.data_dir, options.gauges)
            seconds = measure(settings.model_copy(update={"home": home}), options.gauges)
    except MeasurementError as error:
        print(f"Không đo được / not measured: {error}", file=sys.stderr)
        return 1
    found = {
        "gauges": options.gauges, "limit_s": LIMIT_MS / 1000, "least_s": min(seconds), "p50_s": percentile(seconds, 50),
        "p99_s": percentile(seconds, 99), "most_s": max(seconds), "machine": machine.describe(),
    }  # fmt: skip
    (RESULTS / "absence.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({name: found[name] for name in ("least_s", "p50_s", "p99_s", "most_s")}))
    return int(max(seconds) > BAR_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
