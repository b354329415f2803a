"""From plain columns as written to the reader's columns: Avro's schema resolution, done a column at a time.

Column types of a reader's frame: string → String; enum → Enum with the reader's symbols (its physical number is the symbol's index: it
groups and compares as one byte); boolean → Boolean; int → Int32; long and timestamp → Int64 (epoch ms UTC); double → Float64; float →
Float32; decimal → Decimal(38, 6); bytes → Binary; array → List of String or Struct.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final

import polars as pl

from transport.schemas import PRECISION, SCALE, AvroType, nullable, type_name

Convert = Callable[[pl.Series], pl.Series]
_NUMBERS: Final = ("int", "long", "float", "double")
_SIMPLE: Final[dict[str, pl.DataType]] = {
    "string": pl.String(), "bytes": pl.Binary(), "boolean": pl.Boolean(), "int": pl.Int32(), "long": pl.Int64(), "timestamp": pl.Int64(),
    "double": pl.Float64(), "float": pl.Float32(), "decimal": pl.Decimal(PRECISION, SCALE),
}  # fmt: skip


class ResolutionError(Exception):
    """The writer's schema cannot be read with the reader's. `field` names where."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.detail = field, detail


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the reader: taken from the writer's column by `convert`, or `default` (a literal) where the writer has none."""

    name: str
    convert: Convert | None
    default: pl.Expr | None
    required: bool


def column_type(kind: AvroType) -> pl.DataType:
    """The polars type of a field (see the table above). KeyError for a type the schema lint refuses."""
    inner = nullable(kind)
    if inner is not None:
        return column_type(inner)
    name = type_name(kind)
    if isinstance(kind, dict):
        if name == "enum":
            return pl.Enum(kind["symbols"])
        if name == "array":
            return pl.List(column_type(kind["items"]))
        if name == "record":
            return pl.Struct({f["name"]: column_type(f["type"]) for f in kind["fields"]})
    return _SIMPLE[name]


def check_resolvable(writer: dict[str, Any], reader: dict[str, Any]) -> None:
    """Raises ResolutionError where Avro cannot read all that `writer` may write with `reader`, naming the field. Stricter than a reader:
    an enum symbol or a null that only some messages would hold counts too."""
    written = {f["name"]: f["type"] for f in writer["fields"]}
    for field in reader["fields"]:
        name, kind = field["name"], field["type"]
        if name not in written:
            _default(field)
            continue
        source = written[name]
        if nullable(source) is not None and nullable(kind) is None:
            raise ResolutionError(name, "written as nullable, read as required")
        _check_type(name, nullable(source) or source, nullable(kind) or kind)


def _check_type(name: str, source: AvroType, target: AvroType) -> None:
    if isinstance(source, dict) and isinstance(target, dict) and type_name(source) == type_name(target):
        if type_name(target) == "array":
            _check_type(f"{name}[]", source["items"], target["items"])
            return
        if type_name(target) == "record":
            try:
                check_resolvable(source, target)
            except ResolutionError as error:
                raise ResolutionError(f"{name}.{error.field}", error.detail) from error
            return
        if type_name(target) == "enum" and "default" not in target:
            lost = [symbol for symbol in source["symbols"] if symbol not in target["symbols"]]
            if lost:
                raise ResolutionError(name, f"symbols {', '.join(lost)} were removed")
    _convert(name, source, target)


def plan(writer: dict[str, Any], reader: dict[str, Any]) -> list[Column] | None:
    """How each of the reader's columns comes from the writer's, in the reader's order.

    None where columns cannot do it (items of an array changed): then records are resolved one by one. Raises ResolutionError where Avro
    cannot resolve the two at all.
    """
    written = {f["name"]: f["type"] for f in writer["fields"]}
    columns = []
    for field in reader["fields"]:
        name, kind = field["name"], field["type"]
        if name not in written:
            columns.append(Column(name, None, _default(field), False))
            continue
        if type_name(kind) == "array" and _bare(written[name]) != _bare(kind):
            return None
        required = nullable(kind) is None
        columns.append(Column(name, _convert(name, written[name], kind), None, required))
    return columns


def _default(field: dict[str, Any]) -> pl.Expr:
    if "default" not in field:
        raise ResolutionError(field["name"], "the writer has no such field and the reader gives no default")
    value, kind = field["default"], field["type"]
    if type_name(kind) == "decimal" and isinstance(value, str):  # JSON default of bytes: code points 0–255 are the bytes
        number = int.from_bytes(value.encode("iso-8859-1"), "big", signed=True)
        value = Context(prec=PRECISION).scaleb(Decimal(number), -SCALE)  # the default context rounds to 28 digits
    return pl.lit(value, dtype=column_type(kind)).alias(field["name"])


def _convert(field: str, written: AvroType, wanted: AvroType) -> Convert:
    source = nullable(written) or written
    target = nullable(wanted) or wanted
    have, want = type_name(source), type_name(target)
    if want == "enum" and have == "enum":
        return _enum(source, target)
    dtype = column_type(target)
    if have == want or {have, want} <= {"string", "bytes"} or {have, want} <= {"long", "timestamp"} or _widens(have, want):
        return lambda series: series if series.dtype == dtype else series.cast(dtype)
    raise ResolutionError(field, f"written as {have}, read as {want}")


def _widens(have: str, want: str) -> bool:
    want = "long" if want == "timestamp" else want
    return have in _NUMBERS and want in _NUMBERS and _NUMBERS.index(have) < _NUMBERS.index(want)


def _enum(source: AvroType, target: AvroType) -> Convert:
    assert isinstance(source, dict)
    assert isinstance(target, dict)
    symbols: list[str] = target["symbols"]
    dtype = pl.Enum(symbols)
    if source["symbols"] == symbols:
        return lambda series: series.cat.to(dtype)
    fallback = target.get("default")
    known = [s if s in symbols else fallback for s in source["symbols"]]
    table = pl.Series([None if s is None else symbols.index(s) for s in known], dtype=pl.UInt8 if len(symbols) < 255 else pl.UInt32)
    return lambda series: table.gather(series).cat.to(dtype)


def _bare(kind: AvroType) -> str:
    """A type without docs, names and defaults, for comparison."""
    if isinstance(kind, list):
        return json.dumps([_bare(inner) for inner in kind])
    if isinstance(kind, str):
        return kind
    if kind["type"] == "record":
        return json.dumps([(f["name"], _bare(f["type"])) for f in kind["fields"]])
    return json.dumps({k: _bare(v) if k == "items" else v for k, v in kind.items() if k not in ("doc", "name", "namespace", "default")})
