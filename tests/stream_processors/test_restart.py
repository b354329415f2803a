"""A worker that stops and starts again, on real Kafka: state, record memory and snapshot give what an uninterrupted run gives."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from indicators.observation import Observation
from stream_processors import snapshot
from stream_processors.calendar_panes import Kind
from stream_processors.context import Context
from stream_processors.stage1 import Stage1
from tests.fault.load import Load
from transport import registry as registries
from transport import topic_admin
from transport.columnar_writer import AvroEncoder
from transport.kafka_clients import CountingProducer, producer
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.topics import table
from transport.transactions import Rows


class _Record:
    """A consumer record as a fold reads it."""

    def __init__(self, offset: int, key: bytes, value: bytes, timestamp: int) -> None:
        self.offset, self.key, self.value, self.timestamp = offset, key, value, timestamp


TOPICS = ("obs.emergency", "agg.emergency", "panes.emergency", "operands.emergency", "alerts.conditions.emergency", "dead.stage1")


def _prepare(settings: Settings) -> None:
    """Topics of one group, schemas of what stage 1 writes."""
    topic_admin.apply(settings, names=TOPICS)
    registries.register_all(settings, [t for n, t in table().items() if n in (*TOPICS, "alerts.conditions", "dead.producers", *FIRST)])


FIRST = ("obs.prices", "agg.prices", "panes.prices", "operands.prices", "derived.prices")
"""A schema's id is looked up under the first topic that carries it."""


def _publish(settings: Settings, context: Context, sent: Iterable[Observation]) -> None:
    """Every reading into one partition of `obs.emergency`."""
    encoder = AvroEncoder("observation", context.registry.id_of("observation"))
    out = CountingProducer(producer(settings))
    for o in sent:
        out.publish(f"{settings.topic_prefix}obs.emergency", o.series().key().encode(), encoder.encode(o.record()), partition=0)
    out.flush()


def _inputs(settings: Settings) -> list[_Record]:
    batches = read_partition(settings, f"{settings.topic_prefix}obs.emergency", 0)
    return [_Record(m.offset() or 0, bytes(m.key() or b""), bytes(m.value() or b""), m.timestamp()[1]) for b in batches for m in b]


def _commit(settings: Settings, rows: Iterable[Rows]) -> None:
    """The rows of one chunk, as a transaction would write them."""
    out = CountingProducer(producer(settings))
    for some in rows:
        for key, value in zip(some.keys, some.values, strict=True):
            out.publish(some.topic, key, value, partition=some.partition)
    out.flush()


def _state(stage: Stage1) -> dict[str, object]:
    """What must be equal after a restart."""
    out: dict[str, object] = {}
    for kind in Kind:
        c, n = stage.tables[kind].columns, len(stage.tables[kind])
        for row in range(n):
            key = stage.series.entries[c.array("sid")[row]].key, kind, int(c.array("pane")[row])
            wides = [c.wide(w).take(np.array([row])).to_ints()[0] for w in ("sum", "min", "max", "last")]
            numbers = [int(c.array(a)[row]) for a in ("count", "last_time", "revision", "through", "inexact")]
            out[str(key)] = (wides, numbers)
    for sid, entry in enumerate(stage.series.entries):
        out[f"series {entry.key!r}"] = (
            stage.newest.value.take(np.array([sid])).to_ints(), int(stage.newest.time[sid]), int(stage.series.watermark[sid]),
            sorted(stage.rules.states.get(sid, {}).items()),
        )  # fmt: skip
    memory = stage.memory.columns
    names = ("hash", "time", "revision", "alive", "offset")
    out["memory"] = sorted(zip(*(memory.array(n)[: memory.count].tolist() for n in names), strict=True))
    return out


@pytest.mark.stack
@pytest.mark.timeout(180)
@pytest.mark.parametrize("with_snapshot", [False, True], ids=["from the inputs", "from a snapshot"])
def test_a_restarted_stage_equals_one_that_never_stopped(settings: Settings, with_snapshot: bool) -> None:
    _prepare(settings)
    with Context(settings) as context:
        _restart(settings, context, with_snapshot)


def _restart(settings: Settings, context: Context, with_snapshot: bool) -> None:
    sent = [o for o in Load(context.vocabulary, seed=3).take(0, 1600) if o.component]
    _publish(settings, context, sent)
    records = _inputs(settings)
    assert len(records) == len(sent)
    half = len(records) // 2

    whole = Stage1(context, "emergency", 0)
    for at in range(0, half, 500):
        part = records[at : min(at + 500, half)]
        _commit(settings, whole.fold(part, at, part[-1].offset + 1))
    if with_snapshot:
        snapshot.save(snapshot.folder(whole), snapshot.take(whole))
        snapshot.save(snapshot.folder(whole), snapshot.take(whole))  # twice: the second replaces the first
    again = Stage1(context, "emergency", 0)
    assert again.restore() == half
    assert _state(again) == _state(whole)

    for stage in (whole, again):
        for at in range(half, len(records), 700):
            part = records[at : at + 700]
            stage.fold(part, at, part[-1].offset + 1)
    assert _state(again) == _state(whole)
    assert len(whole.memory) > 250


@pytest.mark.stack
@pytest.mark.timeout(180)
def test_a_snapshot_beyond_the_committed_position_is_not_used(settings: Settings) -> None:
    _prepare(settings)
    with Context(settings) as context:
        _uncommitted(settings, context)


def _uncommitted(settings: Settings, context: Context) -> None:
    _publish(settings, context, [o for o in Load(context.vocabulary, seed=4).take(0, 400) if o.component])
    records = _inputs(settings)
    stage = Stage1(context, "emergency", 0)
    _commit(settings, stage.fold(records[:50], 0, 50))
    stage.fold(records[50:], 50, len(records))  # folded, never committed
    snapshot.save(snapshot.folder(stage), snapshot.take(stage))
    again = Stage1(context, "emergency", 0)
    assert again.restore() == 50
    assert len(again.memory) <= 50
