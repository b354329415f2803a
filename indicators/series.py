"""Series: what a value is a value of. Its key is the Kafka key, so one series lies in one partition, in order.

Series = indicator, component, territory, subject, dimensions, figure (domain.md §12.2). The period is not part of it.
"""

from __future__ import annotations

from typing import NamedTuple

FORBIDDEN = frozenset("|;=\x00\n\r\t")


class SeriesError(ValueError):
    """A part of a series key holds a character that separates parts."""


class Series(NamedTuple):
    """One series. `dimensions` are (name, value) pairs sorted by name; empty strings mean «none»."""

    indicator: str
    component: str
    territory: str
    subject_type: str
    subject_id: str
    dimensions: tuple[tuple[str, str], ...]
    figure: str

    def key(self) -> str:
        """`indicator|component|territory|subject_type:subject_id|name=value;name=value|figure`.

        Raises SeriesError where a part holds one of `| ; =` or a control character: keys must split back into their parts.
        """
        subject = f"{self.subject_type}:{self.subject_id}" if self.subject_type else ""
        dims = ";".join(f"{check(n, 'dimension name')}={check(v, 'dimension value')}" for n, v in self.dimensions)
        parts = (check(self.indicator, "indicator"), check(self.component, "component"), check(self.territory, "territory"),
                 check(subject, "subject"), dims, self.figure)  # fmt: skip
        return "|".join(parts)


def check(part: str, name: str) -> str:
    """The part itself; raises SeriesError naming the part (never its value) where a separator lies in it."""
    if FORBIDDEN.isdisjoint(part):
        return part
    raise SeriesError(f"{name}: holds a separator of series keys (one of | ; = or a control character)")


def parse(key: str) -> Series:
    """The series of a key made by `Series.key`. Raises SeriesError where the key has another shape."""
    parts = key.split("|")
    if len(parts) != 6:
        raise SeriesError(f"series key: {len(parts)} parts where 6 are expected")
    subject_type, _, subject_id = parts[3].partition(":")
    pairs = (pair.partition("=") for pair in parts[4].split(";") if pair)
    return Series(parts[0], parts[1], parts[2], subject_type, subject_id, tuple((n, v) for n, _, v in pairs), parts[5])
