"""One transactional producer: rows and the group's offsets become visible together or not at all.

Two fences, each enough against a process that wakes after its work was given away (docs/alerts.md, «Fences»; tests/alerts/test_kafka.py):
the transactional id (a new owner's start ends what the old one left and refuses the old one's next write) and, where offsets are in the
transaction, the member and generation of the consumer group (the coordinator refuses offsets of a former member).
Any error in a transaction ends the process without an abort: the next owner's fence aborts. So does a call that does not come back
(transport/overdue.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from alerts.rows import Row
from transport import overdue
from transport.faults import reach
from transport.kafka_clients import transactional_producer
from transport.settings import Settings

COMMIT_SECONDS = 10.0
START_SECONDS = 30.0
GRACE_SECONDS = 2.0
"""A call that has not come back so long after its time limit never will."""


class WriteError(RuntimeError):
    """A transaction failed; the message says which step and the broker's code. The process must end."""


class Writer:
    """Made = fenced: the constructor returns when no former owner of the id can write any more. Raises WriteError where it cannot."""

    def __init__(self, settings: Settings, transactional_id: str) -> None:
        self.transactional_id = transactional_id
        try:
            self._producer = transactional_producer(settings, transactional_id, START_SECONDS, linger_ms=0)
        except KafkaException as error:
            raise WriteError(f"{transactional_id}: start: {_code(error)}") from error
        self._failures: list[str] = []

    def commit(
        self, rows: Sequence[Row], offsets: Sequence[TopicPartition] = (), group: Callable[[], Any] | None = None
    ) -> None:
        """Begin · rows · offsets under the group's present generation · commit, which flushes. Raises WriteError."""
        self._failures.clear()
        step = "begin"
        try:
            self._producer.begin_transaction()
            step = "rows"
            for row in rows:
                self._send(row)
            reach("alerts:rows-sent")
            if offsets and group is not None:
                step = "offsets"
                with self._in_time(step):
                    self._producer.send_offsets_to_transaction(list(offsets), group(), COMMIT_SECONDS)
            reach("alerts:before-commit")
            step = "commit"
            self._commit()
            reach("alerts:after-commit")
        except (KafkaException, BufferError) as error:
            raise WriteError(f"{self.transactional_id}: {step}: {_code(error)}") from error

    def _send(self, row: Row) -> None:
        options: dict[str, Any] = {} if row.partition < 0 else {"partition": row.partition}
        self._producer.produce(row.topic, value=row.value, key=row.key, headers=row.headers, on_delivery=self._delivered, **options)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failures.append(f"{message.topic()}: {error.name()}")

    def _commit(self) -> None:
        """Commit, repeated while the broker says «later», until the deadline."""
        ends = time.monotonic() + COMMIT_SECONDS
        while True:
            try:
                with self._in_time("commit"):
                    self._producer.commit_transaction(COMMIT_SECONDS)
                break
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > ends:
                    raise
        if self._failures:
            raise WriteError(f"{self.transactional_id}: committed with failed rows, {self._failures[0]}")

    def _in_time(self, step: str) -> AbstractContextManager[None]:
        return overdue.calls.within(COMMIT_SECONDS + GRACE_SECONDS, f"{self.transactional_id}: {step}")


def _code(error: Exception) -> str:
    first = error.args[0] if error.args else None
    return f"{first.name()} ({first.str()})" if isinstance(first, KafkaError) else type(error).__name__
