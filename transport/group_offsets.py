"""Positions that a consumer group has committed, asked beside the group's own client.

A member that is told of its partitions must know where to begin before it returns from the call. `Consumer.committed` of the member
itself goes through its own coordinator thread, which may at that moment wait for the next rebalance: it then answers after its whole
timeout or not at all, and the exception that it raises inside librdkafka's call is none that `except` can catch. So a reader is asked
that never joins. Not an administrator's client: one whose broker dies under this request ends the process (librdkafka 2.16, an assertion
in `rdkafka_queue.h`: 6 of 10 broker kills; a reader 0 of 10).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from transport import kafka_clients
from transport.settings import Settings

log = structlog.get_logger(__name__)

ATTEMPT_SECONDS: Final = 5.0
WAIT_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.2


class OffsetsUnknown(RuntimeError):
    """The coordinator did not tell the group's positions in time; the message names the group and the last cause."""


class GroupOffsets:
    """The committed positions of one group. The installation's prefix goes before its name. For one thread."""

    def __init__(self, settings: Settings, group: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._group, self._clock = settings, group, clock
        self._reader: Consumer | None = None

    def close(self) -> None:
        """Close the connection; the next question opens it again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def committed(self, partitions: Sequence[TopicPartition], seconds: float = WAIT_SECONDS) -> list[TopicPartition]:
        """One row a partition, in the order asked: offset (negative: none committed), metadata. What a transaction holds open is awaited.

        Raises OffsetsUnknown when `seconds` have passed.
        """
        if not partitions:
            return []
        asked = [TopicPartition(p.topic, p.partition) for p in partitions]
        deadline, name = self._clock() + seconds, self._settings.topic_prefix + self._group
        while True:
            try:
                found = {(p.topic, p.partition): p for p in self._ask(asked, min(seconds, ATTEMPT_SECONDS))}
                return [found[p.topic, p.partition] for p in asked]
            except (KafkaException, KeyError) as error:
                if self._clock() >= deadline:
                    raise OffsetsUnknown(
                        f"không đọc được vị trí của nhóm {name} trong {seconds:g} giây: {error!r}; xem `nhip status`; "
                        f"the group's positions did not come within {seconds:g} s: see `nhip status`"
                    ) from error
                # A transaction under way is what a group at work looks like, and no cause for a line a second.
                (log.debug if _held_open(error) else log.warning)("offsets.retried", group=name, why=repr(error))
            time.sleep(PAUSE_SECONDS)

    def _ask(self, partitions: list[TopicPartition], seconds: float) -> list[TopicPartition]:
        """One request. Raises KafkaException, also for an error of a single partition."""
        self._reader = self._reader or kafka_clients.consumer(self._settings, self._group)  # read_committed: asks for what is stable
        answer: list[TopicPartition] = self._reader.committed(partitions, seconds)
        for place in answer:
            if place.error is not None:
                raise KafkaException(place.error)
        return answer


def _held_open(error: Exception) -> bool:
    """Does a transaction of the group's members hold a position open?"""
    return isinstance(error, KafkaException) and error.args[0].code() == KafkaError.UNSTABLE_OFFSET_COMMIT
