"""Who tells the story: one process of an installation at a time; others stand by.

An alert's conditions lie in the partition of their input, its acts in that of its id: both must meet in one state, so the story has one
writer. Kafka elects it: the owner of partition 0 of `alerts.actions` in the group `alerts-story`. Members only elect; nothing is read
through them. One that stops polling or dies loses the partition after the session's time, a restarted one takes it back at once (static
membership).
"""

from __future__ import annotations

from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from alerts.codec import ACTIONS
from transport.group_calls import leave
from transport.kafka_clients import consumer, ended
from transport.settings import Settings

GROUP = "alerts-story"
log = structlog.get_logger(__name__)


class Leadership:
    """Call `poll` at least every few seconds. `term` counts how often the lead was taken: a new term means state must be rebuilt."""

    def __init__(self, settings: Settings) -> None:
        self.leading = False
        self.term = 0
        self._consumer = consumer(
            settings, GROUP, instance=f"{GROUP}-{settings.alerts_instance}", partition_assignment_strategy="cooperative-sticky",
            session_timeout_ms=6_000, heartbeat_interval_ms=1_000, max_poll_interval_ms=60_000, queued_min_messages=1,
        )  # fmt: skip
        self._consumer.subscribe([settings.topic_prefix + ACTIONS], on_assign=self._assigned, on_revoke=self._taken, on_lost=self._taken)

    def poll(self) -> bool:
        """Take part in the group; returns whether this process leads. Raises KafkaException where this member is refused for good."""
        message = self._consumer.poll(0)
        error = message.error() if message is not None else None
        if error is not None and ended(error):
            raise KafkaException(error)
        return self.leading

    def metadata(self) -> Any:
        """Member and generation, for the offsets inside a transaction: the coordinator refuses those of a former member."""
        return self._consumer.consumer_group_metadata()

    def close(self) -> None:
        """Leave the poll loop. A static member keeps its place until the session ends: a restart is no change of the lead."""
        leave(self._consumer, GROUP)

    def _assigned(self, member: Consumer, partitions: list[TopicPartition]) -> None:
        member.incremental_assign(partitions)
        member.pause(partitions)
        if any(p.partition == 0 for p in partitions):
            self.leading, self.term = True, self.term + 1
            log.info("takes the lead", term=self.term)

    def _taken(self, member: Consumer, partitions: list[TopicPartition]) -> None:
        member.incremental_unassign(partitions)
        if any(p.partition == 0 for p in partitions):
            self.leading = False
            log.info("gives the lead away", term=self.term)
