"""The delivery loop: requests → channels → results, one lane per partition this process owns.

Fences: a lane's transactional id is `alerts-delivery-<partition>`; its ledger is restored after the fence and read to its end, so a former
owner's unfinished message is seen as in doubt, never as new.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from alerts.channels.contract import Channel, Outcome
from alerts.codec import DEAD, LEDGER, REQUESTS, RESULTS, Codec
from alerts.condition import ConditionError
from alerts.lane import PLAIN, SIDE_BY_SIDE, Commit, Lane, Room
from alerts.ledger_rows import key_of
from alerts.manner import Manner
from alerts.notification import Notification, notification_of
from alerts.receipt_queue import ReceiptQueue
from alerts.receipts import Folded, Receipt
from alerts.restore import RestoreError, to_end
from alerts.rows import Row
from alerts.writer import Writer
from transport.dead_letters import Origin
from transport.group_calls import leave
from transport.group_offsets import GroupOffsets
from transport.kafka_clients import arrived_messages, consumer
from transport.logging import place
from transport.metrics import Metrics
from transport.records import DecodeError
from transport.settings import Settings

GROUP = "alerts-delivery"
BATCH = 200
IDLE_SECONDS = 0.1
BUSY_SECONDS = 0.005
"""A look for new requests while messages are under way; shorter where one of them comes back."""
DRAIN_SECONDS = 12.0
"""Longer than any channel's time limit: at a stop, what is under way may end and be written."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Owned:
    """A lane with its writer."""

    lane: Lane
    writer: Writer


