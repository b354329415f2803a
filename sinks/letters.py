"""Refused records on their way to `dead.sinks`: as they were, with reason and origin, and acknowledged before their batch goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from sinks.refusals import Refusal
from sinks.stretch import Stretch
from sinks.writer import Away
from transport import kafka_clients
from transport.dead_letters import DeadLetters, Origin
from transport.kafka_clients import CountingProducer, DeliveryError
from transport.records import AvroEncoder
from transport.registry import Registry, RegistryError
from transport.settings import Settings

STAGE: Final = "sinks"
SCHEMA: Final = "dead_letter"


class LetterBox:
    """Writes refused records to `dead.sinks`; producer and schema id are had when first needed. One a thread. `clock`: epoch seconds."""

    def __init__(self, settings: Settings, registry: Registry, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._registry, self._clock = settings, registry, clock
        self._topic = f"{settings.topic_prefix}dead.{STAGE}"
        self._made: tuple[CountingProducer, DeadLetters] | None = None

    def refuse(self, messages: Stretch, refusals: Sequence[Refusal]) -> None:
        """Write the messages at the refusals' places and return when the broker has every one. Raises Away where it does not in time.

        A batch that is repeated after a crash writes them again: they have the same dead_letter_id, and readers count those.
        """
        try:
            producer, letters = self._open()
            for refusal in refusals:
                self._publish(producer, letters, messages, refusal)
            producer.flush()
        except (DeliveryError, RegistryError) as error:
            self._made = None  # what failed must not be counted against the next attempt
            raise Away(str(error)) from error

    def _open(self) -> tuple[CountingProducer, DeadLetters]:
        if self._made is None:
            letters = DeadLetters(STAGE, AvroEncoder(SCHEMA, self._registry.id_of(f"dead.{STAGE}")))
            self._made = (CountingProducer(kafka_clients.producer(self._settings)), letters)
        return self._made

    def _publish(self, producer: CountingProducer, letters: DeadLetters, messages: Stretch, refusal: Refusal) -> None:
        at = refusal.index
        offset, stamp = int(messages.offsets[at]), int(messages.stamps[at])
        origin = Origin(topic=messages.topic, partition=messages.partition, offset=offset, timestamp=stamp, source="kafka")
        why = (refusal.reason, refusal.field, refusal.detail)
        letter = letters.letter(messages.keys[at], messages.values[at], origin, why, first_seen=int(self._clock() * 1000))
        producer.publish(self._topic, letter.key, letter.value, letter.headers)
