"""`make bench`: the figures of docs/benchmarks.md, measured on real servers that are started for it on free ports and deleted afterwards.

    python -m benchmarks                        everything, into benchmarks/results/latest.json
    python -m benchmarks --only worker,stock    a part of it, into benchmarks/results/part.json
    python -m benchmarks --quick                everything in small, into benchmarks/results/quick.json: that it works, not how fast
    python -m benchmarks --table                latest.json into the table of docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import structlog

from benchmarks import latency, machine, report, sink, stock, worker
from benchmarks.ground import MeasurementError, servers
from benchmarks.observations import CustomsLoad
from benchmarks.report import Results
from benchmarks.series_encoder import SeriesEncoder
from benchmarks.spread import Spread
from transport.columnar_writer import AvroEncoder
from transport.logging import setup
from transport.registry import Registry
from transport.settings import Settings

PARTS: Final = ("worker", "stock", "sink", "latency")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. `wide`: series of a second load for the worker, 0: none; `stock`: lines for stock Faust; `rows`: the sink."""

    observations: int = 1_000_000
    series: int = 2_000
    wide: int = 20_000
    repeats: int = 3
    stock: int = 50_000
    rows: int = 3_000_000
    latency: latency.Plan = field(default_factory=latency.Plan)


QUICK: Final = Sizes(20_000, 500, 0, 1, 1_000, 20_000, latency.Plan(200, 10.0, 1, 5_000, 5.0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; 0: done, 1: a measurement failed, which then has no figure at all."""
    options = _options(arguments)
    if options.table:
        report.rewrite_page()
        return 0
    setup("benchmarks", "WARNING")
    parts = tuple(options.only.split(",")) if options.only else PARTS
    sizes = _sizes(options)
    results = Results(machine.describe(), {"observations": sizes.observations, "series": sizes.series, "stock observations": sizes.stock})
    try:
        with servers("sink" in parts) as settings:
            _measure(settings, parts, sizes, results)
    except MeasurementError as error:
        print(f"Không đo được / not measured: {error}", file=sys.stderr)
        return 1
    path: Path = report.RESULTS / ("quick.json" if options.quick else "part.json" if options.only else "latest.json")
    results.write(path)
    print(report.tables(results.document()))
    if options.quick:
        print("Bản nhỏ: chỉ cho biết phép đo chạy được, không nói gì về tốc độ / in small: it works, nothing is said about speed")
    print(f"Kết quả / results: benchmarks/results/{path.name}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observations", type=int, help="customs lines for the worker (1000000)")
    parser.add_argument("--series", type=int, help="series of the lines (2000)")
    parser.add_argument("--wide", type=int, help="series of the second load for the worker, 0: none (20000)")
    parser.add_argument("--repeats", type=int, help="runs of each measurement (3)")
    parser.add_argument("--only", default="", help=f"parts, with commas: {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="everything in small")
    parser.add_argument("--table", action="store_true", help="write the table of docs/benchmarks.md from latest.json")
    options = parser.parse_args(arguments)
    unknown = set(options.only.split(",")) - {*PARTS, ""}
    if unknown:
        parser.error(f"--only: không có / no such part: {', '.join(sorted(unknown))}; có / there are: {', '.join(PARTS)}")
    return options


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else Sizes()
    given = {name: value for name in ("observations", "series", "wide", "repeats") if (value := getattr(options, name)) is not None}
    if "observations" in given:
        given["stock"] = min(sizes.stock, given["observations"])
    return replace(sizes, **given)


def _measure(settings: Settings, parts: Sequence[str], sizes: Sizes, results: Results) -> None:
    if "worker" in parts or "stock" in parts:
        _measure_throughput(settings, parts, sizes, results)
    if "worker" in parts and sizes.wide:
        runs = _wide_workers(settings, sizes)
        names = ("obs_per_s", "cpu_s_per_million", "rss_mib", "rows")
        wide = {name: asdict(Spread.of([float(getattr(r, name)) for r in runs])) for name in names}
        results.detail["worker_wide"] = {"series": sizes.wide, **wide}
    if "sink" in parts:
        _say("sink")
        _take_sink(sink.measure(settings, sizes.rows, sizes.repeats), results)
    if "latency" in parts:
        _say("latency")
        _take_latency(latency.measure(settings, sizes.latency), results)


def _measure_throughput(settings: Settings, parts: Sequence[str], sizes: Sizes, results: Results) -> None:
    """Worker and stock Faust in turns over one load, so that each ratio is one of neighbours."""
    load = CustomsLoad(sizes.observations, sizes.series)
    messages = _encoded(settings, load)
    workers: list[worker.WorkerRun] = []
    stocks: list[stock.StockRun] = []
    for turn in range(sizes.repeats):
        if "worker" in parts:
            _say("worker", turn)
            workers.append(worker.measure(settings, load, messages, f"worker{turn}"))
        if "stock" in parts:
            _say("stock Faust", turn)
            stocks.append(stock.measure(settings, load, messages[: sizes.stock], sizes.stock, f"stock{turn}"))
    _take_workers(workers, results)
    _take_stocks(stocks, results)
    if workers and stocks:
        results.add("worker_vs_stock_faust", [w.obs_per_s / s.obs_per_s for w, s in zip(workers, stocks, strict=True)])


def _wide_workers(settings: Settings, sizes: Sizes) -> list[worker.WorkerRun]:
    """The worker over many series: a comparison, so one run fewer than of the figure itself."""
    load = CustomsLoad(sizes.observations, sizes.wide)
    messages = _encoded(settings, load)
    runs = []
    for turn in range(max(1, sizes.repeats - 1)):
        _say(f"worker, {sizes.wide} series", turn)
        runs.append(worker.measure(settings, load, messages, f"wide{turn}"))
    return runs


def _encoded(settings: Settings, load: CustomsLoad) -> list[tuple[bytes, bytes]]:
    with Registry(settings) as registry:
        encoder = AvroEncoder("observation", registry.id_of("observation"))
    return list(load.messages(SeriesEncoder(encoder, load.templates)))


def _take_workers(runs: Sequence[worker.WorkerRun], results: Results) -> None:
    if not runs:
        return
    results.add("worker_obs_per_s", [r.obs_per_s for r in runs])
    results.add("worker_cpu_s_per_million", [r.cpu_s_per_million for r in runs])
    names = dict.fromkeys(name for r in runs for name in r.steps_us)
    results.steps_us = {name: Spread.of([r.steps_us[name] for r in runs if name in r.steps_us]) for name in names}
    results.detail["worker"] = {name: asdict(Spread.of([float(getattr(r, name)) for r in runs])) for name in ("rss_mib", "commits", "rows")}


def _take_stocks(runs: Sequence[stock.StockRun], results: Results) -> None:
    if runs:
        names = ("obs_per_s", "cpu_s_per_million", "rss_mib")
        results.detail["stock_faust"] = {name: asdict(Spread.of([float(getattr(r, name)) for r in runs])) for name in names}


def _take_sink(found: dict[str, Any], results: Results) -> None:
    for name in ("sink_rows_per_s", "sink_vs_arrow_insert"):
        spread = found[name]
        results.figures[name] = Spread(spread["least"], spread["median"], spread["most"], found["turns"])
    results.detail["sink"] = found


def _take_latency(run: latency.LatencyRun, results: Results) -> None:
    """The figure is that of the whole steady part; its spread that of the parts."""
    for name, whole, parts in (
        ("alert_p50_s", run.steady.p50, [d.p50 for d in run.parts]), ("alert_p95_s", run.steady.p95, [d.p95 for d in run.parts]),
        ("alert_p99_s", run.steady.p99, [d.p99 for d in run.parts]),
    ):  # fmt: skip
        results.figures[name] = Spread(min(parts), whole, max(parts), len(parts))
    if run.after is not None:
        results.add("alert_after_burst_p99_s", [run.after.p99])
    results.detail["alerts"] = asdict(run)


def _say(what: str, turn: int = 0) -> None:
    print(f"{time.strftime('%H:%M:%S')} đo / measuring: {what} {turn + 1}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