class DeliveryLoop:
    """Runs in one thread until `stop` is set. Raises WriteError, RestoreError, OffsetsUnknown, KafkaException: the process must end."""

    def __init__(
        self, settings: Settings, codec: Codec, channels: Mapping[str, Channel], metrics: Metrics, stop: threading.Event,
        clock: Callable[[], int], manner: Manner = PLAIN,
    ) -> None:  # fmt: skip
        self._manner = manner
        self._settings, self._codec, self._channels, self._metrics = settings, codec, channels, metrics
        self._stop, self._clock = stop, clock
        self._came_back = threading.Event()
        self._owned: dict[int, Owned] = {}
        self.receipts = ReceiptQueue()
        self._room = Room(channels.values())
        self._topic = codec.topic(REQUESTS)
        self._threads = {name: ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix=f"channel-{name}") for name in channels}
        self._offsets = GroupOffsets(settings, GROUP)
        self._member = consumer(
            settings, GROUP, instance=f"{GROUP}-{settings.alerts_instance}", partition_assignment_strategy="cooperative-sticky",
            session_timeout_ms=6_000, heartbeat_interval_ms=1_000, fetch_wait_max_ms=50,
        )  # fmt: skip

    @property
    def partitions(self) -> tuple[int, ...]:
        """The partitions whose lanes are open."""
        return tuple(sorted(self._owned))

    def run(self) -> None:
        """Serve the lanes this process owns."""
        self._member.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        try:
            while not self._stop.is_set():
                self._round()
            self._drain(list(self._owned))
        finally:
            leave(self._member, GROUP)
            self._offsets.close()
            for threads in self._threads.values():
                threads.shutdown(wait=False, cancel_futures=True)

    def _round(self) -> None:
        self.receipts.drain(self._fold)
        busy = 0
        self._room.turn()
        for owned in sorted(self._owned.values(), key=lambda one: not one.lane.urgent):
            owned.lane.begin()
            busy += owned.lane.finish()
        if busy:
            self._came_back.wait(BUSY_SECONDS)
            self._came_back.clear()
        messages = arrived_messages(self._member, BATCH, 0.0 if busy else self._patience())
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            by_partition.setdefault(message.partition() or 0, []).append(message)
        for partition, some in by_partition.items():
            self._accept(partition, some)

    def _fold(self, receipt: Receipt) -> Folded:
        """Asked of every lane: a callback names a message, not its partition."""
        results = {owned.lane.receive(receipt) for owned in self._owned.values()}
        result: Folded = "folded" if "folded" in results else "known" if "known" in results else "unknown"
        self._metrics.count("nhip_receipts", channel=receipt.channel, result=result)
        return result

    def _patience(self) -> float:
        """How long to wait for requests: until something that waits may leave."""
        due = min((owned.lane.next_due() for owned in self._owned.values()), default=None)
        return IDLE_SECONDS if due is None else min(IDLE_SECONDS, max(BUSY_SECONDS, (due - self._clock()) / 1000))

    def _accept(self, partition: int, messages: Sequence[Message]) -> None:
        owned = self._owned.get(partition)
        if owned is None:
            return  # given away between fetch and here: the next owner reads it
        requests, dead = [], []
        for message in messages:
            self._metrics.count("nhip_messages_in", topic=REQUESTS)
            try:
                requests.append(notification_of(self._codec.notification.decode(message.value())))
            except DecodeError as error:
                dead.append(self._dead(message, (error.reason, error.field, error.detail)))
            except ConditionError as error:
                dead.append(self._dead(message, ("validation", error.field, error.detail)))
        next_offset = (messages[-1].offset() or 0) + 1
        if dead:
            owned.writer.commit(dead)
        owned.lane.accept(requests, next_offset)

    def _dead(self, message: Message, why: tuple[str, str, str]) -> Row:
        partition, offset = message.partition() or 0, message.offset() or 0
        log.warning("refused", reason=why[0], field=why[1], **place(REQUESTS, partition, offset))
        self._metrics.refused("alerts", [why[0]])
        origin = Origin(topic=REQUESTS, partition=partition, offset=offset, timestamp=message.timestamp()[1])
        letter = self._codec.dead_letters.letter(message.key(), message.value(), origin, why, first_seen=self._clock())
        return Row(self._codec.topic(DEAD), letter.key, letter.value, [*letter.headers])

    def _assigned(self, member: Consumer, partitions: list[TopicPartition]) -> None:
        """Open the lanes, then read from the position their transactions committed: in this order nothing of a former owner is missed."""
        for p in partitions:
            self._open(p.partition)
        committed = self._offsets.committed(partitions)
        member.incremental_assign([TopicPartition(p.topic, p.partition, max(p.offset, 0)) for p in committed])

    def _revoked(self, member: Consumer, partitions: list[TopicPartition]) -> None:
        self._drain([p.partition for p in partitions])
        self._drop(partitions)
        member.incremental_unassign(partitions)

    def _lost(self, member: Consumer, partitions: list[TopicPartition]) -> None:
        """Somebody else owns them already: nothing may be written any more, what is under way is theirs to find in doubt."""
        self._drop(partitions)
        member.incremental_unassign(partitions)

    def _drop(self, partitions: Sequence[TopicPartition]) -> None:
        for p in partitions:
            owned = self._owned.pop(p.partition, None)
            if owned is not None:
                owned.lane.abandon()

    def _open(self, partition: int) -> None:
        began = time.monotonic()
        writer = Writer(self._settings, f"{GROUP}-{partition}")
        lane = Lane((), self._channels, self._room, self._committer(partition, writer), self._start, self._clock, self._manner)
        self._restore(partition, lane)
        lane.recover()
        self._owned[partition] = Owned(lane, writer)
        log.info("delivers", partition=partition, ledger=lane.ledger.size, seconds=round(time.monotonic() - began, 3))

    def _restore(self, partition: int, lane: Lane) -> None:
        """The newest row of each key into the lane's ledger. Of what is settled and needed for no receipt and no throttle nothing but the
        key is kept, or even read. Raises RestoreError."""
        now, whole_since, rows = self._clock(), dict[bytes, int](), dict[bytes, Message]()
        for message in to_end(self._settings, self._codec.topic(LEDGER), [partition]):
            key = message.key() or b""
            with _told_of(message):
                channel = self._codec.ledger_rows.settled_over(message.value() or b"")
                if channel is not None and channel not in whole_since:
                    whole_since[channel] = now - self._manner.whole_ms(channel.decode())
                if channel is not None and message.timestamp()[1] < whole_since[channel]:
                    rows.pop(key, None)
                    lane.ledger.settle(key_of(key))
                else:
                    rows[key] = message
        for message in rows.values():
            with _told_of(message):
                lane.keep(notification_of(self._codec.notification.decode(message.value())))

    def _committer(self, partition: int, writer: Writer) -> Commit:
        def commit(ledger: Sequence[Notification], results: Sequence[Notification], next_offset: int | None) -> None:
            rows = []
            for topic, some in ((LEDGER, ledger), (RESULTS, results)):
                for row in some:
                    value = self._codec.write_notification.encode(row.record())
                    rows.append(Row(self._codec.topic(topic), row.notification_key.encode(), value, partition=partition))
            offsets = [] if next_offset is None else [TopicPartition(self._topic, partition, next_offset)]
            writer.commit(rows, offsets, self._member.consumer_group_metadata)
            for row in results:
                self._metrics.count("nhip_notifications", channel=row.channel, state=row.state)

        return commit

    def _start(self, channel: Channel, work: Callable[[], Outcome]) -> Callable[[], Outcome | None]:
        future: Future[Outcome] = self._threads[channel.name].submit(work)
        future.add_done_callback(lambda _: self._came_back.set())
        return lambda: future.result() if future.done() else None

    def _drain(self, partitions: Sequence[int]) -> None:
        """Let what is under way end, and write what came of it."""
        ends = time.monotonic() + DRAIN_SECONDS
        lanes = [self._owned[p].lane for p in partitions if p in self._owned]
        while sum(lane.finish() for lane in lanes) and time.monotonic() < ends:
            time.sleep(BUSY_SECONDS)


@contextmanager
def _told_of(message: Message) -> Iterator[None]:
    """What is wrong with a row of the ledger as RestoreError that names its place."""
    try:
        yield
    except (DecodeError, ConditionError, ValueError, IndexError) as error:
        raise RestoreError(f"{message.topic()} [{message.partition()}] {message.offset()}: {error}") from error
