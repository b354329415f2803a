"""Pulse: how far the system is with what it was given, from Kafka alone: ends of our topics, and offsets the worker committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from confluent_kafka import KafkaException

from transport.group_offsets import OffsetsUnknown
from transport.settings import Settings
from transport.tail import Place, Tail
from transport.topics import GROUPS as ALL_GROUPS
from transport.topics import table

WORKER_GROUP = "worker"
OBSERVATIONS = "obs."
LOOK_SECONDS = 0.2
GROUPS = ("finance_budget", "trade", "prices", "emergency")
"""Concept groups that the scenario feeds; the others stay empty and are not asked for."""
QUIET_SECONDS = 1.2
"""Longer than the time results wait before their rules look at them (0.3 s and the horizon's round) and a commit."""


class PulseError(RuntimeError):
    """Kafka does not answer; the text says what to do next."""


class Pulse:
    """Reads offsets. `clock` and `sleep` are monotonic seconds."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._prefix, self._clock, self._sleep = settings.topic_prefix, clock, sleep
        self._tail = Tail(settings, WORKER_GROUP)
        empty = tuple(f".{group}" for group in ALL_GROUPS if group not in GROUPS)
        self._topics = [name for name in table(settings.topic_prefix) if not name.endswith(empty)]

    def ends(self) -> dict[Place, int]:
        """The offset after the last message of every partition of the topics that matter here. Raises PulseError."""
        with _answering():
            return self._tail.ends(self._topics)

    def inputs(self) -> dict[Place, int]:
        """The same of `obs.*` alone: a sixth of the partitions. Raises PulseError."""
        with _answering():
            return self._tail.ends([name for name in self._topics if name.startswith(self._prefix + OBSERVATIONS)])

    def observations(self, ends: Mapping[Place, int]) -> int:
        """Messages in `obs.*`, whose offsets have no gaps: no transaction writes there."""
        return sum(end for (topic, _), end in ends.items() if topic.startswith(self._prefix + OBSERVATIONS))

    def folded(self, ends: Mapping[Place, int]) -> bool:
        """Has the worker committed every observation that lies below `ends`? Not where its transactions keep the answer open, as on a busy
        machine. Raises PulseError."""
        wanted = {p: e for p, e in ends.items() if p[0].startswith(self._prefix + OBSERVATIONS)}
        with _answering():
            try:
                return not self._tail.unfolded(wanted)
            except OffsetsUnknown:
                return False

    def taken(self, read: Callable[[], bool], seconds: float) -> bool:
        """Wait until the producers have read what was fed (`read`) and the worker has committed it; False where not in `seconds`."""
        deadline = self._clock() + seconds
        while self._clock() < deadline:
            if read() and self.folded(self.inputs()):
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


@contextmanager
def _answering() -> Iterator[None]:
    """Raise PulseError where Kafka does not answer."""
    try:
        yield
    except (KafkaException, TimeoutError) as error:
        raise PulseError(f"Kafka không trả lời / does not answer: {error}; xem / see `nhip logs kafka`") from error
