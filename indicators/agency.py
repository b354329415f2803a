"""Agencies: who supplies a figure, who answers for it, who chases it.

File: `catalogue/agencies.yaml`. The offices that every province has are patterns under `provincial:`, written out for the 34 provinces
(`PPC-31` the People's Committee of Hải Phòng, `DOF-31` its Department of Finance). There are two trees, never one: `parent_agency` is who
commands, `territory_served` where it works. Treasury, tax and customs are vertical: a regional office serves several provinces and obeys
its ministry; the chair of a province coordinates with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from indicators.datafile import DataFileError, Row, read_yaml, row_of
from indicators.territory import Territory

AgencyKind = Literal[
    "government", "office_of_government", "ministry", "ministerial_agency", "government_agency", "committee", "department_of_ministry",
    "regional_office", "peoples_committee", "provincial_office", "provincial_department", "commune_committee", "corporation", "network",
]  # fmt: skip


class Agency(Row):
    """One agency. `predecessors` are codes of what it took over, `successors` of who took its work over."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9_-]*$")
    name_vi: str = Field(min_length=2)
    name_en: str = Field(min_length=2)
    kind: AgencyKind
    parent_agency: str = Field(default="", description="who commands it; empty only for the Government")
    territory_served: tuple[str, ...] = Field(default=(), description="codes of territory; VN: the whole country")
    valid_from: date | None = None
    valid_to: date | None = None
    predecessors: tuple[str, ...] = ()
    successors: tuple[str, ...] = Field(default=(), description="several where the work was divided; by row: Indicator.providers")
    legal_basis: tuple[str, ...] = ()
    to_confirm: tuple[str, ...] = Field(default=(), description="attributes from general knowledge that the owner of the list must confirm")
    note: str = ""

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from")
        return self

    def valid_at(self, day: date) -> bool:
        """Whether the agency exists on this day (valid_to is the first day it does not)."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


class ProvincialPattern(Row):
    """An office that every province has; `{code}` and `{name}` stand for the province's code and name with its kind."""

    prefix: str = Field(pattern=r"^[A-Z]+$")
    name_vi: str
    name_en: str
    kind: AgencyKind
    parent_prefix: str = Field(default="", description="prefix of the office above it in the same province")
    parent_agency: str = Field(default="GOV", description="who commands it where no office of the province does: its vertical branch")
    valid_from: date
    legal_basis: tuple[str, ...] = ()
    to_confirm: tuple[str, ...] = ()


def read_agencies(path: Path, territory: dict[str, Territory]) -> dict[str, Agency]:
    """All agencies by code. Raises DataFileError: unknown key, code twice, unknown parent or successor, a cycle, unknown territory."""
    content = read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("agencies"), list):
        raise DataFileError(path, "expected a mapping with lists `agencies` and `provincial`")
    provinces = [t for t in territory.values() if t.kind == "province"]
    agencies: dict[str, Agency] = {}
    for index, entry in enumerate(content["agencies"]):
        _add(path, agencies, row_of(path, entry, Agency, ("agencies", index)))
    for index, entry in enumerate(content.get("provincial", [])):
        for agency in _written_out(path, entry, provinces, index):
            _add(path, agencies, agency)
    _check_links(path, agencies, territory)
    return agencies


def chain(agencies: dict[str, Agency], code: str) -> tuple[str, ...]:
    """The agency and those above it, up to the Government; empty where the code is unknown."""
    found: list[str] = []
    while code and code in agencies and code not in found:
        found.append(code)
        code = agencies[code].parent_agency
    return tuple(found)


def _written_out(path: Path, entry: Any, provinces: Iterable[Territory], index: int) -> list[Agency]:
    p = row_of(path, entry, ProvincialPattern, ("provincial", index))
    return [
        Agency(
            code=f"{p.prefix}-{t.code}", name_vi=p.name_vi.format(name=_in_sentence(t), code=t.code),
            name_en=p.name_en.format(name=t.short_name_vi, code=t.code), kind=p.kind,
            parent_agency=f"{p.parent_prefix}-{t.code}" if p.parent_prefix else p.parent_agency, territory_served=(t.code,),
            valid_from=p.valid_from, legal_basis=p.legal_basis, to_confirm=p.to_confirm,
        )
        for t in provinces
    ]  # fmt: skip


def _in_sentence(t: Territory) -> str:
    """«thành phố Hải Phòng», «tỉnh An Giang»: the kind is written small inside a name."""
    return t.name_vi[:1].lower() + t.name_vi[1:]


def _add(path: Path, agencies: dict[str, Agency], agency: Agency) -> None:
    if agency.code in agencies:
        raise DataFileError(path, f"agency {agency.code} given twice", field="code")
    agencies[agency.code] = agency


def _check_links(path: Path, agencies: dict[str, Agency], territory: dict[str, Territory]) -> None:
    for a in agencies.values():
        links = (*a.predecessors, *a.successors, *((a.parent_agency,) if a.parent_agency else ()))
        lost = [code for code in links if code not in agencies]
        if lost:
            raise DataFileError(path, f"{a.code}: unknown agency {', '.join(lost)}", field="parent_agency, predecessors or successors")
        if not a.parent_agency and a.kind != "government":
            raise DataFileError(path, f"{a.code}: no agency above it", field="parent_agency")
        nowhere = [code for code in a.territory_served if code not in territory]
        if nowhere:
            raise DataFileError(path, f"{a.code}: unknown territory {', '.join(nowhere)}", field="territory_served")
        if agencies[chain(agencies, a.code)[-1]].kind != "government":
            raise DataFileError(path, f"{a.code}: the chain above it runs in a circle", field="parent_agency")
