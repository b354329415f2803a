"""A chunk of Avro bodies as one object container in memory, so that polars reads them at once.

In Avro a record is its fields one after another, without marks between. A row schema of `guard`, `frame` and the writer's fields therefore
reads «guard, framed message» as it is: nothing is cut out of a message. The container is `Obj 1`, metadata, one block (count, size, rows),
all with an empty sync marker (Avro specification, «Object Container Files»).

Safety, beside the walk of `transport/body_check.py`: each row begins with a guard (a random 59-bit base of this process plus the row's
number, nine bytes on the wire) and a known-good sentinel closes the block. If all guards come back in order and the sentinel equals
itself, no row has taken bytes of another.
"""

from __future__ import annotations

import io
import json
import secrets
from typing import Any, Final, NamedTuple

import fastavro
import numpy as np
import numpy.typing as npt
import polars as pl

from transport.body_check import PADDING
from transport.framing import FRAME_BYTES, encode_long, frame
from transport.schemas import AvroType, type_name

GUARD: Final = "_guard"
FRAME: Final = "_frame"
GUARD_BYTES: Final = 9
_SYNC: Final = bytes(16)
_TAIL: Final = _SYNC + bytes(18) * -(-PADDING // 18)
"""End of the block, then as many empty blocks (no rows, no bytes, the sync marker) as the walk may look past the end."""
_BASE: Final = secrets.randbits(58) | 1 << 58


Numbers = npt.NDArray[np.int64]


class Joined(NamedTuple):
    """A container in memory, and in it the first byte of each framed message and one past its last."""

    data: bytes
    starts: Numbers
    ends: Numbers


class ContainerError(Exception):
    """polars could not read a container, or read it with rows that are not the messages put in."""


class _Guards:
    """The encoded guards 0 … n, made once and grown when a longer chunk comes."""

    def __init__(self) -> None:
        self._made: list[bytes] = []

    def first(self, count: int) -> list[bytes]:
        """The first `count` guards."""
        for number in range(len(self._made), count):
            self._made.append(encode_long(_BASE + number))
        return self._made[:count]


_GUARDS = _Guards()


def plain(kind: AvroType) -> AvroType:
    """The same bytes under types that cost least to read: enum as int, timestamp as long, string as bytes (checked by column later)."""
    name = type_name(kind)
    if isinstance(kind, list):
        return [plain(inner) for inner in kind]
    if isinstance(kind, str):
        return "bytes" if kind == "string" else kind
    if name == "enum":
        return "int"
    if name == "timestamp":
        return "long"
    if name == "array":
        return {"type": "array", "items": plain(kind["items"])}
    if name == "record":
        return {"type": "record", "name": kind["name"], "fields": [{"name": f["name"], "type": plain(f["type"])} for f in kind["fields"]]}
    if name == "decimal":
        return kind
    return plain(kind["type"])


class Container:
    """Joins framed messages of one schema id into a container and reads it back as a frame of plain columns."""

    def __init__(self, writer: dict[str, Any], schema_id: int) -> None:
        self._frame = frame(schema_id)
        fields = [{"name": f["name"], "type": plain(f["type"])} for f in writer["fields"]]
        rows = [{"name": GUARD, "type": "long"}, {"name": FRAME, "type": {"type": "fixed", "name": "_Frame", "size": FRAME_BYTES}}, *fields]
        self._head = _head({"type": "record", "name": "_Row", "fields": rows})
        self._sentinel = self._frame + _sample_body({"type": "record", "name": "_Body", "fields": fields})
        self._sentinel_row: tuple[Any, ...] = ()
        self._sentinel_row = self._parse(self.join([], np.zeros(0, np.int64)).data).row(0)[1:]

    def join(self, messages: list[bytes], lengths: Numbers) -> Joined:
        """The container of the messages, made in one piece: what the walk looks at and `read` takes. `lengths`: those of the messages."""
        count = len(messages)
        size = int(lengths.sum()) + (count + 1) * GUARD_BYTES + len(self._sentinel)
        head = b"".join((self._head, encode_long(count + 1), encode_long(size)))
        parts = [b""] * (2 * count + 4)
        parts[0] = head
        parts[1:-2:2] = _GUARDS.first(count + 1)
        parts[2:-2:2] = messages
        parts[-2] = self._sentinel
        parts[-1] = _TAIL
        ends = np.cumsum(lengths + GUARD_BYTES) + len(head)
        return Joined(b"".join(parts), ends - lengths, ends)

    def read(self, joined: Joined) -> pl.DataFrame:
        """Plain columns of the messages in `joined`, in order.

        Raises ContainerError where polars refuses the block or guards, frames or the sentinel do not come back as put in.
        """
        table, count = self._parse(joined.data), len(joined.ends)
        guards = table[GUARD].to_numpy()
        if len(table) != count + 1 or not np.array_equal(guards, np.arange(_BASE, _BASE + count + 1)):
            raise ContainerError("guards are not in order: a row took bytes of its neighbour")
        if not (table[FRAME] == pl.Series([self._frame])).all():
            raise ContainerError("a frame is not the one of this schema id")
        if table.row(count)[1:] != self._sentinel_row:
            raise ContainerError("the sentinel is not equal to itself")
        return table.head(count).drop(GUARD, FRAME)

    def _parse(self, container: bytes) -> pl.DataFrame:
        try:
            return pl.read_avro(io.BytesIO(container))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:  # a panic is a BaseException: by name
            raise ContainerError(f"{type(error).__name__}: {error}") from error


def _head(row: dict[str, Any]) -> bytes:
    parts = [b"Obj\x01", encode_long(2)]
    for key, value in ((b"avro.schema", json.dumps(row).encode()), (b"avro.codec", b"null")):
        parts += [encode_long(len(key)), key, encode_long(len(value)), value]
    return b"".join([*parts, encode_long(0), _SYNC])


def _sample_body(row: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(row), _sample(row))
    return out.getvalue()


def _sample(kind: AvroType) -> Any:
    """A value of a plain type with every part filled: unions present, arrays of one item."""
    if isinstance(kind, list):
        return _sample(next(inner for inner in kind if inner != "null"))
    if isinstance(kind, dict):
        if kind["type"] == "record":
            return {f["name"]: _sample(f["type"]) for f in kind["fields"]}
        if kind["type"] == "array":
            return [_sample(kind["items"])]
        return b"\x01\x02"  # decimal: fastavro writes bytes as they are
    return {"bytes": b"sentinel", "int": 7, "long": 1 << 40, "boolean": True, "double": 0.5, "float": 0.5}[kind]
