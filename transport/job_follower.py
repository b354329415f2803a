"""Follows a topic of one partition from its start: what is ordered of replay, and what is done of it; what is done in emergencies."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from transport import kafka_clients
from transport.replay_jobs import TOPIC, Book
from transport.settings import Settings

Take = Callable[[bytes | None, bytes | None, int], None]
"""(key, value, time stamp in epoch ms) of each row, in order."""
LOOK_SECONDS = 5.0
TURN_SECONDS = 0.5
"""How long a thread that follows waits for rows before it looks whether it is to stop."""
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
        """Take what has been written; waits at most so long for the first row. Raises KafkaException for what does not pass by itself."""
        for message in kafka_clients.arrived(self._reader, 500, seconds):
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


class FollowerThread(ABC):
    """A thread that follows a topic of one partition from its start, and begins anew after any fault of the broker: rows may be taken
    twice. `topic`: without the installation's prefix; `name`: of the thread and of the reader's group."""

    def __init__(self, settings: Settings, topic: str, name: str, retry_seconds: float) -> None:
        self._settings, self._topic, self._name, self._retry_seconds = settings, settings.topic_prefix + topic, name, retry_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following; waits for the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10 * TURN_SECONDS)

    @abstractmethod
    def _take(self, key: bytes | None, body: bytes | None, appended: int) -> None:
        """One row, in order; `appended` in epoch ms."""

    @abstractmethod
    def _looked(self, reader: RowFollower) -> None:
        """After each look, whether or not something came. Raises KafkaException."""

    @abstractmethod
    def _failed(self, error: KafkaException) -> None:
        """The broker does not give the topic; it is tried again."""

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except KafkaException as error:
                self._failed(error)
                self._stop.wait(self._retry_seconds)

    def _follow(self) -> None:
        reader = RowFollower(self._settings, self._topic, self._name, self._take)
        try:
            while not self._stop.is_set():
                reader.look(TURN_SECONDS)
                self._looked(reader)
        finally:
            reader.close()
