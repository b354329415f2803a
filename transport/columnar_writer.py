"""Writing state rows by column: a prefix cached per series, a tail of fixed width made by numpy, a ready-made suffix.

Avro integers may be padded with continuation bits, so every integer of the tail takes the same bytes in every row, and a thousand rows are
a handful of array stores. Widths: int 5 bytes, long and timestamp 8 bytes (±2^55), decimal 1 + 16 bytes, enum and boolean 1 byte, double 8
bytes. Readers see ordinary Avro. What cannot have a fixed width (strings, arrays, nullable fields) belongs before or behind the tail.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import fastavro
import numpy as np
import numpy.typing as npt

from indicators.wide import Wide
from transport.framing import frame
from transport.records import AvroDecoder, AvroEncoder, DecodeError, EncodeError, untimed
from transport.schemas import Schema, SchemaError, type_name

__all__ = ["AvroDecoder", "AvroEncoder", "DecodeError", "EncodeError", "FixedTail", "RowWriter", "TailError", "join"]

LONG_LIMIT: Final = 1 << 55
"""Integers of a tail are at least -LONG_LIMIT and below LONG_LIMIT: eight bytes of seven bits, zigzag."""

_DECIMAL_LENGTH: Final = 32  # 16, zigzag
_PADDING: Final = np.uint64(0x0080808080808080)  # continuation bits of the first seven of eight bytes
_INT_PADDING: Final = np.uint64(0x80808080)

Array = npt.NDArray[Any]
Values = Array | Wide


class TailError(ValueError):
    """Rows do not have this tail: written by another writer or broken. `rows`: their indexes."""

    def __init__(self, schema: str, rows: Array) -> None:
        super().__init__(f"schema {schema}: {len(rows)} rows were not written by this writer; read them with a ColumnarReader")
        self.rows = rows


def _spread(values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Zigzag in seven bits a byte, low byte first, without continuation bits."""
    word = ((values << 1) ^ (values >> 63)).astype(np.uint64)
    word = (word & np.uint64(0x0FFFFFFF)) | ((word & np.uint64(0x00FFFFFFF0000000)) << np.uint64(4))
    word = (word & np.uint64(0x00003FFF00003FFF)) | ((word & np.uint64(0x0FFFC0000FFFC000)) << np.uint64(2))
    return (word & np.uint64(0x007F007F007F007F)) | ((word & np.uint64(0x3F803F803F803F80)) << np.uint64(1))


