"""Follows a topic of one partition from its start: what is ordered of replay, and what is done of it; what is done in emergencies."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from transport import kafka_clients
from transport.replay_jobs import TOPIC, Book
from transport.settings import Settings

Take = Callable[[bytes | None, bytes | None, int], None]
"""(key, value, time stamp in epoch ms) of each row, in order."""
LOOK_SECONDS = 5.0
FETCH_MS = 250
"""How long the broker may hold an empty answer, and so how long the first end takes to be told. What comes is told at once; every process
asks all day long, and the usual 100 ms would cost the broker ten answers a second each."""


class RowFollower:
    """`whole`: has the end been reached once? Committed rows alone; for one thread. `topic`: full name; `name`: of the reader's group,
    which commits nothing."""

    def __init__(self, settings: Settings, topic: str, name: str, take: Take) -> None:
        self.whole = False
        self._take, self._place = take, (topic, 0)
        self._reader = kafka_clients.consumer(settings, name, enable_partition_eof=True, fetch_wait_max_ms=FETCH_MS)
        self._reader.assign([TopicPartition(topic, 0, 0)])
        self._at = 0

    def look(self, seconds: float) -> None:
        """Take what has been written; waits at most so long for something. Raises KafkaException for what does not pass by itself."""
        for message in self._reader.consume(500, seconds):
            error = message.error()
            if error is None:
                self._take(message.key(), message.value(), message.timestamp()[1])
                self._at = (message.offset() or 0) + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                self.whole = True
                self._at = max(self._at, message.offset() or 0)
            elif not error.retriable():
                raise KafkaException(error)

    def at_end(self) -> bool:
        """Asks the broker: is everything taken that is committed by now? Raises KafkaException where it does not answer."""
        low, high = self._reader.get_watermark_offsets(TopicPartition(*self._place), LOOK_SECONDS)
        return max(self._at, low) >= high

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()


class JobFollower(RowFollower):
    """Replay jobs. `book`: everything read so far; before `whole` a piece that is done may look undone."""

    def __init__(self, settings: Settings) -> None:
        self.book = Book()
        super().__init__(settings, settings.topic_prefix + TOPIC, "replay", lambda key, value, _: self.book.take(key, value))
