"""Contract with the insides of Faust, mode and aiokafka: every private name that `transport` uses, as the pinned versions have it.

A new version of one of them is taken by running this file first: what fails here names the line in transport/chunks.py,
transport/transactions.py or transport/watchdog.py that has to be thought through again.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import aiokafka.producer.sender as sender
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as Place
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # public, but not marked so
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import StreamT
from mode.services import Service

from transport import chunks
from transport.chunks import FETCH_WAIT_MS, ChunkScheduler, chunked_app, coordinator_errors
from transport.kafka_clients import admin, consumer, transactional_producer
from transport.settings import HOME, Settings
from transport.transactions import Rows, Transaction

MODULES = ("chunks", "transactions", "watchdog")
FOREIGN = {
    "_isolation_level", "_fetch_max_wait_ms", "_fetch_max_bytes", "_create_worker_consumer", "_thread", "_consumer", "_coordinator",
    "_txn_manager", "_consumer_record",
}  # fmt: skip
"""Private names of others that the modules touch; a new one needs a test here. `_new_consumer_thread` is overridden, not called."""

OURS = ("self", "os", "Transaction")
DEADLINE = 40.0


def within(body: Callable[[], Awaitable[None]]) -> None:
    """Run `body` in an event loop of its own; a deadline instead of a hanging test."""

    async def bounded() -> None:
        await asyncio.wait_for(body(), DEADLINE)

    asyncio.run(bounded())


@pytest.mark.parametrize("name", ["faust-streaming", "mode-streaming", "aiokafka"])
def test_the_versions_are_the_ones_this_file_was_written_for(name: str) -> None:
    lines = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    (pin,) = [line.partition("==")[2] for line in lines if re.match(rf"{name}(\[\w+\])?==", line)]
    assert version(name) == pin


def test_every_private_name_in_use_has_its_contract_here() -> None:
    found: set[str] = set()
    for module in MODULES:
        for node in ast.walk(ast.parse((HOME / "transport" / f"{module}.py").read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in OURS):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # the names that getattr is given
                found.add(node.value)
    assert {name for name in found if re.fullmatch(r"_[a-z_]+", name)} == FOREIGN


def test_records_are_handed_on_as_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of a fetched batch asks `_consumer_record` for what it yields, and a parsed record has what lanes and folds read."""
    monkeypatch.setattr(PartitionRecords, "_consumer_record", chunks._as_parsed)
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 14)
    for offset in range(2):
        builder.append(offset, 1000 + offset, b"k%d" % offset, b"v", [])
    batches = MemoryRecords(bytes(builder.build()))
    found = list(PartitionRecords(Place("t", 0), batches, [], 1, None, None, True, READ_COMMITTED))
    assert [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in found] == [(1, 1001, b"k1", b"v", [])]
    assert isinstance(found[0], DefaultRecord)


def test_importing_the_module_changes_no_other_consumer() -> None:
    """A process that reads with aiokafka beside us must get what aiokafka documents; only `chunked_app` changes it."""
    code = "import transport.chunks, aiokafka.consumer.fetcher as f; print(f.PartitionRecords._consumer_record.__module__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "aiokafka.consumer.fetcher"


def test_a_consumer_keeps_what_we_set_in_the_attributes_that_its_start_reads() -> None:
    async def body() -> None:
        made = AIOKafkaConsumer(isolation_level="read_committed", fetch_max_wait_ms=7, fetch_max_bytes=11)
        assert (made._isolation_level, made._fetch_max_wait_ms, made._fetch_max_bytes) == ("read_committed", 7, 11)
        assert made._coordinator is None
        await made.stop()

    within(body)
    start = inspect.getsource(AIOKafkaConsumer.start)
    for name in ("_isolation_level", "_fetch_max_wait_ms", "_fetch_max_bytes"):
        assert f"self.{name}" in start, f"AIOKafkaConsumer.start takes its {name} from elsewhere now"
    assert "self._coordinator = GroupCoordinator(" in start
    assert "self.member_id = JoinGroupRequest.UNKNOWN_MEMBER_ID" in inspect.getsource(GroupCoordinator.reset_generation)
    heartbeat = inspect.getsource(GroupCoordinator._do_heartbeat)
    assert "HeartbeatRequest(self.group_id, self.generation, self.member_id)" in heartbeat, "with the name in it: watchdog.OwnName may go"
    assert not inspect.iscoroutinefunction(GroupCoordinator.check_errors)


def test_faust_makes_its_consumer_through_the_methods_we_override(settings: Settings) -> None:
    assert list(inspect.signature(driver.AIOKafkaConsumerThread._create_worker_consumer).parameters) == ["self", "transport"]
    assert list(inspect.signature(driver.Consumer._new_consumer_thread).parameters) == ["self"]

    async def body() -> None:
        app = chunked_app(settings, "contract")
        assert isinstance(app.consumer, driver.Consumer)
        thread: Any = app.consumer._thread
        assert isinstance(thread, driver.AIOKafkaConsumerThread)
        assert thread._consumer is None
        assert coordinator_errors(app) is None
        transport: Any = app.transport
        mine = thread._create_worker_consumer(transport)
        theirs = driver.AIOKafkaConsumerThread._create_worker_consumer(thread, transport)
        assert (mine._isolation_level, mine._fetch_max_wait_ms) == ("read_committed", FETCH_WAIT_MS)
        # What Faust hard-codes, and why the override is there: when this changes, the override may go.
        assert (theirs._isolation_level, theirs._fetch_max_wait_ms) == ("read_uncommitted", 1500)
        await asyncio.gather(mine.stop(), theirs.stop())
        thread.thread_loop.close()  # a thread that never ran does not close its own

    within(body)


