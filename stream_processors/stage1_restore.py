"""Restoring stage 1 on one partition: panes and aggregates from their compacted topics, then the record memory.

The memory comes from a local snapshot (named by its input offset) where there is one, and from the inputs themselves for the rest:
decoding and admitting again gives the same memory, because both depend on the prefix alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog
from confluent_kafka import Message

from indicators.wide import Wide
from stream_processors.conditions import rule_state_of
from stream_processors.series_table import NEVER
from stream_processors.snapshot import load_snapshot
from stream_processors.stage1_rows import POSITION
from transport.columnar_writer import AvroDecoder
from transport.state_reader import newest_rows, read_partition

if TYPE_CHECKING:
    from stream_processors.stage1 import Stage1

log = structlog.get_logger(__name__)

MEMORY_GRACE_MS: Final = 2 * 86_400_000


class Input:
    """The attributes of a consumer record that a fold reads. One is made of each record that is read again."""

    __slots__ = ("key", "offset", "timestamp", "value")

    def __init__(self, offset: int, key: bytes, value: bytes | None, timestamp: int) -> None:
        self.offset, self.key, self.value, self.timestamp = offset, key, value, timestamp


def restore_stage1(stage: Stage1) -> tuple[int, int]:
    """Fill `stage`; returns its next input offset and the floor of what was forwarded (stream_processors/set_panes.py)."""
    started = time.monotonic()
    context, group, p = stage.context, stage.group, stage.partition
    aggregates = newest_rows(context.settings, f"{context.prefix}agg.{group}", p)
    position_row = aggregates.pop(POSITION, None)
    state, clock = position_state(stage, position_row), silence_clock(stage, position_row)
    position = int(state["next"])
    replayed = _restore_memory(stage, position)
    panes = newest_rows(context.settings, f"{context.prefix}panes.{group}", p)
    fill(stage, panes, aggregates)
    stage.rules.silences.restore(*clock)
    log.info(
        "stage 1 restored", topic=stage.topic, partition=p, position=position, panes=len(panes), series=len(aggregates),
        records=len(stage.memory), inputs_read=replayed, seconds=round(time.monotonic() - started, 2),
    )  # fmt: skip
    return position, int(state["floor"])


def position_state(stage: Stage1, row: bytes | None) -> dict[str, int]:
    """What the position row says: `next` input offset, `floor` of what was forwarded."""
    if row is None:
        return {"next": 0, "floor": 0}
    found: dict[str, int] = AvroDecoder("aggregate", stage.context.registry.schema).decode(row)["position"][0]
    return found


def silence_clock(stage: Stage1, row: bytes | None) -> tuple[int, int]:
    """The clock of silences that the position row keeps second: append time, event time by then (epoch ms; 0: none)."""
    kept = AvroDecoder("aggregate", stage.context.registry.schema).decode(row)["position"] if row is not None else []
    return (int(kept[1]["first"]), int(kept[1]["watermark"])) if len(kept) > 1 else (0, 0)


def fill(stage: Stage1, panes: dict[bytes, bytes], aggregates: dict[bytes, bytes]) -> None:
    """State rows (newest by key, without the position row) into the stage; not the record memory."""
    stage.pane_rows.read(panes, stage.tables)
    _restore_series(stage, aggregates, AvroDecoder("aggregate", stage.context.registry.schema))
    stage.rules.reports.reload(stage.tables)
    stage.receipts.reload(stage.tables)


def _restore_series(stage: Stage1, aggregates: dict[bytes, bytes], decoder: AvroDecoder) -> None:
    """Newest values, watermarks and rule states, from the aggregate rows."""
    stage.series.watermark[:] = NEVER
    stage.series.first_time[:] = -NEVER
    if not aggregates:
        return
    sid, columns = stage.aggregate_rows.read(aggregates)
    stage.reserve()
    latest = columns["latest"]
    assert isinstance(latest, Wide)
    stage.newest.value.put(sid, latest)
    stage.newest.year[sid] = columns["budget_year"]
    times = np.asarray(columns["latest_time"])
    stage.newest.time[sid] = np.where(times == 0, NEVER, times)
    stage.through[sid] = columns["through"]
    stage.series.generation[sid] = columns["generation"]
    stage.series.watermark[sid], stage.series.first_time[sid] = columns["watermark"], columns["first_time"]
    stateful = stage.series.stateful(np.arange(len(stage.series)))
    for s, value in zip(sid.tolist(), aggregates.values(), strict=True):
        if stateful[s]:
            states = decoder.decode(value)["rules"]
            stage.rules.states[s] = {r["rule"]: rule_state_of(r) for r in states}
    reported = sid[stage.series.reported[sid]]
    if reported.size:
        stage.newest.reanchor(reported)


def _restore_memory(stage: Stage1, position: int) -> int:
    """Rebuild the record memory up to `position`; returns how many inputs were read."""
    context = stage.context
    start = load_snapshot(stage, position)
    count = 0
    for batch in read_partition(context.settings, stage.topic, stage.partition, start, position):
        records = inputs_of([m for m in batch if (m.offset() or 0) not in stage.poison] if stage.poison else batch)
        if not records:
            continue
        admitted, _ = stage.admit(records)
        events = np.flatnonzero(~stage.series.reported[admitted.arrivals.sid])
        stage.memory.remember(admitted.arrivals.take(events))
        count += len(batch)
    return count


def inputs_of(messages: Sequence[Message]) -> list[Input]:
    """Consumed messages as a fold reads them. Attribute by attribute: a call of Python for each took a quarter of a rebuild."""
    offsets, keys = [m.offset() or 0 for m in messages], [m.key() or b"" for m in messages]
    return list(map(Input, offsets, keys, [m.value() for m in messages], [m.timestamp()[1] for m in messages]))