def _gather(word: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """The reverse of `_spread`; continuation bits are ignored."""
    word = word & np.uint64(0x7F7F7F7F7F7F7F7F)
    word = (word & np.uint64(0x007F007F007F007F)) | ((word & np.uint64(0x7F007F007F007F00)) >> np.uint64(1))
    word = (word & np.uint64(0x00003FFF00003FFF)) | ((word & np.uint64(0x3FFF00003FFF0000)) >> np.uint64(2))
    word = (word & np.uint64(0x0FFFFFFF)) | ((word & np.uint64(0x0FFFFFFF00000000)) >> np.uint64(4))
    value: npt.NDArray[np.int64] = (word >> np.uint64(1)).astype(np.int64) ^ -(word & np.uint64(1)).astype(np.int64)
    return value


def _parts(name: str, kind: str) -> list[tuple[str, str]]:
    if kind == "decimal":
        return [(f"{name}.length", "u1"), (f"{name}.hi", ">i8"), (f"{name}.lo", ">u8")]
    if kind == "int":
        return [(f"{name}.low", "<u4"), (f"{name}.top", "u1")]
    return [(name, {"long": "<u8", "timestamp": "<u8", "enum": "u1", "boolean": "u1", "double": "<f8"}[kind])]


class FixedTail:
    """Consecutive fields of a schema, `first_field` … `last_field` inclusive, in a fixed number of bytes a row.

    `dtype` is the packed layout; `size` its bytes. Raises SchemaError where a field between cannot have a fixed width.
    """

    def __init__(self, schema: Schema, first_field: str, last_field: str) -> None:
        first, last = schema.index(first_field), schema.index(last_field)
        fields = schema.fields[first : last + 1]
        self.schema = schema
        self.kinds: dict[str, str] = {f["name"]: type_name(f["type"]) for f in fields}
        if not fields:
            raise SchemaError(f"schema {schema.name}: «{first_field}» comes after «{last_field}»")
        for name, kind in self.kinds.items():
            if kind not in ("decimal", "int", "long", "timestamp", "enum", "boolean", "double"):
                raise SchemaError(f"schema {schema.name}: «{name}» ({kind}) has no fixed width; end the tail before it")
        self._symbols = {f["name"]: len(f["type"]["symbols"]) for f in fields if type_name(f["type"]) == "enum"}
        self.dtype = np.dtype([part for name, kind in self.kinds.items() for part in _parts(name, kind)])
        self.size = self.dtype.itemsize

    def pack(self, columns: Mapping[str, Values]) -> Array:
        """One element of `dtype` a row. Every field of the tail must be given: decimals as Wide (unscaled, six places), the rest as arrays.

        Raises EncodeError where columns are missing or unknown, lengths differ, or a value leaves its range.
        """
        if columns.keys() != self.kinds.keys():
            wrong = ", ".join(sorted(columns.keys() ^ self.kinds.keys()))
            raise EncodeError(f"schema {self.schema.name}: columns missing or unknown: {wrong}")
        lengths = {len(column) for column in columns.values()}
        if len(lengths) != 1:
            raise EncodeError(f"schema {self.schema.name}: columns of different lengths {sorted(lengths)}")
        rows = np.empty(lengths.pop(), self.dtype)
        for name, kind in self.kinds.items():
            self._put(rows, name, kind, columns[name])
        return rows

    def _put(self, rows: Array, name: str, kind: str, values: Values) -> None:
        if kind == "decimal":
            if not isinstance(values, Wide):
                raise EncodeError(f"schema {self.schema.name}: «{name}» takes a Wide")
            rows[f"{name}.length"], rows[f"{name}.hi"], rows[f"{name}.lo"] = _DECIMAL_LENGTH, values.hi, values.lo
            return
        if isinstance(values, Wide):
            raise EncodeError(f"schema {self.schema.name}: «{name}» ({kind}) takes an array")
        if kind == "double":
            rows[name] = values
            return
        numbers = np.asarray(values).astype(np.int64)
        low, high = self._range(name, kind)
        if len(numbers) and (int(numbers.min()) < low or int(numbers.max()) >= high):
            raise EncodeError(f"schema {self.schema.name}: «{name}» ({kind}) has a value outside {low} … {high - 1}")
        if kind in ("long", "timestamp"):
            rows[name] = _spread(numbers) | _PADDING
        elif kind == "int":
            word = _spread(numbers)
            rows[f"{name}.low"], rows[f"{name}.top"] = (word & np.uint64(0xFFFFFFFF)) | _INT_PADDING, word >> np.uint64(32)
        else:
            rows[name] = numbers << 1 if kind == "enum" else numbers

    def _range(self, name: str, kind: str) -> tuple[int, int]:
        if kind == "int":
            return -(1 << 31), 1 << 31
        if kind == "enum":
            return 0, min(self._symbols[name], 64)
        return (0, 2) if kind == "boolean" else (-LONG_LIMIT, LONG_LIMIT)

    def cut(self, messages: Sequence[bytes], starts: Sequence[int] | None = None) -> Array:
        """The tails of whole messages: at `starts`, or the last bytes of each. Raises TailError where a message is too short."""
        size = self.size
        pieces = (
            [m[-size:] for m in messages] if starts is None else [m[s : s + size] for m, s in zip(messages, starts, strict=True)]
        )  # fmt: skip
        joined = b"".join(pieces)
        if len(joined) != size * len(messages):
            raise TailError(self.schema.name, np.flatnonzero([len(p) != size for p in pieces]))
        return np.frombuffer(joined, self.dtype)

    def unpack(self, rows: Array | bytes) -> dict[str, Values]:
        """Columns of tails made by `pack` (elements of `dtype`, or their bytes joined): decimals as Wide, enums as numbers, booleans as
        bool.

        Raises TailError naming rows that are not of this layout, e.g. written by another Avro writer.
        """
        table = np.frombuffer(rows, self.dtype) if isinstance(rows, bytes) else rows
        strange = np.zeros(len(table), np.bool_)
        columns = {name: self._take(table, name, kind, strange) for name, kind in self.kinds.items()}
        if strange.any():
            raise TailError(self.schema.name, np.flatnonzero(strange))
        return columns

    def _take(self, rows: Array, name: str, kind: str, strange: npt.NDArray[np.bool_]) -> Values:
        if kind == "decimal":
            strange |= rows[f"{name}.length"] != _DECIMAL_LENGTH
            return Wide(rows[f"{name}.hi"].astype(np.int64), rows[f"{name}.lo"].astype(np.uint64))
        if kind in ("long", "timestamp"):
            strange |= (rows[name] & np.uint64(0x8080808080808080)) != _PADDING
            return _gather(rows[name].astype(np.uint64))
        if kind == "int":
            low, top = rows[f"{name}.low"].astype(np.uint64), rows[f"{name}.top"].astype(np.uint64)
            strange |= ((low & _INT_PADDING) != _INT_PADDING) | (top > 0x0F)
            return _gather(low | (top << np.uint64(32)))
        if kind == "enum":
            strange |= ((rows[name] & 1) != 0) | (rows[name] >= 2 * self._symbols[name])
            return (rows[name] >> 1).astype(np.int64)
        if kind == "boolean":
            strange |= rows[name] > 1
            return rows[name].astype(np.bool_)
        return rows[name].astype(np.float64)


def join(prefixes: Sequence[bytes], packed: Array, suffixes: Sequence[bytes] | None = None) -> list[bytes]:
    """Whole messages: prefix, tail, suffix of each row. ValueError where their numbers differ."""
    data, size = packed.tobytes(), packed.dtype.itemsize
    places = range(0, len(data), size)
    if suffixes is None:
        return [prefix + data[at : at + size] for prefix, at in zip(prefixes, places, strict=True)]
    return [prefix + data[at : at + size] + suffix for prefix, at, suffix in zip(prefixes, places, suffixes, strict=True)]


class RowWriter:
    """Framed rows of one schema: fields before `first_field` as a prefix, the fixed tail, fields after `last_field` as a suffix."""

    def __init__(self, schema: Schema, schema_id: int, first_field: str, last_field: str) -> None:
        self.tail = FixedTail(schema, first_field, last_field)
        self._frame = frame(schema_id)
        parsed = untimed(schema)["fields"]
        first, last = schema.index(first_field), schema.index(last_field)
        self._before, self._after = parsed[:first], parsed[last + 1 :]
        self._schema = schema
        self.empty_suffix = self.suffix({}) if all("default" in f or type_name(f["type"]) == "array" for f in self._after) else None

    def prefix(self, record: Mapping[str, Any]) -> bytes:
        """Frame and leading fields: constant per series, so the caller keeps it. Raises EncodeError."""
        return self._frame + self._fields(self._before, record)

    def suffix(self, record: Mapping[str, Any]) -> bytes:
        """The fields after the tail; an array not given is empty, another field takes its default. Raises EncodeError."""
        return self._fields(self._after, record)

    def rows(self, prefixes: Sequence[bytes], columns: Mapping[str, Values], suffixes: Sequence[bytes] | None = None) -> list[bytes]:
        """Whole framed messages. Without `suffixes` every array behind the tail is empty."""
        if suffixes is None and self._after:
            if self.empty_suffix is None:
                raise EncodeError(f"schema {self._schema.name}: fields after the tail have no empty value; give suffixes")
            suffixes = [self.empty_suffix] * len(prefixes)
        return join(prefixes, self.tail.pack(columns), suffixes)

    def _fields(self, fields: list[dict[str, Any]], record: Mapping[str, Any]) -> bytes:
        out = io.BytesIO()
        for field in fields:
            name = field["name"]
            empty: Any = [] if type_name(field["type"]) == "array" else field.get("default")
            try:
                fastavro.schemaless_writer(out, field["type"], record.get(name, empty))
            except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
                raise EncodeError(f"schema {self._schema.name}: field «{name}»: {type(error).__name__}") from None
        return out.getvalue()
