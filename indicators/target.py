"""Targets: what a legal document asks of an indicator, by when, and on which path; several for one thing stand side by side by name.

Files: `catalogue/targets/*.yaml`, a list under `targets`. A target is at least or at most its end value; its path says where a figure
should be on each day: a straight line, dated points joined by straight lines, or the shape of last year's course (guide 7146 §3.5.2 (iii):
compare with the path, not with the end value alone).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Literal, Self

from pydantic import Field, model_validator

from indicators.datafile import DataFileError, Row, read_rows

DocumentKind = Literal["law", "resolution_party", "resolution_assembly", "resolution_government", "resolution_council", "decision", "guide"]
"""resolution_government: also NQ 01/NQ-CP and 02/NQ-CP of a year; resolution_council: of a People's Council."""


class Document(Row):
    """The legal document that sets the target."""

    kind: DocumentKind
    title_vi: str = Field(min_length=4, description="number, date, issuer as it is quoted")
    signed_on: date


class PathPoint(Row):
    """Where the figure should be on a day."""

    day: date
    value: Decimal


class TargetPath(Row):
    """The path. *straight*: from `start_value` on the first day; *points*: through dated points; *last_year*: the end value in the
    proportions of last year's course, so that slow months of a season are no failure."""

    shape: Literal["straight", "points", "last_year"]
    start_value: Decimal = Decimal(0)
    points: tuple[PathPoint, ...] = ()

    @model_validator(mode="after")
    def _points_fit(self) -> Self:
        days = [point.day for point in self.points]
        if (self.shape == "points") != bool(days):
            raise ValueError("points: needed by the shape `points` and by no other")
        if days != sorted(set(days)):
            raise ValueError("points: in order of their days, each day once")
        return self


class Target(Row):
    """One target of one document. `plan` names which of several plans it belongs to (plan_pm, plan_local …) and stands in every figure."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    name_vi: str = Field(min_length=4)
    plan: str = Field(min_length=2)
    document: Document
    indicator: str
    component: str = ""
    territory: str
    agency: str
    direction: Literal["at_least", "at_most"]
    measure_unit: str
    end_value: Decimal
    starts_on: date
    ends_on: date
    path: TargetPath
    standing: Literal["set", "example", "proposal"]
    replaces: str = Field("", description="id of the target that this one amends; the older stays for its time")

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.ends_on <= self.starts_on:
            raise ValueError("ends_on must be after starts_on")
        if any(not self.starts_on <= point.day <= self.ends_on for point in self.path.points):
            raise ValueError("path.points: a day lies outside starts_on–ends_on")
        if self.path.points and (self.path.points[-1].day, self.path.points[-1].value) != (self.ends_on, self.end_value):
            raise ValueError("path.points: the last point must be ends_on with end_value")
        return self

    def valid_on(self, day: date) -> bool:
        """Whether the day lies within the target's time, both ends included."""
        return self.starts_on <= day <= self.ends_on


class TargetBook:
    """All targets of an installation."""

    def __init__(self, targets: list[Target]) -> None:
        self._targets = {target.id: target for target in targets}

    @classmethod
    def load(cls, home: FilePath) -> TargetBook:
        """Targets of `home/catalogue/targets`. Raises DataFileError with file, line and field."""
        found: list[Target] = []
        for path in sorted((home / "catalogue" / "targets").glob("*.yaml")):
            for index, target in enumerate(read_rows(path, "targets", Target)):
                if any(target.id == other.id for other in found):
                    raise DataFileError(path, f"{target.id} given twice", field=f"targets.{index}.id")
                found.append(target)
        book = cls(found)
        for target in found:
            if target.replaces and target.replaces not in book._targets:
                raise DataFileError(home / "catalogue" / "targets", f"{target.id}: replaces {target.replaces}, which is not there")
        return book

    def of(self, indicator: str, component: str, territory: str, day: date) -> list[Target]:
        """Every target of a series on a day, each under its own plan; of a target and its amendment only the amendment, once it holds."""
        held = [t for t in self if (t.indicator, t.component, t.territory) == (indicator, component, territory) and t.valid_on(day)]
        amended = {t.replaces for t in held if t.document.signed_on <= day}
        return [t for t in held if t.id not in amended and t.document.signed_on <= day]

    def __getitem__(self, target: str) -> Target:
        return self._targets[target]

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets.values())
