"""Messages of one schema id into the reader's columns: walked, read by polars in one container, resolved.

Should polars refuse a block the walk found whole, the block is halved down to LEAF messages, which fastavro reads one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from transport.avro_container import Container, ContainerError, Joined
from transport.body_check import BodyCheck
from transport.body_fault import BodyFault, Fault
from transport.framing import FRAME_BYTES
from transport.message_chunk import Chunk
from transport.records import DecodeError, read_body, untimed
from transport.resolution import Column, ResolutionError, column_type, plan
from transport.schemas import Schema, SchemaError, of

LEAF: Final = 64
INDEX: Final = "index"


def frame_schema(schema: Schema) -> dict[str, pl.DataType]:
    """Column types of a decoded frame, `index` last."""
    return {**{f["name"]: column_type(f["type"]) for f in schema.fields}, INDEX: pl.UInt32()}


class BodySource:
    """Reads messages of one schema id. Raises ResolutionError where `raw` cannot be read as `reader`."""

    def __init__(self, number: int, raw: dict[str, Any], reader: Schema) -> None:
        try:
            writer = of(f"id {number}", raw)
            self._plan = plan(raw, reader.raw)
            self._check, self._fault, self._container = BodyCheck(raw), BodyFault(raw), Container(raw, number)
        except (SchemaError, ValueError, KeyError) as error:
            raise ResolutionError("", f"schema id {number} cannot be read: {error}") from error
        self._columns = frame_schema(reader)
        self._written, self._reader = untimed(writer), untimed(reader)

    def read(self, chunk: Chunk) -> None:
        """Append frames to the chunk and refusals to its list."""
        joined = self._join(chunk)
        doubts = self._check.doubts(joined.data, joined.starts + FRAME_BYTES, joined.ends)
        if len(doubts):
            bad = [row for row in doubts.tolist() if self._refuse_fault(chunk, row)]
            chunk.drop(bad)
            joined = self._join(chunk)
        if not chunk.messages:
            return
        if self._plan is None:
            chunk.frames.append(self._one_by_one(chunk))
        else:
            self._halve(chunk, joined, self._plan)

    def fault(self, message: bytes) -> Fault | None:
        """What is wrong with a framed message, None where it is whole."""
        return self._fault.find(message[FRAME_BYTES:])

    def _refuse_fault(self, chunk: Chunk, row: int) -> bool:
        fault = self.fault(chunk.messages[row])
        if fault is None:
            return False
        chunk.refuse(row, *fault)
        return True

    def _join(self, chunk: Chunk) -> Joined:
        return self._container.join(chunk.messages, chunk.lengths())

    def _halve(self, chunk: Chunk, joined: Joined, columns: list[Column]) -> None:
        """Read at once; where polars will not, in halves; small pieces one by one."""
        count = len(chunk.messages)
        try:
            table = self._container.read(joined)
        except ContainerError:
            if count <= LEAF:
                chunk.frames.append(self._one_by_one(chunk))
                return
            for half in (slice(0, count // 2), slice(count // 2, count)):
                part = Chunk(chunk.messages[half], chunk.where[half], chunk.frames, chunk.refused)
                self._halve(part, self._join(part), columns)
            return
        chunk.frames.append(resolved(chunk, {column.name: column for column in table.get_columns()}, columns))

    def _one_by_one(self, chunk: Chunk) -> pl.DataFrame:
        """Rows by fastavro; a body is whole only where the reader stops at its end."""
        rows = []
        for row, message in enumerate(chunk.messages):
            try:
                rows.append(read_body(message, self._written, self._reader) | {INDEX: chunk.where[row]})
            except DecodeError as error:
                chunk.refuse(row, error.reason, error.field, error.detail)
        return pl.DataFrame(rows, schema=self._columns, orient="row")


def resolved(chunk: Chunk, table: Mapping[str, pl.Series], columns: list[Column]) -> pl.DataFrame:
    """The reader's columns of plain columns; rows with unusable texts or unknown values go to the refused."""
    done: list[pl.Series] = []
    bad: dict[int, tuple[str, str, str]] = {}
    for column in columns:
        if column.convert is None:
            continue
        source = table[column.name]
        try:
            made = column.convert(source)
        except pl.exceptions.ComputeError:
            texts = source.to_list()
            wrong = [row for row, value in enumerate(texts) if not _is_text(value)]
            if not wrong:
                raise  # not a text: a defect of the plan, not of the messages
            for row in wrong:
                bad[row] = ("wrong_encoding", column.name, "text that is not UTF-8")
                texts[row] = None
            made = column.convert(pl.Series(texts, dtype=source.dtype))
        if column.required and made.null_count():
            for row in made.is_null().arg_true().to_list():
                bad.setdefault(row, ("contract", column.name, "a value the present schema does not know"))
        done.append(made.alias(column.name))
    where = pl.Series(INDEX, chunk.where, dtype=pl.UInt32)
    frame = pl.DataFrame([*done, where])
    if any(column.default is not None for column in columns):  # a query of its own: dear for a small chunk
        frame = frame.select([c.name if c.default is None else c.default for c in columns] + [INDEX])
    if not bad:
        return frame
    keep = np.ones(frame.height, np.bool_)
    for row, fault in bad.items():
        chunk.refuse(row, *fault)
        keep[row] = False
    return frame.filter(pl.Series(keep))


def _is_text(value: Any) -> bool:
    """Whether all texts inside a plain value are UTF-8."""
    if isinstance(value, bytes):
        if value.isascii():
            return True
        try:
            value.decode()
        except UnicodeDecodeError:
            return False
    elif isinstance(value, list):
        return all(_is_text(item) for item in value)
    elif isinstance(value, dict):
        return all(_is_text(item) for item in value.values())
    return True
