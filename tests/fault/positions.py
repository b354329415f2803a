"""Where the workers of the kernel stand: the next input of every partition of both stages, from their position rows."""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka import KafkaError, TopicPartition

from tests.fault.settled import READ_SECONDS, nothing_behind
from tests.fault.verdict import POSITION
from tests.fault.worker import GROUPS as WORKED
from transport.columnar_writer import AvroDecoder
from transport.kafka_clients import consumer
from transport.registry import Registry
from transport.settings import Settings
from transport.tail import Place
from transport.topics import GROUPS

STAGES: Final = {"agg": ("aggregate", "obs"), "derived": ("derived", "operands")}
"""Topics with the position rows of a stage → their schema, and the topics of its inputs."""
ROWS: Final = 20_000


class Positions:
    """Looks go on where the last one ended: a worker's rows are read once. For one thread."""

    def __init__(self, settings: Settings) -> None:
        prefix = settings.topic_prefix
        self._inputs = {
            (f"{prefix}{kind}.{group}", p): (name, (f"{prefix}{of}.{group}", p))
            for kind, (name, of) in STAGES.items() for group in WORKED for p in range(GROUPS[group])
        }  # fmt: skip
        self._at, self._rows = dict.fromkeys(self._inputs, 0), dict[Place, bytes]()
        self._reader = consumer(settings, "positions", enable_partition_eof=True, fetch_wait_max_ms=20)
        self._settings = settings

    def now(self) -> dict[Place, int]:
        """Input partition (full topic name) → offset of the next input; 0 before the first commit. Raises TimeoutError."""
        self._read_on()
        found = {}
        with Registry(self._settings) as registry:
            decoders = {name: AvroDecoder(name, registry.schema) for name, _ in STAGES.values()}
            for place, (name, of) in self._inputs.items():
                row = self._rows.get(place)
                found[of] = int(decoders[name].decode(row)["position"][0]["next"]) if row else 0
        return found

    def all_folded(self) -> bool:
        """Is every input folded? What an aborted transaction left behind a position is no input. Raises TimeoutError."""
        return nothing_behind(self._reader, self.now())

    def _read_on(self) -> None:
        self._reader.assign([TopicPartition(*place, at) for place, at in self._at.items()])
        waiting, ends = set(self._at), time.monotonic() + READ_SECONDS
        while waiting:
            if time.monotonic() > ends:
                raise TimeoutError(f"position rows: no end within {READ_SECONDS:.0f} s of {sorted(waiting)[:3]}")
            for message in self._reader.consume(ROWS, 0.05):
                place, error, value = (message.topic() or "", message.partition() or 0), message.error(), message.value()
                if error is not None:
                    waiting -= {place} if error.code() == KafkaError._PARTITION_EOF else set()
                    continue
                self._at[place] = (message.offset() or 0) + 1
                if message.key() == POSITION and isinstance(value, bytes):
                    self._rows[place] = value
