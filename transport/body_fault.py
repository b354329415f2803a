"""The exact walk of one Avro body: what is wrong with it, in which field. Strict where readers are lenient.

Used for the few bodies the walk by columns (`transport/body_check.py`) doubts. A body without a fault is read the same by polars and
fastavro; a body with one is refused, whatever a reader would make of it. Details name the kind of value found, never the value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from transport.schemas import DECIMAL_BYTES, PRECISION, AvroType, nullable, type_name

_DECIMAL_LIMIT: Final = 10**PRECISION


class Fault(NamedTuple):
    """Why a body is refused. `reason`: one of the dead letter's; `field`: path of the field, empty for the whole body."""

    reason: str
    field: str
    detail: str


class _Stop(Exception):
    """Ends a walk: reason, detail, and the path inside the field."""

    def __init__(self, reason: str, detail: str, path: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail, self.path = reason, detail, path


Exact = Callable[[bytes, int], int]
"""Walks one value from a place; returns the place after it; raises _Stop."""


def _long(data: bytes, at: int) -> tuple[int, int]:
    """The integer at `at` and the place after it."""
    if at < len(data) and (first := data[at]) < 0x80:  # most lengths, indexes and small numbers
        return (first >> 1) ^ -(first & 1), at + 1
    value = shift = 0
    for byte in data[at : at + 10]:
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            if value >> 64:
                raise _Stop("out_of_range", "an integer over 64 bits")
            return (value >> 1) ^ -(value & 1), at
    if shift == 70:
        raise _Stop("decode", "an integer without an end in ten bytes")
    raise _Stop("truncated", "the body ends inside an integer")


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _long(data, at)
    if size < 0:
        raise _Stop("decode", "a negative length")
    if at + size > len(data):
        raise _Stop("truncated", f"a length of {size} bytes where {len(data) - at} are left")
    return data[at : at + size], at + size


def _walk_long(data: bytes, at: int) -> int:
    return _long(data, at)[1]


def _walk_int(data: bytes, at: int) -> int:
    value, at = _long(data, at)
    if not -(1 << 31) <= value < 1 << 31:
        raise _Stop("out_of_range", "an int over 32 bits")
    return at


def _walk_bytes(data: bytes, at: int) -> int:
    return _bytes(data, at)[1]


def _walk_string(data: bytes, at: int) -> int:
    text, at = _bytes(data, at)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise _Stop("wrong_encoding", f"text that is not UTF-8 from byte {error.start} of {len(text)}") from None
    return at


def _walk_decimal(data: bytes, at: int) -> int:
    digits, at = _bytes(data, at)
    if len(digits) > DECIMAL_BYTES:
        raise _Stop("out_of_range", f"a decimal of {len(digits)} bytes; at most {DECIMAL_BYTES}")
    if abs(int.from_bytes(digits, "big", signed=True)) >= _DECIMAL_LIMIT:
        raise _Stop("out_of_range", f"a decimal of more than {PRECISION} digits")
    return at


def _walk_boolean(data: bytes, at: int) -> int:
    if at >= len(data):
        raise _Stop("truncated", "the body ends before a boolean")
    if data[at] > 1:
        raise _Stop("decode", "a boolean that is neither 0 nor 1")
    return at + 1


def _fixed(size: int) -> Exact:
    def walk(data: bytes, at: int) -> int:
        if at + size > len(data):
            raise _Stop("truncated", f"{size} bytes expected where {len(data) - at} are left")
        return at + size

    return walk


def _enum(count: int) -> Exact:
    def walk(data: bytes, at: int) -> int:
        number, at = _long(data, at)
        if not 0 <= number < count:
            raise _Stop("decode", f"number {number} of an enum with {count} symbols")
        return at

    return walk


def _union(null_index: int, inner: Exact) -> Exact:
    def walk(data: bytes, at: int) -> int:
        index, at = _long(data, at)
        if index not in (0, 1):
            raise _Stop("decode", f"index {index} of a union of two")
        return at if index == null_index else inner(data, at)

    return walk


def _array(item: Exact) -> Exact:
    def walk(data: bytes, at: int) -> int:
        number = 0
        while True:
            count, at = _long(data, at)
            size = -1
            if count < 0:  # Avro: a negative count is followed by the block's size in bytes
                count = -count
                size, at = _long(data, at)
            if not count:
                return at
            begin = at
            for number in range(number, number + count):  # noqa: B020  items are numbered over all blocks
                try:
                    at = item(data, at)
                except _Stop as stop:
                    raise _Stop(stop.reason, stop.detail, f"[{number}]{stop.path}") from None
            number += 1
            if size >= 0 and at - begin != size:
                raise _Stop("decode", f"an array block of {at - begin} bytes that claims {size}")

    return walk


def _record(fields: list[tuple[str, Exact]]) -> Exact:
    def walk(data: bytes, at: int) -> int:
        for name, one in fields:
            try:
                at = one(data, at)
            except _Stop as stop:
                raise _Stop(stop.reason, stop.detail, f".{name}{stop.path}") from None
        return at

    return walk


def _compile(kind: AvroType) -> Exact:
    name = type_name(kind)
    simple: dict[str, Exact] = {
        "string": _walk_string, "bytes": _walk_bytes, "decimal": _walk_decimal, "int": _walk_int, "long": _walk_long,
        "timestamp": _walk_long, "boolean": _walk_boolean, "double": _fixed(8), "float": _fixed(4),
    }  # fmt: skip
    if name in simple:
        return simple[name]
    inner = nullable(kind)
    if inner is not None:
        return _union(kind.index("null"), _compile(inner))  # type: ignore[union-attr]
    if isinstance(kind, dict):
        if name == "enum":
            return _enum(len(kind["symbols"]))
        if name == "array":
            return _array(_compile(kind["items"]))
        if name == "record":
            return _record([(field["name"], _compile(field["type"])) for field in kind["fields"]])
    raise ValueError(f"type {name}: not walked; the schema lint refuses it")


class BodyFault:
    """The exact walk compiled for one record schema (parsed JSON; only types the schema lint allows, else ValueError)."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._walk = _compile(schema)

    def find(self, body: bytes) -> Fault | None:
        """The first fault of a body (without its frame); None where the body is whole."""
        try:
            at = self._walk(body, 0)
        except _Stop as stop:
            return Fault(stop.reason, stop.path.lstrip("."), stop.detail)
        if at != len(body):
            return Fault("decode", "", f"{len(body) - at} bytes after the last field")
        return None
