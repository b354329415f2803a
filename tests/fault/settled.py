"""Is the pipeline done: everything read, folded, told, delivered and inserted?"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaError, TopicPartition

from sinks import clickhouse
from sinks.tables import routes
from tests.fault.worker import GROUPS as WORKED
from transport.group_offsets import GroupOffsets, OffsetsUnknown
from transport.kafka_clients import consumer
from transport.settings import Settings
from transport.topics import table

READ_SECONDS: Final = 20.0
POSITIONS_SECONDS: Final = 10.0
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "worker": tuple(f"{stage}.{group}" for stage in ("obs", "operands") for group in WORKED),
    "alerts-story": ("alerts.conditions", "alerts.conditions.emergency", "alerts.actions"),
    "alerts-delivery": ("notify.requests",),
}
"""Consumer group → the topics it must have read to their ends; the sink's are those of its routes."""


def reached(settings: Settings, group: str, names: Iterable[str]) -> bool:
    """Has `group` committed everything there is to read in these topics? Markers and aborted rows are nothing to read.

    A group that works through a backlog holds some position open in a transaction nearly always: where its positions do not come in time
    it is not done, and the run asks again.
    """
    topics, prefix = table(settings.topic_prefix), settings.topic_prefix
    places = [TopicPartition(prefix + name, p) for name in names for p in range(topics[prefix + name].partitions)]
    positions = GroupOffsets(settings, group)
    try:
        found = positions.committed(places, POSITIONS_SECONDS)
    except OffsetsUnknown:
        return False
    finally:
        positions.close()
    client = consumer(settings, group, enable_partition_eof=True, fetch_wait_max_ms=20)
    try:
        return nothing_behind(client, {(one.topic, one.partition): max(one.offset, 0) for one in found})
    finally:
        client.close()


def nothing_behind(client: Consumer, positions: Mapping[tuple[str, int], int]) -> bool:
    """Is nothing committed at or behind these positions (full topic name and partition → offset)? `client` is told ends of partitions."""
    client.assign([TopicPartition(*place, at) for place, at in positions.items()])
    waiting = set(positions)
    deadline = time.monotonic() + READ_SECONDS
    while waiting and time.monotonic() < deadline:
        for message in client.consume(len(waiting), 0.1):
            error = message.error()
            if error is None:
                return False
            if error.code() == KafkaError._PARTITION_EOF:
                waiting.discard((message.topic() or "", message.partition() or 0))
    return not waiting


def settled(settings: Settings) -> bool:
    """Is everything folded, told, delivered and inserted?"""
    prefix = settings.topic_prefix
    sunk = tuple(name.removeprefix(prefix) for name in routes(table(prefix), prefix))
    if not all(reached(settings, group, names) for group, names in (GROUPS | {"sink": sunk}).items()):
        return False
    with clickhouse.connected(settings) as client:
        live = client.query("SELECT count() FROM latest_notifications WHERE state = 'intended' OR (state = 'failed' AND reason = 'retry')")
        return int(live.result_rows[0][0]) == 0
