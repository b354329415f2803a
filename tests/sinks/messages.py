"""Messages without a broker, as a consumer gives them."""

from __future__ import annotations

from typing import Any

from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

from transport.records import AvroEncoder
from transport.schemas import load

SCHEMA_ID = 7


def message(
    offset: int, value: bytes | None = b"x", *, key: bytes | None = b"k", headers: Any = None, topic: str = "obs.trade",
    partition: int = 3, error: Any = None,
) -> Message:  # fmt: skip
    """A message as the consumer gives it, of partition 3 of obs.trade or of another; `error`: what a message that is none tells of."""
    return Message(
        topic=topic, partition=partition, offset=offset, key=key, value=value, headers=headers, error=error,
        timestamp=(TIMESTAMP_CREATE_TIME, 1_767_200_400_000 + offset),
    )  # fmt: skip


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
