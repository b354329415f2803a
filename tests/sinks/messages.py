"""Consumed messages without a broker: what the decoder and the lanes ask of one."""

from __future__ import annotations

from typing import Any, cast

from confluent_kafka import Message

from transport.records import AvroEncoder
from transport.schemas import load

SCHEMA_ID = 7


class Consumed:
    """One message of partition 3 of obs.trade, or of another; `error`: what a message that is none tells of."""

    def __init__(
        self, offset: int, value: bytes | None, key: bytes | None = b"k", headers: Any = None, topic: str = "obs.trade",
        partition: int = 3, error: Any = None,
    ) -> None:  # fmt: skip
        self._offset, self._value, self._key, self._headers = offset, value, key, headers
        self._topic, self._partition, self._error = topic, partition, error

    def __len__(self) -> int:
        return len(self._value or b"")

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return self._partition

    def error(self) -> Any:
        return self._error

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes | None:
        return self._value

    def key(self) -> bytes | None:
        return self._key

    def headers(self) -> Any:
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_767_200_400_000 + self._offset


def message(offset: int, value: bytes | None = b"x", **fields: Any) -> Message:
    """A message as the consumer gives it."""
    return cast(Message, Consumed(offset, value, **fields))


def encode(schema: str, record: dict[str, Any]) -> bytes:
    """A framed record under SCHEMA_ID."""
    return AvroEncoder(schema, SCHEMA_ID).encode(record)


def sample(schema: str) -> dict[str, Any]:
    """A record of the schema with a plain value in every field."""
    return {field["name"]: _value(field["type"]) for field in load(schema).fields}


def _value(kind: Any) -> Any:
    from decimal import Decimal

    if isinstance(kind, list):
        return None
    if isinstance(kind, str):
        return {"string": "a", "int": 1, "long": 2, "boolean": True, "double": 0.5, "bytes": b"b"}[kind]
    if kind.get("logicalType") == "decimal":
        return Decimal("1.5")
    if kind.get("logicalType") == "timestamp-millis":
        return 1_767_200_400_000
    if kind["type"] == "enum":
        return kind["symbols"][0]
    if kind["type"] == "array":
        return [_value(kind["items"])]
    return {field["name"]: _value(field["type"]) for field in kind["fields"]}
