"""Whole lists of raw messages through Faust, instead of one event at a time.

The private names of Faust and aiokafka that this needs are here and in `transport/transactions.py`, nowhere else; tests/transport/
test_private_names.py fails loudly when one disappears (faust-streaming 0.15.3, aiokafka 0.14.0, pinned).

- `ChunkScheduler` (documented setting `ConsumerScheduler`) yields one duck-typed record per partition and fetch; everything Faust does per
  event then happens once per list.
- `_consumer_record` of aiokafka's `PartitionRecords` copies each parsed record into a frozen dataclass of eleven fields, which costs three
  times the parsing; here the parsed record itself is handed on (offset, timestamp, key, value, headers). It holds for every consumer of the
  process, so it is put in place by `chunked_app` and not by importing this module.
- `_ConsumerThread` sets two arguments Faust hard-codes: `isolation_level` (read_committed, or a reader would see aborted rows) and
  `fetch_max_wait_ms` (1,500 there: seconds of delay after an assignment); and it sends the reader back also where the group has no offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import aiokafka.consumer.fetcher
import faust
import mode
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

from transport.lane_parts import Fetched
from transport.settings import Settings

FETCH_WAIT_MS = 100
FETCH_BYTES = 4 << 20
MAX_POLL_RECORDS = 50_000
SESSION_SECONDS = 10.0


def _as_parsed(partition_records: Any, tp: Any, record: Any) -> Any:
    """In place of aiokafka's copying; the lists that ChunkScheduler delivers are of one partition, so a record need not name it."""
    return record


class Chunk(NamedTuple):
    """The attributes that Faust reads from a consumer record; `value` is the list of the partition's records, `offset` the last one's."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    headers: tuple[()]
    key: bytes
    value: list[Any]
    checksum: None
    serialized_key_size: int
    serialized_value_size: int


class ChunkScheduler(DefaultSchedulingStrategy):
    """Delivers each partition's fetched records as one list, which knows what it follows. One a consumer."""

    def __init__(self) -> None:
        self._ends: dict[TP, int] = {}

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Chunk]]:
        """One (partition, chunk) pair per partition with records. Noted at once, not as they are taken: Faust may drop the rest."""
        return iter([(tp, self._chunk(tp, rows)) for tp, rows in records.items() if rows])

    def _chunk(self, tp: TP, rows: list[Any]) -> Chunk:
        last, before = rows[-1], self._ends.get(tp, 0)
        self._ends[tp] = last.offset + 1
        # An offset that was fetched before: the reader was sent back, and begins where the group stands.
        fetched = Fetched(rows, before if rows[0].offset >= before else 0)
        return Chunk(tp.topic, tp.partition, last.offset, last.timestamp, last.timestamp_type, (), b"", fetched, None, 0, 0)


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._fetch_max_bytes = 64 << 20
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Where Faust takes up reading again after a rebalance; it has dropped what was fetched meanwhile."""
        committed: Mapping[TP, int] = await self.call_thread(seek_back, self._ensure_consumer())
        return committed


async def seek_back(consumer: Any) -> Mapping[Any, Any]:
    """Send an aiokafka consumer back to the group's offsets, to the start of partitions that have none; returns the offsets.

    aiokafka's `seek_to_committed` leaves a partition without an offset where it was read to. A first fetch that a rebalance had dropped
    was never read again: its records were lost to the lane (tests/transport/test_lost_fetch.py).
    """
    committed: Mapping[Any, Any] = await consumer.seek_to_committed()
    assigned = consumer.assignment()
    unknown = [place for place, offset in committed.items() if not offset and place in assigned]
    if unknown:
        await consumer.seek_to_beginning(*unknown)
    return committed


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


def chunked_app(settings: Settings, group: str, session_seconds: float = SESSION_SECONDS) -> faust.App:
    """A Faust application that reads chunks, never acknowledges by itself and dies on any unexpected exception.

    Offsets are committed by the lanes' transactions alone (`acks=False` on each topic, no commit interval that matters). Static membership
    (`settings.worker_instance`) gives a restarted worker its partitions back at once. From then on every aiokafka consumer of this process
    hands records on as parsed.
    """
    aiokafka.consumer.fetcher.PartitionRecords._consumer_record = _as_parsed
    app = faust.App(
        group,
        broker=f"kafka://{settings.kafka_bootstrap.replace(',', ';kafka://')}",
        broker_credentials=_credentials(settings),
        web_enabled=False,  # its /table endpoints would serve data to anybody who reaches the port
        topic_disable_leader=True,
        topic_allow_declare=False,
        store="memory://",
        datadir=str(settings.data_dir / "faust" / settings.worker_instance),
        ConsumerScheduler=ChunkScheduler,
        stream_wait_empty=False,
        stream_buffer_maxsize=64,  # chunks, not records
        broker_max_poll_records=MAX_POLL_RECORDS,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
        agent_supervisor=mode.CrashingSupervisor,
        broker_commit_interval=3600.0,
        broker_session_timeout=session_seconds,
        broker_heartbeat_interval=min(1.0, session_seconds / 3),
        consumer_group_instance_id=settings.worker_instance or None,
    )
    app.transport = _Transport(app.conf.broker, app)
    return app


def coordinator_errors(app: faust.App) -> Any:
    """The aiokafka coordinator whose `check_errors()` Faust never calls: a swallowed error leaves a worker in no group for ever.

    None while there is no consumer yet.
    """
    thread = getattr(app.consumer, "_thread", None)
    consumer = getattr(thread, "_consumer", None)
    return getattr(consumer, "_coordinator", None)


def _credentials(settings: Settings) -> Any:
    """Faust's credentials object for the security settings; None for PLAINTEXT."""
    if settings.kafka_security_protocol == "PLAINTEXT":
        return None
    import ssl

    context = (
        ssl.create_default_context(cafile=settings.kafka_ssl_ca_location or None) if "SSL" in settings.kafka_security_protocol else None
    )
    if settings.kafka_security_protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=settings.kafka_sasl_username,
        password=settings.kafka_sasl_password.get_secret_value(),
        mechanism=settings.kafka_sasl_mechanism,
        ssl_context=context,
    )
