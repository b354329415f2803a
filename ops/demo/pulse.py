"""Pulse: how far the system is with what it was given, from Kafka alone: ends of our topics, and offsets the worker committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from transport import kafka_clients
from transport.settings import Settings
from transport.topics import GROUPS as ALL_GROUPS
from transport.topics import table

WORKER_GROUP = "worker"
OBSERVATIONS = "obs."
REQUEST_SECONDS = 10.0
LOOK_SECONDS = 0.2
GROUPS = ("finance_budget", "trade", "emergency")
"""Concept groups that the scenario feeds; the others stay empty and are not asked for."""
QUIET_SECONDS = 1.2
"""Longer than the time results wait before their rules look at them (0.3 s and the horizon's round) and a commit."""

Place = tuple[str, int]


class PulseError(RuntimeError):
    """Kafka does not answer; the text says what to do next."""


class Pulse:
    """Reads offsets. `clock` and `sleep` are monotonic seconds."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._prefix, self._clock, self._sleep = settings.topic_prefix, clock, sleep
        self._admin = kafka_clients.admin(settings)
        empty = tuple(f".{group}" for group in ALL_GROUPS if group not in GROUPS)
        topics = (t for t in table(settings.topic_prefix).values() if not t.name.endswith(empty))
        self._places = [TopicPartition(t.name, n) for t in topics for n in range(t.partitions)]

    def ends(self) -> dict[Place, int]:
        """The offset after the last message of every partition of the topics that matter here. Raises PulseError."""
        try:
            latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
            found = self._admin.list_offsets(dict.fromkeys(self._places, latest), request_timeout=REQUEST_SECONDS)
            return {(place.topic, place.partition): future.result(REQUEST_SECONDS).offset for place, future in found.items()}
        except (KafkaException, TimeoutError) as error:
            raise PulseError(f"Kafka không trả lời / does not answer: {error}; xem / see `nhip logs kafka`") from error

    def observations(self, ends: Mapping[Place, int]) -> int:
        """Messages in `obs.*`, whose offsets have no gaps: no transaction writes there."""
        return sum(end for (topic, _), end in ends.items() if topic.startswith(self._prefix + OBSERVATIONS))

    def folded(self, ends: Mapping[Place, int]) -> bool:
        """Has the worker committed every observation that lies below `ends`? Raises PulseError."""
        wanted = {p: e for p, e in ends.items() if e and p[0].startswith(self._prefix + OBSERVATIONS)}
        group = self._prefix + WORKER_GROUP
        ask = ConsumerGroupTopicPartitions(group, [TopicPartition(*place) for place in wanted])
        try:
            answer = self._admin.list_consumer_group_offsets([ask], request_timeout=REQUEST_SECONDS)[group].result(REQUEST_SECONDS)
        except (KafkaException, TimeoutError) as error:
            raise PulseError(f"Kafka không trả lời / does not answer: {error}; xem / see `nhip logs kafka`") from error
        committed = {(p.topic, p.partition): p.offset for p in answer.topic_partitions}
        return all(committed.get(place, -1) >= end for place, end in wanted.items())

    def taken(self, read: Callable[[], bool], seconds: float) -> bool:
        """Wait until the producers have read what was fed (`read`) and the worker has committed it; False where not in `seconds`."""
        deadline = self._clock() + seconds
        while self._clock() < deadline:
            if read() and self.folded(self.ends()):
                return True
            self._sleep(LOOK_SECONDS)
        return False

    def settled(self, taken: Callable[[], bool], seconds: float) -> bool:
        """Wait until `taken` (the producers have read what was fed), the worker is through and no topic has grown for QUIET_SECONDS.

        False where that did not happen in `seconds`.
        """
        deadline = self._clock() + seconds
        before, since = self.ends(), self._clock()
        while self._clock() < deadline:
            self._sleep(LOOK_SECONDS)
            now = self.ends()
            if now != before or not taken():
                before, since = now, self._clock()
            elif self._clock() - since >= QUIET_SECONDS and self.folded(now):
                return True
        return False
