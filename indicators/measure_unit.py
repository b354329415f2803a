"""Units of measure: the code on the wire, the symbol a reader sees, the names. File: `catalogue/measure-units.yaml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from indicators.datafile import DataFileError, Row, read_rows


class MeasureUnit(Row):
    """One unit. `symbol_vi` stands after the number (empty: the number alone). `equals` defines it by others (`1/100`, `VND / person`:
    indicators/derived/quantity.py); empty: a base of its own, which adds up with nothing else."""

    code: str = Field(min_length=1)
    name_vi: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    symbol_vi: str = ""
    equals: str = ""


def read_measure_units(path: Path) -> dict[str, MeasureUnit]:
    """All units by code. Raises DataFileError where the file is wrong or a code comes twice."""
    units: dict[str, MeasureUnit] = {}
    for index, unit in enumerate(read_rows(path, "units", MeasureUnit)):
        if unit.code in units:
            raise DataFileError(path, f"unit {unit.code} given twice", field=f"units.{index}.code")
        units[unit.code] = unit
    return units
