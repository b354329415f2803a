"""Subjects: what a value is of, beyond territory: a project, a station, a hospital, a department, a reservoir, a vessel.

Files: `catalogue/subjects.yaml` and every `catalogue/subjects/*.yaml`, each with a list `subjects`. A subject marked `generated` is made up
for the demonstration; `published` means that its readings are real and published, whatever the place.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from indicators.datafile import DataFileError, Row, read_rows

SubjectType = Literal["project", "station", "hospital", "department", "reservoir", "vessel"]
Origin = Literal["registry", "generated", "published"]
ALARM_LIMITS = ("bd1", "bd2", "bd3")


class Subject(Row):
    """One subject. `limits`: named limits in the unit of its series; of a river station bd1 < bd2 < bd3 in metres."""

    type: SubjectType
    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="code in its registry, unique within the type")
    name_vi: str = Field(min_length=2)
    name_en: str = ""
    territory: str = Field(description="province or commune it lies in; VN for a subject of the whole country or outside it")
    agency: str = Field(description="who answers for it: investor, network, hospital's department")
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    valid_from: date | None = None
    valid_to: date | None = None
    limits: Mapping[str, Decimal] = Field(default_factory=dict)
    limits_basis: str = Field("", description="legal text of the limits, or «đề xuất, chờ xác nhận»")
    origin: Origin = "registry"
    attributes: Mapping[str, str] = Field(default_factory=dict, description="what only this type has: river, beds, total investment")
    note_vi: str = ""

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.limits and not self.limits_basis:
            raise ValueError("limits need limits_basis: the legal text, or «đề xuất, chờ xác nhận»")
        alarm = [self.limits[name] for name in ALARM_LIMITS if name in self.limits]
        if alarm and (len(alarm) != len(ALARM_LIMITS) or alarm != sorted(set(alarm))):
            raise ValueError("river alarm levels: bd1 < bd2 < bd3, all three or none")
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from")
        return self


def read_subjects(folder: Path) -> dict[tuple[str, str], Subject]:
    """`(type, id)` → subject, of `subjects.yaml` and `subjects/*.yaml` of the catalogue folder. Raises DataFileError."""
    files = [folder / "subjects.yaml", *sorted((folder / "subjects").glob("*.yaml"))]
    subjects: dict[tuple[str, str], Subject] = {}
    for path in files:
        for index, subject in enumerate(read_rows(path, "subjects", Subject)):
            if (subject.type, subject.id) in subjects:
                raise DataFileError(path, f"{subject.type} {subject.id} given twice", field=f"subjects.{index}.id")
            subjects[subject.type, subject.id] = subject
    return subjects
