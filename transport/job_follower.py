"""Follows the topic of replay jobs from its start: what is ordered, and what is done of it, as it is written."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from transport import kafka_clients
from transport.replay_jobs import TOPIC, Book
from transport.settings import Settings


class JobFollower:
    """`book`: everything read so far, of committed transactions; `whole`: has the end been reached once? Before that a piece that is done
    may look undone. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self.book, self.whole = Book(), False
        self._reader = kafka_clients.consumer(settings, "replay", enable_partition_eof=True)
        self._reader.assign([TopicPartition(settings.topic_prefix + TOPIC, 0, 0)])

    def look(self, seconds: float) -> None:
        """Take what has been written; waits at most so long for something. Raises KafkaException for what does not pass by itself."""
        for message in self._reader.consume(500, seconds):
            error = message.error()
            if error is None:
                self.book.take(message.key(), message.value())
            elif error.code() == KafkaError._PARTITION_EOF:
                self.whole = True
            elif not error.retriable():
                raise KafkaException(error)

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
