"""Positions that a consumer group has committed, asked beside the group's own client.

A member that is told of its partitions must know where to begin before it returns from the call. `Consumer.committed` goes through the
member's own coordinator thread, which may at that moment wait for the next rebalance: it then answers after its whole timeout or not at
all, and the exception that it raises inside librdkafka's call is none that `except` can catch. An administrator's client has a connection
of its own, and each attempt its own short wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

from transport import kafka_clients
from transport.settings import Settings

log = structlog.get_logger(__name__)

ATTEMPT_SECONDS: Final = 5.0
WAIT_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.2


class OffsetsUnknown(RuntimeError):
    """The coordinator did not tell the group's positions in time; the message names the group and the last cause."""


class GroupOffsets:
    """The committed positions of one group. The installation's prefix goes before its name."""

    def __init__(self, settings: Settings, group: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._admin, self._group, self._clock = kafka_clients.admin(settings), settings.topic_prefix + group, clock

    def committed(self, partitions: Sequence[TopicPartition], seconds: float = WAIT_SECONDS) -> list[TopicPartition]:
        """One row a partition, in the order asked: offset (negative: none committed), metadata. What a transaction holds open is awaited.

        Raises OffsetsUnknown when `seconds` have passed.
        """
        if not partitions:
            return []
        asked = [TopicPartition(p.topic, p.partition) for p in partitions]
        deadline = self._clock() + seconds
        while True:
            try:
                found = {(p.topic, p.partition): p for p in self._ask(asked)}
                return [found[p.topic, p.partition] for p in asked]
            except (KafkaException, TimeoutError, KeyError) as error:
                if self._clock() >= deadline:
                    raise OffsetsUnknown(
                        f"không đọc được vị trí của nhóm {self._group} trong {seconds:g} giây: {error!r}; xem `nhip status`; "
                        f"the group's positions did not come within {seconds:g} s: see `nhip status`"
                    ) from error
                # A transaction under way is what a group at work looks like, and no cause for a line a second.
                (log.debug if _held_open(error) else log.warning)("offsets.retried", group=self._group, why=repr(error))
            time.sleep(PAUSE_SECONDS)

    def _ask(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """One request. Raises KafkaException, also for an error of a single partition, and TimeoutError."""
        request = ConsumerGroupTopicPartitions(self._group, partitions)
        futures = self._admin.list_consumer_group_offsets([request], require_stable=True, request_timeout=ATTEMPT_SECONDS)
        answer: list[TopicPartition] = futures[self._group].result(ATTEMPT_SECONDS + 1.0).topic_partitions
        for place in answer:
            if place.error is not None:
                raise KafkaException(place.error)
        return answer


def _held_open(error: Exception) -> bool:
    """Does a transaction of the group's members hold a position open?"""
    return isinstance(error, KafkaException) and error.args[0].code() == KafkaError.UNSTABLE_OFFSET_COMMIT
