"""One aiokafka transaction per stage and input partition: rows, position and group offset become visible together or not at all.

`transactional.id = <prefix><stage>-<topic>-<partition>`. Starting the producer ends or aborts what the former owner left and fences it: a
worker that wakes after its session ended cannot append an old row. Kafka does not check group membership here; the id alone is the fence.

Traps of aiokafka 0.14 that this module answers (private names: see transport/chunks.py):
- a failed batch does not fail the commit: every send future is awaited before it;
- group offsets sent after rows meet a pending state change on one broker: partitions are registered and offsets sent first;
- `BACKOFF_OVERRIDE` of 20 ms whenever a transaction meets the former one's markers: 2 ms here;
- a fenced producer raises one of several errors, also on abort: any exception is fatal, the process ends without an abort.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiokafka.producer.sender
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from transport.faults import armed, die
from transport.settings import Settings

aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.002

MAX_BATCH_BYTES = 1 << 20
TRANSACTION_TIMEOUT_MS = 10_000
START_SECONDS = 60.0

Header = tuple[str, bytes]


@dataclass(slots=True)
class Rows:
    """Rows for one output partition. A value of None is a tombstone; `headers` is empty or as long as `keys`."""

    topic: str
    partition: int
    keys: list[bytes] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[list[Header]] = field(default_factory=list)

    def add(self, key: bytes, value: bytes | None, headers: list[Header] | None = None) -> None:
        """One row more; give headers for all rows or for none."""
        self.keys.append(key)
        self.values.append(value)
        if headers is not None:
            self.headers.append(headers)


class Transaction:
    """The transactional producer of one lane. Not reentrant: one `commit` at a time."""

    def __init__(self, settings: Settings, transactional_id: str, group: str) -> None:
        self.transactional_id = transactional_id
        self._group = group
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap,
            transactional_id=transactional_id,
            acks="all",
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_BATCH_BYTES,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            retry_backoff_ms=5,
            **_security(settings),
        )

    async def start(self) -> None:
        """Fence the former owner. Raises TimeoutError after 60 s, or aiokafka's error."""
        await asyncio.wait_for(self._producer.start(), START_SECONDS)

    async def stop(self) -> None:
        """Close the connection; bounded."""
        await asyncio.wait_for(self._producer.stop(), 10)

    async def commit(self, source: tuple[str, int], next_offset: int, rows: Sequence[Rows]) -> None:
        """Make `rows` and the group's offset of `source` visible in one transaction.

        Order, which is the guarantee: begin · register every partition · group offset · rows · await every send · commit. Raises whatever
        aiokafka raises; the caller must end the process then, without an abort.
        """
        producer = self._producer
        await producer.begin_transaction()
        for some in rows:
            producer._txn_manager.maybe_add_partition_to_txn(TopicPartition(some.topic, some.partition))
        offsets = {TopicPartition(*source): OffsetAndMetadata(next_offset, "")}
        await producer.send_offsets_to_transaction(offsets, self._group)
        sent: list[asyncio.Future[Any]] = []
        for some in rows:
            await self._send(some, sent)
            if armed("commit:rows-sent"):
                await asyncio.gather(*sent)
                die()
        await asyncio.gather(*sent)
        if armed("commit:before-end"):
            die()
        await producer.commit_transaction()
        if armed("commit:after-end"):
            die()

    async def _send(self, rows: Rows, sent: list[asyncio.Future[Any]]) -> None:
        producer, now = self._producer, int(time.time() * 1000)
        batch = producer.create_batch()
        headers: Sequence[list[Header]] = rows.headers or [[]] * len(rows.keys)
        for key, value, extra in zip(rows.keys, rows.values, headers, strict=True):
            if batch.append(timestamp=now, key=key, value=value, headers=extra) is None:
                sent.append(await producer.send_batch(batch, rows.topic, partition=rows.partition))
                batch = producer.create_batch()
                if batch.append(timestamp=now, key=key, value=value, headers=extra) is None:
                    raise ValueError(f"{rows.topic}: a row of {len(value or b'')} bytes is larger than a batch")
        if rows.keys:
            sent.append(await producer.send_batch(batch, rows.topic, partition=rows.partition))


def is_fenced(error: BaseException | None) -> bool:
    """Does the broker say that a newer owner of the transactional id has taken over?"""
    return isinstance(error, ProducerFenced | InvalidProducerEpoch)


class PlainWriter:
    """The negative control of the fault tests: the same rows without a transaction, the offset committed last. Never used in production."""

    def __init__(self, settings: Settings, transactional_id: str, group: str) -> None:
        self.transactional_id = transactional_id
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap, acks="all", enable_idempotence=True, max_batch_size=MAX_BATCH_BYTES
        )

    async def start(self) -> None:
        """Connect."""
        await asyncio.wait_for(self._producer.start(), START_SECONDS)

    async def stop(self) -> None:
        """Close the connection; bounded."""
        await asyncio.wait_for(self._producer.stop(), 10)

    async def commit(self, source: tuple[str, int], next_offset: int, rows: Sequence[Rows]) -> None:
        """Write the rows one topic after the other: a kill in between leaves a torn chunk."""
        for some in rows:
            sent: list[asyncio.Future[Any]] = []
            await Transaction._send(self, some, sent)  # type: ignore[arg-type]
            await asyncio.gather(*sent)
            if armed("commit:rows-sent"):
                die()


def _security(settings: Settings) -> dict[str, Any]:
    if settings.kafka_security_protocol == "PLAINTEXT":
        return {}
    return {
        "security_protocol": settings.kafka_security_protocol,
        "sasl_mechanism": settings.kafka_sasl_mechanism or "PLAIN",
        "sasl_plain_username": settings.kafka_sasl_username or None,
        "sasl_plain_password": settings.kafka_sasl_password.get_secret_value() or None,
        "ssl_context": ssl.create_default_context(cafile=settings.kafka_ssl_ca_location or None)
        if "SSL" in settings.kafka_security_protocol
        else None,
    }
