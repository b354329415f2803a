"""From Kafka messages of one partition to the block of one table, columns to the end.

Tombstones (null values of compacted topics) and a worker's position rows say nothing about a value and are left out. Every other message
becomes a row or a Refusal; nothing raises for bad input.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import polars as pl

from sinks.refusals import EARLIEST, LATEST, Refusal, out_of_range
from sinks.stretch import Stretch
from sinks.tables import MOMENT, STATE_KEY, Route
from transport.columnar_reader import INDEX, ColumnarReader
from transport.dead_letters import HEADER
from transport.schema_ids import Resolver

_NO_LETTER = uuid.UUID("5d1c5f0e-8a53-4f0c-9b57-2d3a0f8f1c11")


class Block(NamedTuple):
    """`frame`: exactly the route's columns; `places`: place of each row in the batch; `refused`: what must be told."""

    frame: pl.DataFrame
    places: pl.Series
    refused: list[Refusal]


class Decoder:
    """Decodes batches; keeps one reader a schema. One Decoder a thread."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._readers: dict[str, ColumnarReader] = {}

    def block(self, route: Route, messages: Stretch) -> Block:
        """The block of one batch."""
        makers: dict[str, Callable[[Route, Stretch], tuple[pl.DataFrame, list[Refusal]]]] = {
            "avro": self._records, "dead_letter": self._letters, "bytes": self._bytes,
        }  # fmt: skip
        content, refused = makers[route.reading](route, messages)
        ranges = out_of_range(content, route.times)
        if ranges:
            content = content.filter(~pl.col(INDEX).is_in([r.index for r in ranges]))
        frame = _with_origin(content, messages)
        if route.part:
            frame = frame.with_columns(pl.lit(route.part, pl.Enum([route.part])).alias("part"))
        frame = frame.with_columns(
            *(pl.col(name).cast(MOMENT) for name in route.times),
            *(pl.col(name).cast(_dictionary(name)) for name in route.words if frame.schema[name] == pl.String),
        )
        return Block(frame.select(route.columns), frame[INDEX], sorted(refused + ranges, key=lambda one: one.index))

    def _reader(self, schema: str) -> ColumnarReader:
        reader = self._readers.get(schema)
        if reader is None:
            reader = self._readers[schema] = ColumnarReader(schema, self._resolver)
        return reader

    def _records(self, route: Route, messages: Stretch) -> tuple[pl.DataFrame, list[Refusal]]:
        values, keys = messages.values, messages.keys
        places = _meaningful(route, keys, values)
        if places is not None:
            values = [values[i] for i in places]
        read = self._reader(route.schema).read(values, keys if places is None else [keys[i] for i in places])
        heads = read.heads.frame
        frame = read.joined(heads.with_columns(pl.col(name).cast(_dictionary(name)) for name in route.words if name in heads.columns))
        refused = [Refusal(places[r.index] if places else r.index, r.reason, r.field, r.detail) for r in read.refused]
        if places is not None:
            frame = frame.with_columns(pl.Series(INDEX, places, pl.UInt32).gather(frame[INDEX]))
        if not route.key:
            return frame, refused
        return _with_key(frame, keys, route.key, refused)

    def _letters(self, route: Route, messages: Stretch) -> tuple[pl.DataFrame, list[Refusal]]:
        read = self._reader(route.schema).read([letter or b"" for letter in messages.letters])
        whole = read.frame
        if read.refused:
            lost = pl.DataFrame([_unreadable(messages, r.index) for r in read.refused], schema=whole.schema)
            whole = pl.concat([whole, lost]).sort(INDEX)
        places = whole[INDEX].to_list()
        keys, bodies = [messages.keys[i] or b"" for i in places], [messages.values[i] or b"" for i in places]
        return whole.with_columns(pl.Series("original_key", keys, pl.Binary), pl.Series("body", bodies, pl.Binary)), []

    def _bytes(self, route: Route, messages: Stretch) -> tuple[pl.DataFrame, list[Refusal]]:
        places = [i for i, value in enumerate(messages.values) if value is not None]
        keys = [(messages.keys[i] or b"").decode(errors="replace") for i in places]
        columns = [pl.Series(INDEX, places, pl.UInt32), pl.Series("body", [messages.values[i] for i in places], pl.Binary)]
        return pl.DataFrame([*columns, pl.Series(route.key, keys, pl.String)]), []


def _dictionary(name: str) -> pl.Categorical:
    """The type of a column of few words: numbers into a table that all batches share."""
    return pl.Categorical(pl.Categories(name))


def _meaningful(route: Route, keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> list[int] | None:
    """Places of the messages that say something of a value; None: all of them, the usual case."""
    if route.leave:
        return [i for i, key in enumerate(keys) if values[i] is not None and not (key or b"").startswith(STATE_KEY)]
    if None in values:
        return [i for i, value in enumerate(values) if value is not None]
    return None


def _with_key(
    frame: pl.DataFrame, every: Sequence[bytes | None], name: str, refused: list[Refusal]
) -> tuple[pl.DataFrame, list[Refusal]]:
    """The Kafka keys as a column of texts; a row without a usable key belongs to no series."""
    raw = pl.Series(name, every, pl.Binary)
    if frame.height < len(every):
        raw = raw.gather(frame[INDEX])
    keys = _texts(raw)
    frame = frame.with_columns(keys)
    if keys.null_count():
        detail = "no key in UTF-8: a record of a series carries the series key"
        refused = refused + [Refusal(i, "contract", "key", detail) for i in frame.filter(keys.is_null())[INDEX].to_list()]
        frame = frame.filter(keys.is_not_null())
    return frame, refused


def _texts(raw: pl.Series) -> pl.Series:
    """Bytes as texts, null where they are not UTF-8. polars refuses the whole column for one such row, strict or not."""
    try:
        return raw.cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series(raw.name, [_text(one) for one in raw.to_list()], pl.String)


def _text(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError:
        return None


def _with_origin(frame: pl.DataFrame, messages: Stretch) -> pl.DataFrame:
    topic = messages.topic
    offsets, appended = pl.Series("offset", messages.offsets), pl.Series("appended", messages.stamps)
    if frame.height < len(messages):
        offsets, appended = offsets.gather(frame[INDEX]), appended.gather(frame[INDEX])
    return frame.with_columns(
        offsets, appended.clip(EARLIEST, LATEST).cast(MOMENT), pl.lit(topic, pl.Enum([topic])).alias("topic"),
        pl.lit(messages.partition, pl.Int32).alias("partition"),
    )  # fmt: skip


def _unreadable(messages: Stretch, index: int) -> dict[str, Any]:
    """A dead letter whose own header cannot be read is stored all the same, under an identity made of its place."""
    place = f"{messages.topic}|{messages.partition}|{messages.offsets[index]}"
    stamp = max(int(messages.stamps[index]), 0)
    return {
        "dead_letter_id": str(uuid.uuid5(_NO_LETTER, place)), "stage": messages.topic.rpartition(".")[2], "reason": "other",
        "field": HEADER, "detail": "a dead letter without a readable header", "source": "", "place": place.replace("|", " "),
        "original_topic": "", "original_partition": -1, "original_offset": -1, "original_timestamp": stamp, "attempts": 0,
        "fingerprint": "", "first_seen": stamp, INDEX: index,
    }  # fmt: skip