def test_faust_iterates_through_the_scheduler_of_the_settings(settings: Settings) -> None:
    async def body() -> None:
        chosen: Any = chunked_app(settings, "contract").conf.ConsumerScheduler
        assert chosen is ChunkScheduler

    within(body)
    assert issubclass(ChunkScheduler, DefaultSchedulingStrategy)
    assert list(inspect.signature(DefaultSchedulingStrategy.iterate).parameters) == ["self", "records"]


def test_a_crash_shows_in_the_application(settings: Settings) -> None:
    async def body() -> None:
        app = chunked_app(settings, "contract")
        assert not app.crashed
        reason = RuntimeError("lane failed")
        await app.crash(reason)
        assert app.crashed
        assert app.crash_reason is reason

    assert isinstance(inspect.getattr_static(Service, "crashed"), property)
    within(body)


def test_a_transaction_registers_partitions_before_rows_are_sent() -> None:
    assert list(inspect.signature(TransactionManager.maybe_add_partition_to_txn).parameters) == ["self", "tp"]

    async def body() -> None:
        producer = AIOKafkaProducer(transactional_id="contract")
        manager = producer._txn_manager
        assert isinstance(manager, TransactionManager)
        manager.set_pid_and_epoch(1, 0)
        manager.begin_transaction()
        manager.maybe_add_partition_to_txn(Place("a", 0))
        assert manager.partitions_to_add() == {Place("a", 0)}
        await producer.stop()

    within(body)


def test_a_batch_takes_rows_until_it_is_full_and_then_says_none() -> None:
    async def body() -> None:
        producer = AIOKafkaProducer(transactional_id="contract", max_batch_size=200)
        batch = producer.create_batch()
        taken = [batch.append(timestamp=1, key=b"k", value=bytes(60), headers=[("h", b"v")]) is not None for _ in range(4)]
        assert taken[0]
        assert not taken[-1]
        await producer.stop()

    within(body)


def test_the_wait_between_transactions_is_ours_and_is_read_at_each_wait() -> None:
    assert sender.BACKOFF_OVERRIDE == 0.002
    assert "return BACKOFF_OVERRIDE" in inspect.getsource(sender.AddPartitionsToTxnHandler)


@pytest.mark.stack
def test_faust_hands_over_committed_rows_as_lists_in_offset_order(settings: Settings) -> None:
    """All of it together: the real application reads what two transactions left, the first aborted."""
    topic = _topic(settings, "chunks")
    writer = transactional_producer(settings, "contract")
    for value, end in ((b"aborted", writer.abort_transaction), (b"committed", writer.commit_transaction)):
        writer.begin_transaction()
        for number in range(20):
            writer.produce(topic, value + b" %d" % number, partition=0)
        writer.flush(20)
        end(20)
    read: list[list[bytes]] = []

    async def body() -> None:
        (settings.data_dir / "faust").mkdir(parents=True)
        app = chunked_app(settings, f"{settings.topic_prefix}contract")
        done = asyncio.Event()

        async def collect(stream: StreamT[Any]) -> None:
            async for event in stream.events():
                chunk: Any = event.value
                read.append([record.value for record in chunk])
                if sum(map(len, read)) >= 20:
                    done.set()

        app.agent(app.topic(topic, key_serializer="raw", value_serializer="raw", acks=False), name="contract")(collect)
        app.finalize()
        await app.start()
        try:
            await done.wait()
            coordinator = coordinator_errors(app)
            assert isinstance(coordinator, GroupCoordinator)
            coordinator.check_errors()  # raises where the group lost this member
        finally:
            await app.stop()

    within(body)
    assert [value for chunk in read for value in chunk] == [b"committed %d" % number for number in range(20)]


@pytest.mark.stack
def test_a_second_owner_fences_the_first(settings: Settings) -> None:
    """The order that `Transaction.commit` relies on, on the real broker: rows of the fenced owner are never read."""
    topic, source = _topic(settings, "rows"), _topic(settings, "source")

    async def body() -> None:
        old, new = (Transaction(settings, f"{settings.topic_prefix}lane", f"{settings.topic_prefix}group") for _ in range(2))
        await old.start()
        await old.commit((source, 0), 1, [Rows(topic, 0, [b"k"], [b"first"])])
        await new.start()
        with pytest.raises(Exception, match=r"(?i)fenced|epoch|producer"):  # aiokafka raises one of several
            await old.commit((source, 0), 2, [Rows(topic, 0, [b"k"], [b"zombie"])])
        await new.commit((source, 0), 2, [Rows(topic, 0, [b"k"], [b"second"])])
        await new.stop()
        await old.stop()

    within(body)
    reader = consumer(settings, "check", read_committed=True)
    try:
        reader.assign([TopicPartition(topic, 0, 0)])
        assert [message.value() for message in _messages(reader, 2)] == [b"first", b"second"]
    finally:
        reader.close()


def _messages(reader: Consumer, count: int) -> list[Message]:
    """`count` messages, or fewer at the deadline."""
    found: list[Message] = []
    ends = time.monotonic() + DEADLINE
    while len(found) < count and time.monotonic() < ends:
        message = reader.poll(0.2)
        if message is not None and message.error() is None:
            found.append(message)
    return found


def _topic(settings: Settings, name: str) -> str:
    full = settings.topic_prefix + name
    client = admin(settings)
    client.create_topics([NewTopic(full, 1, 1)])[full].result(timeout=30)
    return full
