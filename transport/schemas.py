"""The Avro schemas of `schemas/avro`: loading, the plain form the readers use, and the rules one must keep (`lint`).

The rules (schemas/README.md explains each): what is constant per series comes first; enums only at top level and never nullable; unions
only of null and one type; no maps; decimals are (38, 6) in bytes; times are `timestamp-millis`; arrays hold strings or flat records.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import fastavro

from transport.settings import HOME

DIRECTORY: Final = HOME / "schemas" / "avro"
RELEASED: Final = HOME / "schemas" / "released"
PRECISION: Final = 38
SCALE: Final = 6
DECIMAL_BYTES: Final = 16
"""Longest decimal: 38 digits and a sign fit into so many bytes."""

AvroType = str | dict[str, Any] | list[Any]
"""An Avro type as parsed JSON."""

_PRIMITIVES = frozenset({"string", "int", "long", "boolean", "double", "float", "bytes"})
_IDENTITY = frozenset({
    "series", "result", "indicator", "component", "territory", "subject_type", "subject_id", "dimensions", "figure",
})  # fmt: skip
_STATE_ROWS = frozenset({"Observation", "Pane", "Aggregate", "Operand", "Condition", "Derived"})
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class SchemaError(ValueError):
    """A schema file is missing or is not an Avro record schema."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One record schema. `name` is the file's stem, `raw` the parsed JSON, `parsed` what fastavro works with, `fields` in order."""

    name: str
    raw: dict[str, Any]
    parsed: dict[str, Any]
    fields: tuple[dict[str, Any], ...]

    @property
    def text(self) -> str:
        """The schema as one line of JSON: what the registry receives."""
        return json.dumps(self.raw, ensure_ascii=False, separators=(",", ":"))

    def index(self, field: str) -> int:
        """Position of `field`; SchemaError names schema and field where there is none."""
        for at, candidate in enumerate(self.fields):
            if candidate["name"] == field:
                return at
        raise SchemaError(f"schema {self.name}: no field «{field}»")

    def symbols(self, field: str) -> tuple[str, ...]:
        """Symbols of an enum field, in the order of their physical numbers."""
        kind = self.fields[self.index(field)]["type"]
        if not isinstance(kind, dict) or kind.get("type") != "enum":
            raise SchemaError(f"schema {self.name}: field «{field}» is no enum")
        return tuple(kind["symbols"])


@cache
def load(name: str) -> Schema:
    """The schema in `schemas/avro/<name>.avsc`, read once. Raises SchemaError where the file is missing or unusable."""
    return read(DIRECTORY / f"{name}.avsc")


def read(path: Path) -> Schema:
    """The schema in a file. Raises SchemaError naming the file."""
    try:
        raw = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SchemaError(f"schema {path.stem}: no file {path.name} in {path.parent.name}/") from error
    except ValueError as error:
        raise SchemaError(f"schema {path.stem}: {path.name} is not JSON: {error}") from error
    return of(path.stem, raw)


def of(name: str, raw: Any) -> Schema:
    """A Schema from parsed JSON. Raises SchemaError where it is not a record fastavro accepts."""
    if not isinstance(raw, dict) or raw.get("type") != "record" or not isinstance(raw.get("fields"), list):
        raise SchemaError(f"schema {name}: a record with fields is expected at the top level")
    try:
        parsed = fastavro.parse_schema(copy.deepcopy(raw))
    except (fastavro.schema.SchemaParseException, fastavro.schema.UnknownType, KeyError, TypeError, ValueError) as error:
        raise SchemaError(f"schema {name}: {type(error).__name__}: {error}") from error
    assert isinstance(parsed, dict)
    return Schema(name, raw, parsed, tuple(raw["fields"]))


def nullable(kind: AvroType) -> AvroType | None:
    """T of a union of null and T, None for every other type."""
    if isinstance(kind, list) and len(kind) == 2 and "null" in kind:
        other: AvroType = kind[1] if kind[0] == "null" else kind[0]
        return other
    return None


def type_name(kind: AvroType) -> str:
    """`decimal`, `timestamp`, `enum`, `array`, `record`, `union` or the primitive's own name."""
    if isinstance(kind, list):
        return "union"
    if isinstance(kind, str):
        return kind
    logical = kind.get("logicalType")
    if logical == "decimal":
        return "decimal"
    if logical == "timestamp-millis":
        return "timestamp"
    return str(kind["type"])


def lint(schema: Schema) -> list[str]:
    """Every broken rule as «schema.field: what, and what instead»; empty where the schema may be released."""
    found = [] if schema.raw.get("doc") else [f"{schema.name}: no doc; say what one record is and what its key is"]
    for field in schema.fields:
        place = f"{schema.name}.{field['name']}"
        if not _FIELD_NAME.match(field["name"]):
            found.append(f"{place}: names are snake_case letters, digits and underscore")
        found += _lint_field(place, field["type"])
    return found + _lint_order(schema)


def _lint_order(schema: Schema) -> list[str]:
    """Constant fields first: a writer caches the bytes before the first varying field, once per series."""
    if schema.raw["name"] not in _STATE_ROWS:
        return []
    found = []
    varying = ""
    for field in schema.fields:
        kind = nullable(field["type"]) or field["type"]
        if type_name(kind) in ("decimal", "timestamp"):
            varying = varying or field["name"]
        elif varying and field["name"] in _IDENTITY:
            found.append(f"{schema.name}.{field['name']}: constant per series but after the varying «{varying}»; move it before")
    return found


def _lint_field(place: str, kind: AvroType) -> list[str]:
    if type_name(kind) == "enum":
        return []
    return _lint_type(place, kind, depth=0)


def _lint_type(place: str, kind: AvroType, depth: int) -> list[str]:
    if isinstance(kind, list):
        inner = nullable(kind)
        if inner is None:
            return [f"{place}: a union may only be of null and one type"]
        if type_name(inner) in ("array", "record", "enum", "union"):
            return [f"{place}: {type_name(inner)} may not be nullable; give it an empty value instead"]
        return _lint_type(place, inner, depth)
    name = type_name(kind)
    if name == "decimal":
        return _lint_decimal(place, kind)
    if name == "timestamp":
        return [] if isinstance(kind, dict) and kind["type"] == "long" else [f"{place}: timestamp-millis belongs on a long"]
    if isinstance(kind, dict) and "logicalType" in kind:
        return [f"{place}: logical type {kind['logicalType']} is not used; decimal(38, 6) or timestamp-millis"]
    if name == "array":
        return _lint_array(place, kind, depth)
    if name in _PRIMITIVES:
        return []
    reasons = {
        "enum": "an enum may only stand at top level", "map": "no maps; use an array of name and value",
        "record": "a record may only stand in an array",
    }  # fmt: skip
    return [f"{place}: {reasons.get(name, f'type {name} is not used')}"]


def _lint_decimal(place: str, kind: AvroType) -> list[str]:
    wanted = {"type": "bytes", "precision": PRECISION, "scale": SCALE}
    if isinstance(kind, dict) and all(kind.get(key) == value for key, value in wanted.items()):
        return []
    return [f"{place}: decimals are bytes with precision {PRECISION} and scale {SCALE}"]


def _lint_array(place: str, kind: AvroType, depth: int) -> list[str]:
    items = kind["items"] if isinstance(kind, dict) else "null"
    if depth:
        return [f"{place}: an array may not lie in an array"]
    if isinstance(items, dict) and type_name(items) == "record":
        return [line for field in items["fields"] for line in _lint_type(f"{place}.{field['name']}", field["type"], 1)]
    return _lint_type(place, items, 1)
