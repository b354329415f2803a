"""Refused records on their way to `dead.sinks`: as they were, with reason and origin, and flushed before their batch goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from confluent_kafka import KafkaException, Message, Producer

from sinks.refusals import Refusal
from sinks.writer import Away
from transport.dead_letters import DeadLetters, Origin

STAGE: Final = "sinks"
FLUSH_SECONDS: Final = 30.0


class LetterBox:
    """Writes refused records to `dead.sinks` through an idempotent producer, made when first needed. One a thread."""

    def __init__(self, make_producer: Callable[[], Producer], topic: str, letters: DeadLetters, clock: Callable[[], float] = time.time) -> None:
        self._make, self._topic, self._letters, self._clock = make_producer, topic, letters, clock
        self._made: Producer | None = None

    def refuse(self, messages: Sequence[Message], refusals: Sequence[Refusal]) -> None:
        """Write the messages at the refusals' places and return when the broker has every one. Raises Away where it does not in time.

        A batch that is repeated after a crash writes them again: they have the same dead_letter_id, and readers count those.
        """
        lost: list[str] = []
        pending = len(refusals)

        def delivered(error: object, _: Message) -> None:
            nonlocal pending
            pending -= 1
            if error is not None:
                lost.append(str(error))

        for refusal in refusals:
            self._send(messages[refusal.index], refusal, delivered)
        deadline = time.monotonic() + FLUSH_SECONDS
        while pending and (left := deadline - time.monotonic()) > 0:
            self._producer.poll(min(left, 0.1))
        if pending or lost:
            raise Away(f"{self._topic}: {pending + len(lost)} of {len(refusals)} dead letters not acknowledged")

    @property
    def _producer(self) -> Producer:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _send(self, message: Message, refusal: Refusal, delivered: Callable[[object, Message], None]) -> None:
        origin = Origin(topic=str(message.topic()), partition=int(message.partition() or 0), offset=int(message.offset() or 0),
                        timestamp=message.timestamp()[1], source="kafka")  # fmt: skip
        letter = self._letters.letter(message.key(), message.value(), origin, (refusal.reason, refusal.field, refusal.detail),
                                      first_seen=int(self._clock() * 1000))  # fmt: skip
        while True:
            try:
                self._producer.produce(self._topic, letter.value, letter.key, headers=list(letter.headers), on_delivery=delivered)
                return
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as error:
                raise Away(f"{self._topic}: {error.args[0].name()}") from error
