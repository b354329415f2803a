"""Follows the topic of replay jobs from its start: what is ordered, and what is done of it, as it is written."""

from __future__ import annotations

from confluent_kafka import TopicPartition

from transport import kafka_clients
from transport.replay_jobs import TOPIC, Book
from transport.settings import Settings


class JobFollower:
    """`book`: everything read so far, of committed transactions. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self.book = Book()
        self._reader = kafka_clients.consumer(settings, "replay")
        self._reader.assign([TopicPartition(settings.topic_prefix + TOPIC, 0, 0)])

    def look(self, seconds: float) -> None:
        """Take what has been written; waits at most so long for something."""
        for message in self._reader.consume(500, seconds):
            if message.error() is None:
                self.book.take(message.key(), message.value())

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
