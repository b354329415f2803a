"""What of the catalogues comes in: every row, its series, the way in of each, and what no series carries yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from indicators.catalogue import Indicator
from indicators.derived.book import DerivedBook
from indicators.spec import SeriesSpec
from indicators.vocabulary import Vocabulary

INTAKE = "intake"
GUIDE_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "definition": ("definition",), "disaggregation": ("disaggregation", "dimensions"), "measure_unit": ("measure_unit",),
    "method": ("method", "formula"),
    "period": ("frequency",), "data_source": ("providers",), "scope": ("scope",), "responsible_unit": ("providers", "responsible_agencies"),
}  # fmt: skip
"""The attributes that guide 7146 §4.3 asks of every indicator, and the fields that hold them; the ninth, the update mode, is the way in."""


class RowCoverage(NamedTuple):
    """One row. `definitions`: formulas whose results it holds; `uncovered`: parts of its cell that no series carries; `absent`: attributes
    of the guide without a value, which the first of its providers is to give."""

    row: Indicator
    series: tuple[SeriesSpec, ...]
    definitions: tuple[str, ...]
    uncovered: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def ways(self) -> tuple[str, ...]:
        """Names of the adapters and «intake» by which its series come in; empty where nothing does."""
        return tuple(sorted({spec.adapter or INTAKE for spec in self.series} | ({"formula"} if self.definitions else set())))

    @property
    def complete(self) -> bool:
        """Whether something carries the row and every part of its cell."""
        return bool(self.series or self.definitions) and not self.uncovered


def row_coverage(vocabulary: Vocabulary, book: DerivedBook) -> Iterator[RowCoverage]:
    """Every row of every catalogue, in the order of the documents."""
    series: dict[str, list[SeriesSpec]] = {}
    for spec in vocabulary.series_specs():
        series.setdefault(spec.indicator, []).append(spec)
    definitions: dict[str, list[str]] = {}
    for derived in book:
        definitions.setdefault(derived.definition.indicator, []).append(derived.definition.id)
    for row in vocabulary.indicators():
        mine = tuple(series.get(row.id, ()))
        carried = {part for spec in mine for part in spec.parts}
        uncovered = tuple(part for part in row.components if part not in carried)
        yield RowCoverage(row, mine, tuple(sorted(definitions.get(row.id, ()))), uncovered, _absent(row))


def _absent(row: Indicator) -> tuple[str, ...]:
    return tuple(name for name, fields in GUIDE_ATTRIBUTES.items() if name != "disaggregation" and not any(getattr(row, f) for f in fields))
