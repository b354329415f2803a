"""Figures as a file and as a table: `results/latest.json`, and the part of docs/benchmarks.md between its two marks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.spread import Spread
from transport.settings import HOME

RESULTS: Final = HOME / "benchmarks" / "results"
LATEST: Final = RESULTS / "latest.json"
PAGE: Final = HOME / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- figures: written by python -m benchmarks --table -->"
END: Final = "<!-- end of figures -->"


class ReportError(ValueError):
    """Results or page have another form; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach. `least`: a floor, else a ceiling."""

    words: str
    limit: float
    least: bool
    places: int

    def met(self, value: float) -> bool:
        """Whether the median reaches it."""
        return value >= self.limit if self.least else value <= self.limit


BARS: Final[Mapping[str, Bar]] = {
    "worker_obs_per_s": Bar("worker, full job, one process: observations/s", 120_000, True, 0),
    "worker_vs_stock_faust": Bar("worker against stock Faust on the same job: times", 40, True, 0),
    "worker_cpu_s_per_million": Bar("worker: processor seconds per million observations", 7, False, 2),
    "sink_rows_per_s": Bar("sink, full job: rows/s", 200_000, True, 0),
    "sink_vs_arrow_insert": Bar("sink against a bare Arrow insert of the same rows", 0.33, True, 2),
    "alert_p99_s": Bar("reading appended → alert event appended, 99 of 100: seconds", 1.0, False, 3),
    "alert_after_burst_p99_s": Bar("the same, after thirty minutes of readings at once: seconds", 2.0, False, 3),
}


@dataclass
class Results:
    """What one run of `python -m benchmarks` found. `figures`: name → spread; `detail`: whatever explains them; steps in microseconds."""

    machine: dict[str, Any]
    load: dict[str, Any]
    figures: dict[str, Spread] = field(default_factory=dict)
    steps_us: dict[str, Spread] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, values: list[float]) -> None:
        """One figure, measured so often."""
        self.figures[name] = Spread.of(values)

    def document(self) -> dict[str, Any]:
        """As written: each figure's median at the top, its spread under `spread`."""
        return {name: _short(s.median) for name, s in self.figures.items()} | {
            "machine": self.machine, "load": self.load, "spread": {n: _rounded(s) for n, s in self.figures.items()},
            "steps_us": {n: _rounded(s) for n, s in self.steps_us.items()}, "detail": self.detail,
        }  # fmt: skip

    def write(self, path: Path) -> None:
        """The document as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n")


def rewrite_page(results: Path = LATEST, page: Path = PAGE) -> None:
    """Put the table of `results` between the marks of `page`. Raises ReportError where there are no results or no marks."""
    if not results.exists():
        raise ReportError(f"{results.name}: chưa có kết quả; chạy `make bench` / no results yet; run `make bench`")
    text = page.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, foot = rest.partition(END)
    if not begin or not end:
        raise ReportError(f"{page.name}: thiếu hai dòng đánh dấu bảng / the two marks of the table are missing: {BEGIN} … {END}")
    page.write_text(f"{head}{BEGIN}\n\n{tables(json.loads(results.read_text()))}\n{END}{foot}")


def tables(document: Mapping[str, Any]) -> str:
    """The figures against their bars, the steps, and the machine, as Markdown."""
    lines = ["| figure | median | least – most | runs | bar | |", "|---|---:|---|---:|---:|---|"]
    for name, bar in BARS.items():
        spread = document["spread"].get(name)
        if spread is None:
            continue
        low, middle, high = (_text(spread[part], bar.places) for part in ("min", "median", "max"))
        sign = "≥" if bar.least else "≤"
        verdict = "met" if bar.met(spread["median"]) else "**missed**"
        limit = f"{sign} {_text(bar.limit, 0 if bar.limit >= 2 else 2)}"
        lines.append(f"| {bar.words} | {middle} | {low} – {high} | {spread['runs']} | {limit} | {verdict} |")
    lines += ["", "| step of the worker | µs an observation | least – most |", "|---|---:|---|"]
    for name, spread in document["steps_us"].items():
        lines.append(f"| {name} | {_text(spread['median'], 2)} | {_text(spread['min'], 2)} – {_text(spread['max'], 2)} |")
    machine, load = document["machine"], document["load"]
    lines += [
        "",
        f"Load: {', '.join(f'{name} {_text(value, 0)}' for name, value in load.items())}.",
        "",
        "Machine: " + "; ".join(f"{name} {value}" for name, value in machine.items()) + ".",
        "",
    ]
    return "\n".join(lines)


def _rounded(spread: Spread) -> dict[str, float]:
    return {name: _short(value) if name != "runs" else value for name, value in asdict(spread).items()}


def _short(value: float) -> float:
    """Five significant digits: more would be noise."""
    return float(f"{value:.5g}")


def _text(value: float, places: int) -> str:
    return f"{value:,.{places}f}"
