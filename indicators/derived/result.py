"""The key of a result: which formula, where, about whom, for which dimensions and budget year."""

from __future__ import annotations

from typing import NamedTuple, Self


class ResultError(ValueError):
    """A result key has another shape than `formula|territory|subject|dimensions|budget year`."""


class Result(NamedTuple):
    """One result series of a formula: `formula|territory|subject_type:subject_id|dimensions|budget year`.

    `dimensions`: `name=value` pairs sorted by name and joined by `;`, as in a series key; only sums over dimensions and formulas computed
    for each value of a dimension have any.
    """

    formula: str
    territory: str
    subject_type: str
    subject_id: str
    budget_year: int
    dimensions: str = ""

    def key(self) -> str:
        """The Kafka key of operands; `|` and the period's start are added for `derived`."""
        subject = f"{self.subject_type}:{self.subject_id}" if self.subject_type else ""
        return f"{self.formula}|{self.territory}|{subject}|{self.dimensions}|{self.budget_year or ''}"

    @classmethod
    def parse(cls, key: str) -> Self:
        """The result of a key. Raises ResultError where the key has another shape."""
        parts = key.split("|")
        if len(parts) != 5:
            raise ResultError(f"result key: {len(parts)} parts where 5 are expected")
        subject_type, _, subject_id = parts[2].partition(":")
        return cls(parts[0], parts[1], subject_type, subject_id, int(parts[4] or 0), parts[3])
