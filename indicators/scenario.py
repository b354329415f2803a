"""Scenarios of emergencies as data: what is read, how often, in which phase, what readiness means, who may open and close.

Files: `catalogue/scenarios/<id>.yaml`. Guide 7146/VPCP-KSTT §5.1.4 names three phases (prevention, response, recovery), five map layers and
table 14's indicators; «bốn tại chỗ» (command, forces, means and supplies, logistics on site) is article 4 of the Law on natural disaster
prevention and control 33/2013/QH13. No document gives frequencies or says who presses the button: those are proposals, named in
`to_confirm`, with an `owner_agency` that must confirm them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from indicators.datafile import DataFileError, Row, read_yaml, row_of
from indicators.vocabulary import Vocabulary

Phase = Literal["prevention", "response", "recovery"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
PHASES_VI: Final[dict[str, str]] = {"prevention": "phòng ngừa", "response": "ứng phó", "recovery": "khắc phục"}
Pillar = Literal["command", "forces", "supplies", "logistics"]
PILLARS: Final[tuple[Pillar, ...]] = get_args(Pillar)
PILLARS_VI: Final[dict[str, str]] = {
    "command": "chỉ huy tại chỗ", "forces": "lực lượng tại chỗ", "supplies": "phương tiện, vật tư tại chỗ", "logistics": "hậu cần tại chỗ",
}  # fmt: skip
Layer = Literal["base", "situation", "resources", "people", "international"]
Deed = Literal["open", "widen", "phase", "readiness", "note", "handover", "accept", "close", "exercise"]
DEEDS: Final[tuple[Deed, ...]] = get_args(Deed)
Role = Literal["leader", "duty_officer"]
SHORTEST: Final = timedelta(minutes=1)


def _frequent(every: timedelta) -> timedelta:
    if every < SHORTEST:
        raise ValueError("every: at least one minute, as PT1M")
    return every


class Watched(Row):
    """One series the scenario reads. `every`: how often it must be told while the emergency is open; `phases`: in which it counts."""

    indicator: str = Field(pattern=r"^[a-z0-9-]+/[A-Za-z0-9._-]+$")
    component: str = ""
    every: Annotated[timedelta, AfterValidator(_frequent)]
    phases: tuple[Phase, ...] = Field(PHASES, min_length=1)
    layer: Layer
    name_vi: str = Field("", description="where the catalogue names the row and not this series")
    name_en: str = ""

    @property
    def series(self) -> tuple[str, str]:
        """Indicator and component."""
        return self.indicator, self.component

    @property
    def every_ms(self) -> int:
        """`every` in milliseconds."""
        return self.every // timedelta(milliseconds=1)


class Readiness(Row):
    """One of the four pillars: what the duty officer asks about, and the series that measure it, where there are any."""

    asks_vi: tuple[str, ...] = Field(min_length=1)
    measured_by: tuple[tuple[str, str], ...] = Field((), description="[indicator, component] among the watched ones")


class Scenario(Row):
    """One scenario. `may`: which roles of the board do each deed; `authority_vi`: whose order it is, in words."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name_vi: str = Field(min_length=4)
    name_en: str = Field(min_length=4)
    owner_agency: str
    legal_basis: tuple[str, ...] = Field(min_length=1)
    authority_vi: str = Field(min_length=4)
    may: dict[Deed, tuple[Role, ...]]
    storm_track: bool = Field(False, description="the area may be given by a storm's track")
    indicators: tuple[Watched, ...] = Field(min_length=1)
    readiness: dict[Pillar, Readiness]
    to_confirm: tuple[str, ...] = Field((), description="fields that no document gives: proposals of ours")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if missing := [deed for deed in DEEDS if not self.may.get(deed)]:
            raise ValueError(f"may: nobody may {', '.join(missing)}")
        if lacking := [pillar for pillar in PILLARS if pillar not in self.readiness]:
            raise ValueError(f"readiness: bốn tại chỗ are four; missing {', '.join(lacking)}")
        series = [one.series for one in self.indicators]
        if twice := sorted({s for s in series if series.count(s) > 1}):
            raise ValueError(f"indicators: given twice: {', '.join(map(' '.join, twice))}")
        for pillar, one in self.readiness.items():
            if lost := [s for s in one.measured_by if s not in series]:
                raise ValueError(f"readiness.{pillar}.measured_by: not among the indicators: {', '.join(map(' '.join, lost))}")
        for phase in PHASES:
            if not any(phase in one.phases for one in self.indicators):
                raise ValueError(f"indicators: none for the phase {phase}")
        if unknown := [name for name in self.to_confirm if name not in type(self).model_fields]:
            raise ValueError(f"to_confirm names no field: {', '.join(unknown)}")
        return self

    def of_phase(self, phase: str) -> tuple[Watched, ...]:
        """What counts in a phase, in the file's order."""
        return tuple(one for one in self.indicators if phase in one.phases)


class ScenarioBook:
    """All scenarios of an installation, by id, in the order of their files."""

    def __init__(self, scenarios: list[Scenario]) -> None:
        self._scenarios = {one.id: one for one in scenarios}

    @classmethod
    def load(cls, home: Path) -> Self:
        """Scenarios of `home/catalogue/scenarios`. Raises DataFileError with file, line and field."""
        return cls([_read(path) for path in sorted((home / "catalogue" / "scenarios").glob("*.yaml"))])

    def get(self, scenario: str) -> Scenario | None:
        """The scenario of an id; None where there is none."""
        return self._scenarios.get(scenario)

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._scenarios.values())

    def problems(self, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
        """(scenario, what is wrong) of names that no other file of the catalogue knows."""
        for one in self:
            if vocabulary.agency(one.owner_agency) is None:
                yield one.id, f"owner_agency {one.owner_agency} is not in agencies.yaml"
            for watched in one.indicators:
                if vocabulary.series_spec(*watched.series) is None:
                    yield one.id, f"series.yaml has no {' '.join(watched.series).strip()}"


def _read(path: Path) -> Scenario:
    found = row_of(path, read_yaml(path), Scenario)
    if found.id != path.stem:
        raise DataFileError(path, f"id {found.id!r}: name the file {found.id}.yaml", field="id")
    return found
