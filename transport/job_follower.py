"""Follows the topic of replay jobs from its start: what is ordered, and what is done of it, as it is written."""

from __future__ import annotations

from typing import Final

from confluent_kafka import TopicPartition

from transport import kafka_clients
from transport.replay_jobs import TOPIC, Book
from transport.settings import Settings

ANSWER_SECONDS: Final = 5.0


class JobFollower:
    """`book`: everything read so far, of committed transactions; `whole`: has everything been read that stood there at the beginning?
    Before that a piece that is done may look undone. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self.book = Book()
        self._reader = kafka_clients.consumer(settings, "replay")
        self._place = TopicPartition(settings.topic_prefix + TOPIC, 0, 0)
        self._reader.assign([self._place])
        self._end: int | None = None
        self.whole = False

    def look(self, seconds: float) -> None:
        """Take what has been written; waits at most so long for something. Raises KafkaException where the broker does not answer."""
        if self._end is None:
            self._end = int(self._reader.get_watermark_offsets(self._place, ANSWER_SECONDS)[1])
        for message in self._reader.consume(500, seconds):
            if message.error() is None:
                self.book.take(message.key(), message.value())
        self.whole = self.whole or self._reader.position([self._place])[0].offset >= self._end or not self._end

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
