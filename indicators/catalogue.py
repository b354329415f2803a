"""The catalogues: every indicator with its attributes, word for word where a document prints them, marked where they are proposals.

Files: `catalogue/indicators/<catalogue>.yaml`. Codes are positional and differ between catalogues (national A.III.1 is the exchange rate,
Hải Phòng's is credit): `catalogue/code` identifies, `concept` joins. Guide 7146 §4.3 asks for nine attributes; the tables print four of
them and neither unit, definition nor method. What we add is listed in `to_confirm` until the owner confirms it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from indicators.datafile import DataFileError, Row, list_of, read_yaml, row_of
from indicators.observation import PERIOD_TYPES
from indicators.spec import Additivity, Fold, PaneKind, SeriesSpec

__all__ = ["Additivity", "Catalogue", "Fold", "Indicator", "PaneKind", "SeriesSpec", "read_catalogue", "read_catalogues", "rows"]

Measure = Literal["flow", "stock", "index", "rate", "mixed", "composite", "geo"]
PolicyKind = Literal["input", "progress", "performance", "outcome", "composite"]
RelativeKind = Literal["absolute", "relative", "derived"]


def _known_period(name: str) -> str:
    if name not in PERIOD_TYPES:
        raise ValueError(f"unknown period type {name!r}; one of {', '.join(PERIOD_TYPES)}")
    return name


class Indicator(Row):
    """One row of a catalogue. Tuples keep the order of the document; `to_confirm` names the attributes that no document prints."""

    catalogue: str = Field(pattern=r"^[a-z0-9-]+$")
    code: str = Field(pattern=r"^[A-Z][A-Za-z0-9_.-]*$", description="unique in its catalogue")
    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="name of the row's content, the same in every catalogue that has the row")
    concept: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="what is measured; several keys of one concept are one series")
    group: str = Field(pattern=r"^[A-Z]\d*$", description="A, B, C, D; T5 … T14 for the tables of guide 7146")
    subgroup: str = ""
    number: int | None = Field(None, description="as printed; None where the document prints none")
    name_vi: str = Field(min_length=2)
    name_en: str = Field(min_length=2)
    components: tuple[str, ...] = ()
    components_open: bool = Field(False, description="the document ends the list of components with an ellipsis")
    scope: tuple[str, ...] = ()
    frequency: tuple[Annotated[str, AfterValidator(_known_period)], ...] = Field(description="period types of observation.PERIOD_TYPES")
    disaggregation: tuple[str, ...] = Field((), description="words of the document")
    dimensions: tuple[str, ...] = Field((), description="our names for the disaggregation")
    agency: str = Field("", description="the cell of the document, with the names of its year")
    agency_codes: tuple[str, ...] = Field((), description="codes of those agencies, as of the document's year")
    providers: tuple[str, ...] = Field((), description="agencies that supply the figure now (after July 2025)")
    responsible_agencies: tuple[str, ...] = Field((), description="who answers for the substance and is asked to explain")
    measure: Measure
    measure_unit: str = Field("", description="proposed unit in words; units of series are in catalogue/series.yaml")
    definition: str | None = None
    method: str | None = None
    formula: str | None = Field(None, description="where a document prints one")
    policy_kind: PolicyKind | None = None
    relative_kind: RelativeKind | None = None
    statistical_code: str | None = Field(None, description="code in the national system of statistical indicators")
    legal_basis: tuple[str, ...] = ()
    source_text: str = Field("", description="the whole cell, word for word")
    source_period: str = ""
    national_ref: tuple[str, ...] = ()
    to_confirm: tuple[str, ...] = ()
    corrections: tuple[str, ...] = Field((), description="what was corrected against the first transcription, and why")
    notes: str | None = None
    valid_from: date
    valid_to: date | None = None

    @property
    def id(self) -> str:
        """`catalogue/code`, the identity used in observations, formulas and rules."""
        return f"{self.catalogue}/{self.code}"

    @model_validator(mode="after")
    def _attributes_agree(self) -> Self:
        unknown = [name for name in self.to_confirm if name not in type(self).model_fields]
        if unknown:
            raise ValueError(f"to_confirm names no attribute: {', '.join(unknown)}")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from")
        return self


class Group(Row):
    """One of the document's groups or subgroups; `rows` is the number the document's table really holds."""

    code: str
    name_vi: str
    name_en: str
    rows: int | None = None


class Catalogue(Row):
    """One catalogue: its document, groups and rows. `expected_rows` guards against a lost row."""

    catalogue: str
    title_vi: str
    title_en: str
    document: str
    version: int = Field(ge=1)
    valid_from: date
    expected_rows: int = Field(ge=1)
    remark: str = ""
    groups: tuple[Group, ...]
    subgroups: tuple[Group, ...] = ()
    indicators: tuple[Indicator, ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if len(self.indicators) != self.expected_rows:
            raise ValueError(f"holds {len(self.indicators)} rows, expected_rows says {self.expected_rows}")
        codes = [i.code for i in self.indicators]
        if len(set(codes)) != len(codes):
            raise ValueError(f"code given twice: {', '.join(sorted({c for c in codes if codes.count(c) > 1}))}")
        groups = {g.code for g in self.groups}
        lost = sorted({i.group for i in self.indicators} - groups)
        if lost:
            raise ValueError(f"rows of groups that are not declared: {', '.join(lost)}")
        for sub in self.subgroups:
            held = sum(1 for i in self.indicators if f"{i.group}.{i.subgroup}" == sub.code)
            if sub.rows is not None and held != sub.rows:
                raise ValueError(f"subgroup {sub.code} holds {held} rows, the document {sub.rows}")
        return self


def read_catalogue(path: Path) -> Catalogue:
    """One catalogue file; `catalogue` and `valid_from` of a row default to the file's. Raises DataFileError naming line and field."""
    content = read_yaml(path)
    content["indicators"] = [_inherit(row, content) for row in list_of(path, content, "indicators")]
    found = row_of(path, content, Catalogue)
    if found.catalogue != path.stem:
        raise DataFileError(path, f"must equal the file's name, {path.stem!r}", field="catalogue")
    return found


def read_catalogues(home: Path) -> dict[str, Catalogue]:
    """Every catalogue of the installation by its code. Raises DataFileError; also where there is none."""
    folder = home / "catalogue" / "indicators"
    found = {c.catalogue: c for c in map(read_catalogue, sorted(folder.glob("*.yaml")))}
    if not found:
        raise DataFileError(folder, "holds no catalogue; restore the folder from the release")
    return found


def rows(catalogues: dict[str, Catalogue]) -> Iterator[Indicator]:
    """All rows of all catalogues, in the order of the documents."""
    for catalogue in catalogues.values():
        yield from catalogue.indicators


def _inherit(row: Any, content: dict[str, Any]) -> Any:
    if not isinstance(row, dict):
        return row
    return {"catalogue": content.get("catalogue"), "valid_from": content.get("valid_from")} | row
