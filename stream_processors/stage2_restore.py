"""Restoring stage 2 on one partition: the newest operands it wrote, and its derived rows with the states of their rules."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import structlog

from stream_processors.conditions import rule_state_of
from stream_processors.horizon import Touch
from stream_processors.replay_mark import replay_headers
from stream_processors.rule_state import RuleState
from stream_processors.stage1_rows import POSITION
from stream_processors.stage2_rows import operand_of, outcome_of
from transport.columnar_reader import ColumnarReader
from transport.state_reader import newest_rows, read_partition

if TYPE_CHECKING:
    from stream_processors.stage2 import Stage2

log = structlog.get_logger(__name__)

_BATCH: Final = 20_000


def restore_stage2(stage: Stage2) -> int:
    """Fill `stage` and return its next input offset. Every result with a rule is evaluated once: nothing waits over a restart."""
    started = time.monotonic()
    context, group, p = stage.context, stage.group, stage.partition
    derived = newest_rows(context.settings, f"{context.prefix}derived.{group}", p)
    position_row = derived.pop(POSITION, None)
    reader = ColumnarReader("derived", context.registry.schema)
    position = 0
    if position_row is not None:
        position = int(reader.read([position_row]).frame["position"][0][0]["next"])
    operands, newest_of = _operands(stage)
    quiet: dict[str, tuple[int, bool]] = {}
    for place, row in zip(operands, _records(stage.reader, operands.values()), strict=True):
        state = stage.result(row["result"])
        if state is not None:
            state.take(operand_of(row))
            at, marked = newest_of[place]
            if at >= quiet.get(row["result"], (-1, False))[0]:
                quiet[row["result"]] = at, marked
    kept: list[tuple[int, str, str, dict[str, RuleState]]] = []
    for row in _records(reader, derived.values()):
        key = stage.state_key(row["result"])
        state = stage.result(key)
        if state is None:
            continue
        outcome = outcome_of(row, each=bool(state.formula.each))
        state.outcomes[outcome.spot, outcome.period_start] = outcome
        if row["rules"]:
            states = {r["rule"]: rule_state_of(r) for r in row["rules"]}
            kept.append((row["period_start"], key, outcome.spot, states))
    for start, key, spot, states in sorted(kept, key=lambda one: one[:3]):
        stage.rules.restore(key, stage.results[key].result, (spot, start), states)
    now = Touch(stage.clock(), stage.clock())
    stage.waiting = {key: now for key, state in stage.results.items() if state.outcomes and stage.rules.concerns(state.result)}
    stage.quiet = {key: quiet[key][1] for key in stage.waiting if key in quiet}
    log.info(
        "stage 2 restored", topic=stage.topic, partition=p, position=position, results=len(stage.results), operands=len(operands),
        seconds=round(time.monotonic() - started, 2),
    )  # fmt: skip
    return position


def _operands(stage: Stage2) -> tuple[dict[bytes, bytes], dict[bytes, tuple[int, bool]]]:
    """Newest operand row by key; its offset and whether a replay changed it last."""
    rows: dict[bytes, bytes] = {}
    marks: dict[bytes, tuple[int, bool]] = {}
    for batch in read_partition(stage.context.settings, f"{stage.context.prefix}operands.latest.{stage.group}", stage.partition):
        for m in batch:
            key, value = m.key() or b"", m.value()
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
                marks[key] = m.offset() or 0, bool(replay_headers(m.headers()))
    return rows, marks


def _records(reader: ColumnarReader, values: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Decoded rows, a batch at a time. Our own rows: one that cannot be read is a fault that must be seen."""
    rows = list(values)
    for at in range(0, len(rows), _BATCH):
        decoded = reader.read(list(rows[at : at + _BATCH]))
        if decoded.refused:
            raise RuntimeError(f"{len(decoded.refused)} state rows cannot be read: {decoded.refused[0].reason} {decoded.refused[0].field}")
        yield from decoded.frame.iter_rows(named=True)
