"""Ad-hoc sets: indicators that a document orders for a time, opened into running processes and over by themselves on their end date.

A file names the document, who answers, and its indicators; from it come series specifications and catalogue rows under the code
`adhoc-<id>/<code>`, so that intake, worker, store and board treat them as any other. All lie in the concept group `emergency`, the lane of
what is ordered at once. A figure whose event time lies after the end date is refused; figures of before may still be corrected.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from indicators.catalogue import Indicator
from indicators.datafile import Row, read_yaml, row_of
from indicators.instant import DAY_MS, day_start
from indicators.numbers_vi import unaccent_vi
from indicators.spec import SeriesSpec
from indicators.vocabulary import Vocabulary

GROUP: Final = "emergency"
PREFIX: Final = "adhoc-"
HORIZON_DAYS: Final = 40
LONGEST: Final = timedelta(days=366)


class AdhocIndicator(Row):
    """One indicator of a set: one value a period and territory."""

    code: str = Field(pattern=r"^[A-Z][A-Za-z0-9.]*$")
    name_vi: str = Field(min_length=4)
    name_en: str = Field(min_length=4)
    measure_unit: str
    additivity: Literal["flow", "stock", "index", "rate"]
    period_types: tuple[Literal["hour", "day", "month"], ...] = Field(min_length=1)
    scale: int = Field(0, ge=0, le=6)
    minimum: Decimal
    maximum: Decimal
    dimensions: tuple[str, ...] = ()
    max_series: int = Field(5_000, ge=1, le=20_000)


class AdhocSet(Row):
    """A set with the document that orders it. Both dates are whole days, the last one included."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")
    title_vi: str = Field(min_length=4)
    title_en: str = Field(min_length=4)
    document: str = Field(min_length=4, description="number, date, issuer")
    starts_on: date
    ends_on: date
    owner_agency: str = Field(description="who answers for the substance")
    provider: str = Field(description="who supplies: an agency, or PPC for the People's Committee of each province")
    indicators: tuple[AdhocIndicator, ...] = Field(min_length=1, max_length=60)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.starts_on <= self.ends_on <= self.starts_on + LONGEST:
            raise ValueError("ends_on: from starts_on on, at most a year: what lasts belongs into a catalogue")
        codes = [one.code for one in self.indicators]
        if len(set(codes)) != len(codes):
            raise ValueError("indicators: a code is given twice")
        for one in self.indicators:
            if found := self.spec(one).problems():
                raise ValueError(f"indicators: {one.code}: {'; '.join(found)}")
        return self

    @property
    def catalogue(self) -> str:
        """Code of the catalogue that the set is."""
        return PREFIX + self.id

    @property
    def ends(self) -> int:
        """First instant that is over, epoch ms."""
        return day_start(self.ends_on + timedelta(days=1))

    def spec(self, one: AdhocIndicator, opens: int = 0) -> SeriesSpec:
        """How its values are folded and limited; `opens`: from when the set is in effect, epoch ms."""
        return SeriesSpec(
            indicator=f"{self.catalogue}/{one.code}", concept=_concept(self, one), group=GROUP, fold="reported", additivity=one.additivity,
            measure_unit=one.measure_unit, panes=("hour", "day", "month"), windows=("h24", "d7", "d30", "month"), horizon_ms=HORIZON_DAYS *
            DAY_MS, period_types=one.period_types, scale=one.scale, minimum=one.minimum, maximum=one.maximum,
            dimensions=tuple(sorted(one.dimensions)), max_series=one.max_series, status="decided", name_vi=one.name_vi, name_en=one.name_en,
            opens=opens, ends=self.ends,
        )  # fmt: skip

    def specs(self, opens: int = 0) -> list[SeriesSpec]:
        """Specifications of all its series."""
        return [self.spec(one, opens) for one in self.indicators]

    def rows(self) -> list[Indicator]:
        """Its catalogue rows."""
        return [
            Indicator(
                catalogue=self.catalogue, code=one.code, key=_concept(self, one), concept=_concept(self, one), group="D",
                name_vi=one.name_vi, name_en=one.name_en, frequency=one.period_types, dimensions=one.dimensions, providers=(self.provider,),
                responsible_agencies=(self.owner_agency,), measure=one.additivity, measure_unit=one.measure_unit,
                legal_basis=(self.document,), valid_from=self.starts_on, valid_to=self.ends_on + timedelta(days=1),
            )
            for one in self.indicators
        ]  # fmt: skip

    def body(self) -> bytes:
        """As it travels."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False).encode()

    def collisions(self, vocabulary: Vocabulary) -> list[str]:
        """Why it may not be opened beside this vocabulary: names that are collected already, units and agencies that are not known."""
        found = [f"đã mở bộ «{self.id}» / is open already"] if vocabulary.indicator(f"{self.catalogue}/{self.indicators[0].code}") else []
        known: dict[str, str] = {}
        for name, owner in [*((spec.name_vi, spec.indicator) for spec in vocabulary.series_specs()),
                            *((row.name_vi, row.id) for row in vocabulary.indicators())]:  # fmt: skip
            known.setdefault(_plain(name), owner)
        for one in self.indicators:
            if there := known.get(_plain(one.name_vi)):
                found.append(f"{one.code}: «{one.name_vi}» đã có ở {there}, dùng chỉ số ấy / is collected there already")
            if vocabulary.measure_unit(one.measure_unit) is None:
                found.append(f"{one.code}: đơn vị {one.measure_unit} không có trong measure-units.yaml / no such unit")
        for code in (self.owner_agency, self.provider):
            if vocabulary.agency(code) is None:
                found.append(f"cơ quan {code} không có trong danh sách / no such agency")
        return found


def read_set(path: Path) -> AdhocSet:
    """The set of a file. Raises DataFileError with file, line and field."""
    return row_of(path, read_yaml(path), AdhocSet)


def _concept(of: AdhocSet, one: AdhocIndicator) -> str:
    return f"{PREFIX}{of.id}_{one.code}".replace("-", "_").replace(".", "_").lower()


def _plain(name: str) -> str:
    return unaccent_vi(name).casefold().strip()
