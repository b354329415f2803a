"""Single records by fastavro: the writer and the reader beside the columns, and their referee in property tests."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from typing import Any

import fastavro

from transport.body_fault import BodyFault
from transport.framing import FRAME_BYTES, frame, schema_id
from transport.schema_ids import Resolver, SchemaUnknown
from transport.schemas import AvroType, Schema, load, of, type_name
from transport.topics import MAX_MESSAGE_BYTES


class EncodeError(ValueError):
    """A record does not fit its schema; the message names schema and field, never the value."""


class DecodeError(ValueError):
    """A message cannot be read. `reason`: one of the dead letter's; `field`: its path, empty for the whole; `detail`: what was found."""

    def __init__(self, reason: str, field: str, detail: str) -> None:
        super().__init__(f"{reason}: {field + ': ' if field else ''}{detail}")
        self.reason, self.field, self.detail = reason, field, detail


def untimed(schema: Schema) -> dict[str, Any]:
    """The schema as fastavro works with it, timestamps as plain longs: epoch ms on both sides, and no range of datetime to fall out of."""

    def strip(kind: AvroType) -> AvroType:
        if isinstance(kind, list):
            return [strip(inner) for inner in kind]
        if type_name(kind) == "timestamp":
            return "long"
        if isinstance(kind, dict) and kind["type"] == "array":
            return {**kind, "items": strip(kind["items"])}
        if isinstance(kind, dict) and kind["type"] == "record":
            return {**kind, "fields": [{**f, "type": strip(f["type"])} for f in kind["fields"]]}
        return kind

    parsed = fastavro.parse_schema(strip(copy.deepcopy(schema.raw)))
    assert isinstance(parsed, dict)
    return parsed


class AvroEncoder:
    """Writes single records as framed messages. `schema`: one of `schemas/avro` by its name, or any other version of one."""

    def __init__(self, schema: str | Schema, schema_id: int) -> None:
        self.schema = load(schema) if isinstance(schema, str) else schema
        self._frame = frame(schema_id)
        self._parsed = untimed(self.schema)
        self._names = frozenset(field["name"] for field in self.schema.fields)

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """Frame and body. Times are epoch ms; decimals Decimal; missing fields take their default.

        Raises EncodeError where a field is missing, unknown or of another type, a decimal has more than six places, or the message is too
        long.
        """
        unknown = record.keys() - self._names
        if unknown:
            raise EncodeError(f"schema {self.schema.name}: no field {', '.join(sorted(unknown))}")
        out = io.BytesIO()
        out.write(self._frame)
        try:
            fastavro.schemaless_writer(out, self._parsed, record, strict_allow_default=True)
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
            raise EncodeError(f"schema {self.schema.name}: {self._culprit(record)}: {type(error).__name__}") from None
        if out.tell() > MAX_MESSAGE_BYTES:
            raise EncodeError(f"schema {self.schema.name}: {out.tell()} bytes where at most {MAX_MESSAGE_BYTES} are allowed")
        return out.getvalue()

    def _culprit(self, record: Mapping[str, Any]) -> str:
        """The first field that cannot be written alone."""
        for field in self._parsed["fields"]:
            name = field["name"]
            if name not in record and "default" not in field:
                return f"field «{name}» is missing"
            try:
                fastavro.schemaless_writer(io.BytesIO(), field["type"], record.get(name, field.get("default")))
            except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
                return f"field «{name}» does not take a {type(record.get(name)).__name__}"
        return "a field does not fit"


class AvroDecoder:
    """Reads single framed messages with the schema `name`; `resolver` gives the writer's schema of an id, or raises SchemaUnknown."""

    def __init__(self, name: str, resolver: Resolver) -> None:
        self.schema = load(name)
        self._resolver = resolver
        self._reader = untimed(self.schema)
        self._writers: dict[int, tuple[BodyFault, dict[str, Any]]] = {}

    def decode(self, message: bytes | None) -> dict[str, Any]:
        """The record of a message: times as epoch ms, enums as symbols, decimals as Decimal. Raises DecodeError."""
        if message is None:
            raise DecodeError("decode", "", "no value (a tombstone)")
        if len(message) > MAX_MESSAGE_BYTES:
            raise DecodeError("too_large", "", f"{len(message)} bytes where at most {MAX_MESSAGE_BYTES} are allowed")
        if len(message) < FRAME_BYTES:
            raise DecodeError("truncated", "", f"{len(message)} bytes where a frame alone has {FRAME_BYTES}")
        number = schema_id(message)
        if number is None:
            raise DecodeError("decode", "", f"first byte {message[0]} where a framed message begins with 0")
        faults, writer = self._writer(number)
        fault = faults.find(message[FRAME_BYTES:])
        if fault is not None:
            raise DecodeError(*fault)
        return read_body(message, writer, self._reader)

    def _writer(self, number: int) -> tuple[BodyFault, dict[str, Any]]:
        if number not in self._writers:
            try:
                raw = self._resolver(number)
                _check_resolvable(raw, self.schema.raw)
                self._writers[number] = BodyFault(raw), untimed(of(f"id {number}", raw))
            except SchemaUnknown as error:
                raise DecodeError("schema_unknown", "", str(error)) from error
            except DecodeError:
                raise
            except (ValueError, KeyError) as error:
                raise DecodeError("contract", "", f"schema id {number} cannot be read: {error}") from error
        return self._writers[number]


def _check_resolvable(writer: dict[str, Any], reader: dict[str, Any]) -> None:
    """Raises DecodeError where Avro cannot read what `writer` wrote with `reader`; ValueError, KeyError for what is no schema."""
    if writer == reader:
        return
    # Polars takes a third of a processor second to load, and a process of single records seldom meets another writer.
    from transport.resolution import ResolutionError, plan

    try:
        plan(writer, reader)
    except ResolutionError as error:
        raise DecodeError("contract", error.field, error.detail) from error


def read_body(message: bytes, writer: dict[str, Any], reader: dict[str, Any]) -> dict[str, Any]:
    """The record of a framed message by fastavro, which must stop at its end. Raises DecodeError."""
    source = io.BytesIO(message)
    source.seek(FRAME_BYTES)
    try:
        record = fastavro.schemaless_reader(source, writer, reader)
    except fastavro.read.SchemaResolutionError as error:
        raise DecodeError("contract", "", f"not readable with the present schema: {type(error).__name__}") from error
    except (EOFError, ValueError, LookupError, ArithmeticError, TypeError) as error:
        raise DecodeError("decode", "", f"not readable: {type(error).__name__}") from error
    if source.tell() != len(message):
        raise DecodeError("decode", "", f"{len(message) - source.tell()} bytes after the last field")
    assert isinstance(record, dict)
    return record
