"""Lineage: what a figure was made of, down to the topic, partition and offset of each input, as a tree that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from indicators.numbers_vi import number_vi


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an input lies: the record that carried it."""

    topic: str
    partition: int
    offset: int
    revision: int = 0

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset} r{self.revision}"


@dataclass(frozen=True, slots=True)
class Lineage:
    """One figure. `value` None: absent, `reason_vi` says why. `parts`: what it was computed from; `origins`: the records of a base
    figure."""

    name_vi: str
    series: str
    period_vi: str
    value: Decimal | None
    symbol_vi: str = ""
    reason_vi: str = ""
    formula: str = ""
    parts: tuple[Lineage, ...] = ()
    origins: tuple[Origin, ...] = ()

    def inputs(self) -> Iterator[Origin]:
        """Every record behind the figure, from left to right, a record as often as it is used."""
        yield from self.origins
        for part in self.parts:
            yield from part.inputs()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree, two spaces a level: figure, formula, series, records."""
        shown = f"{number_vi(self.value)} {self.symbol_vi}".rstrip() if self.value is not None else f"không có ({self.reason_vi})"
        said = [f"{self.name_vi}, {self.period_vi}: {shown}", f"= {self.formula}" if self.formula else "", f"[{self.series}]"]
        yield "  " * depth + " ".join(text for text in said if text)
        for origin in self.origins:
            yield "  " * (depth + 1) + str(origin)
        for part in self.parts:
            yield from part.lines(depth + 1)
