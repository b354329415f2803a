"""Stage 1 of the worker on messages of one partition, without servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stream_processors.stage1 import Stage1
from tests.stream_processors.offline import OfflineContext, Record
from transport.columnar_writer import AvroDecoder

CHUNK = 700


def fold(group: str, messages: Sequence[tuple[bytes, bytes]]) -> tuple[dict[bytes, dict[str, Any]], list[dict[str, Any]]]:
    """Newest aggregate row of each series and every condition row, after the messages. Refused ones fail."""
    context = OfflineContext()
    stage = Stage1(context, group, 0)
    stage.restore = lambda: 0  # type: ignore[method-assign]
    aggregates: dict[bytes, dict[str, Any]] = {}
    conditions: list[dict[str, Any]] = []
    decoders = {name: AvroDecoder(name, context.registry.schema) for name in ("aggregate", "condition")}
    for at in range(0, len(messages), CHUNK):
        part = messages[at : at + CHUNK]
        records = [Record(at + i, key, value, at + i) for i, (key, value) in enumerate(part)]
        for rows in stage.fold(records, at, at + len(part)):
            assert not rows.topic.startswith("dead."), "a message of the load was refused"
            for key, row in zip(rows.keys, rows.values, strict=True):
                if rows.topic.startswith("agg.") and not key.startswith(b"\x00"):
                    aggregates[key] = decoders["aggregate"].decode(row)
                elif rows.topic.startswith("alerts.conditions"):
                    conditions.append(decoders["condition"].decode(row))
    return aggregates, conditions
