"""What is known of emergencies in a process that runs: a thread follows `ops.emergency`, others ask.

`known_until` is the instant up to which nothing can be missing: the moment the end of the topic was last seen, and the lead of steps
(transport/emergencies.py) on top. An installation without the topic has no emergencies: said once, and everything is known.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException

from indicators.emergency import Emergency
from indicators.vocabulary import Vocabulary
from transport.emergencies import LEAD_MS, TOPIC, EmergencyBook, words_of
from transport.job_follower import TURN_SECONDS, FollowerThread, RowFollower
from transport.settings import Settings

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 1.0
ALWAYS: Final = 1 << 60
_MISSING: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)


class EmergencyFollower(FollowerThread):
    """`book` is written by the thread alone; readers see it whole or a step older. `clock`: epoch seconds. `vocabulary`: takes ad-hoc sets
    in: those in effect, or with `early` at once (the worker tells by the record whether a set was open). `changed` is told of each
    emergency that has a new step, from the thread, once the topic has been read to its end.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.time, vocabulary: Vocabulary | None = None, *, early: bool = False,
        changed: Callable[[Emergency], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(settings, TOPIC, "emergencies", RETRY_SECONDS)
        self._changed, self._told = changed, dict[str, int]()
        self._vocabulary, self._early, self._adopted = vocabulary, early, 0
        self.book = EmergencyBook()
        self.seen_at = 0
        self._clock = clock

    @property
    def known_until(self) -> int:
        """Epoch ms."""
        return self.seen_at + LEAD_MS if self.seen_at else 0

    async def known(self, instant: int) -> None:
        """Wait until everything is known that is in effect at `instant` (epoch ms; one that is still to come counts as now). How long that
        takes is the broker's affair: without it no input is read either."""
        wanted = min(instant, int(self._clock() * 1000))
        while self.known_until < wanted and not self._stop.is_set():
            await asyncio.sleep(TURN_SECONDS / 10)

    def _failed(self, error: KafkaException) -> None:
        missing = isinstance(error.args[0], KafkaError) and error.args[0].code() in _MISSING
        if missing and self.seen_at != ALWAYS:
            log.warning("no topic of emergencies: none can be open; run `nhip topics apply`", topic=TOPIC)
            self.seen_at = ALWAYS

    def _adopt(self, now: int) -> None:
        """Before `seen_at` moves on: who knows up to then knows the sets too."""
        if self._vocabulary is None or len(self.book.sets) == self._adopted:
            return
        due = [one for one in self.book.sets.values() if self._early or one.effective <= now]
        if len(due) != self._adopted:
            self._adopted = len(due)
            self._vocabulary.adopt(*words_of(due))
            log.info("ad-hoc sets taken in", sets=[one.row.content.id for one in due])

    def _tell(self) -> None:
        """Steps that came before the first end of the topic are history: nobody is told of them."""
        for one in self.book.emergencies.values():
            if self._told.get(one.id) != len(one.steps):
                self._told[one.id] = len(one.steps)
                if self.seen_at and self._changed is not None:
                    self._changed(one)

    def _take(self, key: bytes | None, body: bytes | None, appended: int) -> None:
        """A step taken twice counts once."""
        self.book.take(key, body, appended)

    def _looked(self, reader: RowFollower) -> None:
        now = int(self._clock() * 1000)
        self._adopt(now)
        self._tell()
        if reader.at_end():
            self.seen_at = now
