"""The series specification: how the values of one indicator and component are folded, limited and shown.

File: `catalogue/series.yaml`: `profiles` (named defaults) and `series` (one entry per indicator and component, over its profile). Specs of
`status: decided` carry the main path; those of `status: proposed` wait for the indicator's owner to confirm unit, limits and folding.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from indicators.datafile import DataFileError, list_of, parse_yaml, read_bytes, refuse
from indicators.observation import FIGURES, PERIOD_TYPES, VALUE_LIMIT

Fold = Literal["event", "reported"]
Additivity = Literal["flow", "stock", "index", "rate"]
PaneKind = Literal["hour", "day", "month", "budget_year"]
Content = Literal["number", "text", "reference"]
Comparison = Literal["K1", "K2", "K3", "K5", "K6", "K10", "K11"]
Window = Literal["h1", "h24", "d7", "d30", "month", "quarter", "ytd"]

DAY_MS = 86_400_000
PANE_OF_WINDOW: dict[Window, PaneKind] = {
    "h1": "hour", "h24": "hour", "d7": "day", "d30": "day", "month": "month", "quarter": "month", "ytd": "budget_year",
}  # fmt: skip
"""Which pane a window is made of (schemas/avro/aggregate.avsc)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSpec:
    """What stage 1, the door and the pages must know of one indicator and component.

    - `fold`: *event*: many records a period, each with an id; *reported*: one value a period and series. It speaks of `actual`; plans,
      estimates and forecasts are always reported (`fold_of`).
    - `cumulative_figures`: figures that arrive as running totals of the budget year; the period's own value is the difference.
    - `panes`: kept per series; `windows`: the rolling and calendar windows made of them.
    - `horizon_ms`: record memory and allowed lateness, counted back from the partition's watermark to the pane's end.
    - `scale`: decimals shown (values are kept with six); `minimum`, `maximum`: bounds of a plausible value, inclusive; `sentinels`: what a
      device sends for «no reading», never a value.
    - `dimensions`: names an observation may carry; `dimension_sets`: which of them the row is aggregated by, () is the total.
    - `comparisons`: kinds that the stream computes of the row and keeps as series (indicators/derived/comparison.py).
    - `compared`: values of the dimensions whose series is compared, where a row that has no total is carried by several (brands of gold): a
      rule follows one course.
    - `trading_calendar`: of catalogue/trading-calendars.yaml, whose sessions the series follows: before its day is the session before.
    - `max_series`: how many series may exist; more is a fault of the source.
    - `parts`: words of the row's cell that this series carries, where the cell lists several; `name_vi`, `name_en` name the series then.
    - `content`: *text*, *reference*: each record counts one item (a bulletin, an obstacle, a map) and carries its words or where it lies.
    - `opens`, `ends`: of a series that is ordered for a time (indicators/adhoc.py): records appended before `opens` are refused, and those
      whose event time is not before `ends`; epoch ms, 0: no bound.
    - `adapter`: the source module that feeds the series; empty: an intake template does. Plans come by template wherever actuals come from.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=False)

    indicator: str
    component: str = ""
    concept: str
    group: str
    fold: Fold
    additivity: Additivity
    measure_unit: str
    panes: tuple[PaneKind, ...]
    horizon_ms: int
    figures: tuple[str, ...] = ("actual",)
    cumulative_figures: tuple[str, ...] = ()
    period_types: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    scale: int = 2
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    sentinels: tuple[Decimal, ...] = ()
    subject_type: str = ""
    dimensions: tuple[str, ...] = ()
    dimension_sets: tuple[tuple[str, ...], ...] = ((),)
    comparisons: tuple[Comparison, ...] = ()
    compared: tuple[tuple[str, str], ...] = ()
    trading_calendar: str = ""
    max_series: int = 1000
    status: Literal["decided", "proposed"] = "proposed"
    name_vi: str = ""
    name_en: str = ""
    parts: tuple[str, ...] = ()
    content: Content = "number"
    adapter: str = ""
    note: str = ""
    opens: int = 0
    ends: int = 0

    @property
    def cumulative(self) -> bool:
        """Whether actual figures arrive as running totals of the budget year."""
        return "actual" in self.cumulative_figures

    def fold_of(self, figure: str) -> Fold:
        """How this figure is folded: a plan, estimate or forecast is one value a period, whatever the actual is."""
        return self.fold if figure == "actual" else "reported"

    def cumulative_of(self, figure: str) -> bool:
        """Whether this figure arrives as a running total of the budget year."""
        return figure in self.cumulative_figures

    def problems(self) -> list[str]:
        """Contradictions inside the spec, each as a sentence; empty where it is sound."""
        checks = (
            (bool(self.panes), "panes: at least one pane is needed"),
            (self.horizon_ms > 0, "horizon_days: must be positive"),
            (0 <= self.scale <= 6, "scale: 0 to 6 decimals"),
            (self.max_series > 0, "max_series: must be positive"),
            (set(self.figures) <= set(FIGURES), f"figures: one of {', '.join(FIGURES)}"),
            (set(self.cumulative_figures) <= set(self.figures), "cumulative_figures: must be among the figures"),
            (set(self.period_types) <= set(PERIOD_TYPES), f"period_types: one of {', '.join(PERIOD_TYPES)}"),
            (all(PANE_OF_WINDOW[w] in self.panes for w in self.windows), "windows: one needs a pane that is not kept"),
            (all(set(s) <= set(self.dimensions) for s in self.dimension_sets), "dimension_sets: a name is not among the dimensions"),
            (list(self.dimensions) == sorted(set(self.dimensions)), "dimensions: sorted by name, each once"),
            (self.minimum is None or self.maximum is None or self.minimum <= self.maximum, "minimum: above maximum"),
            (all(abs(b) <= VALUE_LIMIT for b in (self.minimum, self.maximum) if b is not None), "minimum, maximum: beyond 10^20"),
            (self.fold == "reported" or "actual" not in self.cumulative_figures, "fold: a running total is reported, not an event"),
            ("K6" not in self.comparisons or "plan" in self.figures, "comparisons: K6 needs plans among the figures"),
            ("K5" not in self.comparisons or self.additivity == "flow", "comparisons: K5 adds up flows alone"),
            ("K10" not in self.comparisons or self.additivity in ("flow", "stock"), "comparisons: K10 is a share of what adds up"),
            (not self.comparisons or self.additivity != "index" or bool(self.trading_calendar), "comparisons: an index is one already"),
            ({name for name, _ in self.compared} in (set(), set(self.dimensions)), "compared: a value of every dimension, or none"),
            (not self.trading_calendar or "day" in self.panes, "trading_calendar: its sessions are days, and no pane of days is kept"),
        )
        return [text for ok, text in checks if not ok]


_ADAPTER = TypeAdapter(SeriesSpec)


def read_series_specs(path: Path) -> dict[tuple[str, str], SeriesSpec]:
    """`(indicator, component)` → spec. Raises DataFileError where an entry is unknown, contradicts itself or comes twice.

    Vocabulary and definitions both ask for it: content that was judged before is not judged again.
    """
    return dict(_judged(path, read_bytes(path)))


@lru_cache(maxsize=2)
def _judged(path: Path, written: bytes) -> dict[tuple[str, str], SeriesSpec]:
    content = parse_yaml(path, written)
    entries = list_of(path, content, "series")
    profiles = content.get("profiles", {})
    specs: dict[tuple[str, str], SeriesSpec] = {}
    for index, entry in enumerate(entries):
        spec = _spec(path, entry, profiles, index)
        if (spec.indicator, spec.component) in specs:
            raise DataFileError(path, f"{spec.indicator} {spec.component!r} given twice", field=f"series.{index}")
        specs[spec.indicator, spec.component] = spec
    return specs


def _spec(path: Path, entry: Any, profiles: dict[str, Any], index: int) -> SeriesSpec:
    if not isinstance(entry, dict) or entry.get("profile") not in profiles:
        raise DataFileError(path, f"profile must be one of {', '.join(profiles)}", field=f"series.{index}.profile")
    fields = profiles[entry["profile"]] | {k: v for k, v in entry.items() if k != "profile"}
    days = fields.pop("horizon_days", None)
    if not isinstance(days, int):
        raise DataFileError(path, "a whole number of days is needed", field=f"series.{index}.horizon_days")
    try:
        spec: SeriesSpec = _ADAPTER.validate_python(fields | {"horizon_ms": days * DAY_MS})
    except ValidationError as e:
        refuse(path, e, ("series", index))
    for problem in spec.problems():
        raise DataFileError(path, f"{spec.indicator} {spec.component!r}: {problem}", field=f"series.{index}")
    return spec
