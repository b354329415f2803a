"""The consuming thread: reads all topics, closes batches, commits plans, hands batches to the writers, and gives partitions back cleanly.

Membership is static and cooperative: a restarted sink takes its partitions back at once, and a second instance takes over only what
moves. A plan that cannot be committed (the partition has gone to another owner, or the group is between two generations) is not inserted:
its messages go back, and are dropped when the revocation comes. So a zombie cannot get past its next plan; what it had planned before,
its successor inserts under the same token.

Named point for fault tests: `sink.after_plan`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from sinks import plan as plans
from sinks.clients import GROUP
from sinks.lane import MAX_BYTES, MAX_ROWS, Lane, cuts
from sinks.pace import Pace, linger
from sinks.tables import Route
from sinks.writer import Abandoned, Batch, Writer, Written
from transport import faults, overdue
from transport.group_calls import GroupCalls, Unanswered
from transport.group_offsets import GroupOffsets, OffsetsUnknown
from transport.kafka_clients import ended

log = structlog.get_logger(__name__)

IDLE_SECONDS: Final = 1.0
CONSUME: Final = 8192
CONSUME_SECONDS: Final = 0.05
WRITERS: Final = 2
BUFFERED_ROWS: Final = 4 * MAX_ROWS
BUFFERED_BYTES: Final = 4 * MAX_BYTES
STALLED_SECONDS: Final = 2.0
HANDOVER_SECONDS: Final = 5.0
COMMIT_SECONDS: Final = 180.0
"""The client takes no time limit here: it asks again while the coordinator is away, each request for up to a minute."""
Key = tuple[str, int]


class Fenced(RuntimeError):
    """Another process runs with this instance's name."""


class Observer(Protocol):
    """What the metrics want to know; called in the consuming thread."""

    def written(self, batch: Batch, written: Written) -> None:
        """A batch is in ClickHouse."""

    def turned(self, lanes: int, buffered: int, paused: bool) -> None:
        """One turn of the loop is done: assigned partitions, buffered messages, whether reading is paused."""


class Sink:
    """Runs until stopped or until a fault that waiting cannot mend. `make_writer` is called once per writer thread."""

    def __init__(self, consumer: Consumer, offsets: GroupOffsets, routes: dict[str, Route], generations: dict[str, str],
                 make_writer: Callable[[], Writer], observer: Observer) -> None:  # fmt: skip
        self._consumer, self._offsets, self._routes, self._generations, self._observer = consumer, offsets, routes, generations, observer
        self._writers: queue.SimpleQueue[Writer] = queue.SimpleQueue()
        for _ in range(WRITERS):
            self._writers.put(make_writer())
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="sink-writer")
        self._done: queue.SimpleQueue[tuple[Batch, Written | None, Exception | None]] = queue.SimpleQueue()
        self._lanes: dict[Key, Lane] = {}
        self._under_way = 0
        self._pace = Pace(time.monotonic())
        self._full_since = 0.0
        self._paused = False
        self._fault: Exception | None = None
        self._calls, self._stop = GroupCalls(GROUP), threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; a fault sets it too, before the group is left.

        Raises Fenced, PlanError, OffsetsUnknown, clickhouse.NotReady, TableAtFault, KafkaException.
        """
        self._stop = stop
        self._consumer.subscribe(sorted(self._routes), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        try:
            while not stop.is_set() and self._fault is None:
                self._turn()
        finally:
            stop.set()
            self._leave()
        if self._fault is not None:
            raise self._fault

    def _turn(self) -> None:
        buffered = sum(lane.count for lane in self._lanes.values())
        full = buffered >= BUFFERED_ROWS or sum(lane.bytes for lane in self._lanes.values()) >= BUFFERED_BYTES
        self._read(full)
        now = time.monotonic()
        self._collect(0.0)
        self._dispatch(now, full)
        self._settle([lane for lane in self._lanes.values() if lane.idle(now, IDLE_SECONDS)])
        self._observer.turned(len(self._lanes), buffered, self._paused)

    def _read(self, full: bool) -> None:
        """Read on; while the buffer is full let the writers catch up; where that lasts, pause but keep polling, as the group expects."""
        now = time.monotonic()
        if not full:
            self._full_since = 0.0
            if self._paused:
                self._pause(False)
        elif not self._full_since:
            self._full_since = now
        if full and not self._paused:
            if now - self._full_since < STALLED_SECONDS:
                self._collect(CONSUME_SECONDS)
                return
            self._pause(True)
        self._take(self._consumer.consume(CONSUME, CONSUME_SECONDS), now)

    def _take(self, messages: list[Message], now: float) -> None:
        """Into the lanes, a run of one partition at a time. What a partition that has gone still sends is dropped."""
        start = 0
        for stop in [*cuts(messages), len(messages)]:
            if start == stop:
                continue
            first, run, start = messages[start], messages[start:stop], stop
            topic, partition, error = _text(first.topic()), _number(first.partition()), first.error()
            if error is None:
                self._add((topic, partition), run, now)
            elif error.code() != KafkaError._PARTITION_EOF:
                _judge(error)
            elif (lane := self._lanes.get((topic, partition))) is not None:
                lane.end_reached()

    def _add(self, key: Key, run: list[Message], now: float) -> None:
        lane = self._lanes.get(key)
        if run and lane is not None:
            lane.add(run, now)

    def _pause(self, paused: bool) -> None:
        partitions = [TopicPartition(topic, partition) for topic, partition in self._lanes]
        (self._consumer.pause if paused else self._consumer.resume)(partitions)
        self._paused = paused
        log.warning("sink.paused" if paused else "sink.resumed", partitions=len(partitions))

    def _dispatch(self, now: float, full: bool) -> None:
        """Close what is ready, the longest waiting first; commit all plans in one request; hand over what was committed.

        The same request commits the ends of what is in ClickHouse already: at a kill only plans under way are left to repeat.
        """
        wait = linger(sum(1 for lane in self._lanes.values() if lane.count or lane.under_way is not None))
        ready = sorted((lane for lane in self._lanes.values() if lane.ready(now, 0.0 if full else wait)), key=lambda lane: lane.since)
        batches: list[tuple[Lane, Batch, bool]] = []
        for lane in ready:
            if self._under_way + len(batches) > WRITERS or not self._pace.take(now):
                break
            repeated = lane.repeat is not None
            batch = lane.close()
            if batch is not None:
                batches.append((lane, batch, repeated))
        if not batches:
            return
        planned = self._settle(
            self._lanes.values(),
            [TopicPartition(b.topic, b.partition, b.plan.first, b.plan.metadata) for _, b, _ in batches],
        )
        faults.reach("sink.after_plan")
        for lane, batch, repeated in batches:
            if (batch.topic, batch.partition) in planned:
                self._under_way += 1
                self._pool.submit(self._write, batch)
            else:
                lane.put_back(batch, repeated)

    def _write(self, batch: Batch) -> None:
        writer = self._writers.get()
        try:
            self._done.put((batch, writer.write(batch), None))
        except Abandoned:
            self._done.put((batch, None, None))
        except Exception as error:  # boundary of the writer's thread: the fault goes to the consuming thread, which stops on it
            self._done.put((batch, None, error))
        finally:
            self._writers.put(writer)

    def _collect(self, seconds: float) -> None:
        """Take note of batches that are done; wait up to `seconds` for the first."""
        while self._under_way:
            try:
                batch, written, error = self._done.get(timeout=seconds) if seconds else self._done.get_nowait()
            except queue.Empty:
                return
            seconds = 0.0
            self._under_way -= 1
            if error is not None:
                self._fault = self._fault or error
            elif written is not None:
                self._observer.written(batch, written)
                lane = self._lanes.get((batch.topic, batch.partition))
                if lane is not None and lane.under_way is batch:
                    lane.done(time.monotonic())

    def _settle(self, some: Iterable[Lane], plans: Sequence[TopicPartition] = (), called_back: bool = False) -> set[Key]:
        """Commit the ends of those of the lanes that rest, without a plan: nothing is left to repeat; and these plans with them. Returns
        what was taken. `called_back`: see `_commit`."""
        lanes = [lane for lane in some if lane.rests]
        if not lanes and not plans:
            return set()
        taken = self._commit([*plans, *map(_end, lanes)], called_back)
        for lane in lanes:
            if (lane.topic, lane.partition) in taken:
                lane.settle = -1
        return taken

    def _commit(self, offsets: list[TopicPartition], called_back: bool) -> set[Key]:
        """Commit and wait for the answer; returns what Kafka took: nothing, where the sink is to stop and the group does not answer. Raises
        Fenced where another process has this instance's name.

        `called_back`: inside a call of the client's. There only this thread may use the client, another would wait for it to return; and
        the member rejoins after its callback only, so that this commit stands behind no JoinGroup.
        """

        def commit() -> list[TopicPartition] | None:
            return self._consumer.commit(offsets=offsets, asynchronous=False)

        try:
            with overdue.calls.within(COMMIT_SECONDS, "sink: commit"):
                results = commit() if called_back else self._calls.ask(commit, self._stop)
        except Unanswered as unanswered:
            log.warning("sink.unanswered", error=str(unanswered))
            return set()
        except KafkaException as error:
            _judge(error.args[0])
            return set()
        for result in results or ():
            if result.error is not None:
                _judge(result.error)
        return {(r.topic, r.partition) for r in results or () if r.error is None}

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            starts = [self._open(found) for found in self._offsets.committed(partitions)]
        except (OffsetsUnknown, plans.PlanError) as error:
            # Not raised from here, inside librdkafka's call: the loop ends on it.
            self._fault, starts = self._fault or error, []
        consumer.incremental_assign(starts)
        if self._paused and starts:
            consumer.pause(starts)
        repeated = sum(1 for tp in starts if self._lanes[tp.topic, tp.partition].repeat is not None)
        log.info("sink.assigned", partitions=len(starts), to_repeat=repeated)

    def _open(self, found: TopicPartition) -> TopicPartition:
        """A lane for a partition and where to begin reading it. Raises PlanError."""
        known = found.offset >= 0
        lane = Lane(found.topic, found.partition, self._routes[found.topic], self._generations[found.topic])
        lane.repeat = plans.read(found.offset, found.metadata) if known else None
        self._lanes[lane.topic, lane.partition] = lane
        return TopicPartition(found.topic, found.partition, found.offset if known else OFFSET_BEGINNING)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Finish what is under way in these partitions, for a while; then commit their ends and let go."""
        lanes = [lane for tp in partitions if (lane := self._lanes.get((tp.topic, tp.partition))) is not None]
        self._finish(lanes)
        self._settle(lanes, called_back=True)
        self._drop(consumer, partitions)
        log.info("sink.revoked", partitions=len(partitions))

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop(consumer, partitions)
        log.warning("sink.lost", partitions=len(partitions))

    def _drop(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for tp in partitions:
            lane = self._lanes.pop((tp.topic, tp.partition), None)
            if lane is not None and lane.under_way is not None:
                lane.under_way.abandoned.set()
        consumer.incremental_unassign(partitions)

    def _finish(self, lanes: list[Lane]) -> None:
        deadline = time.monotonic() + HANDOVER_SECONDS
        while any(lane.under_way is not None for lane in lanes) and self._fault is None and (left := deadline - time.monotonic()) > 0:
            self._collect(left)

    def _leave(self) -> None:
        """Finish what is under way, for a while; commit the ends and leave, for a while: the group may be waiting for somebody else."""
        lanes = list(self._lanes.values())
        self._finish(lanes)
        for lane in lanes:
            if lane.under_way is not None:
                lane.under_way.abandoned.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        while not self._writers.empty():
            self._writers.get().close()
        self._lanes.clear()  # for on_revoke, which the closing calls
        ends = [_end(lane) for lane in lanes if lane.rests]
        try:
            self._calls.leave(self._consumer, (lambda: self._consumer.commit(offsets=ends, asynchronous=False)) if ends else None)
        except KafkaException as error:
            _judge(error.args[0])
        finally:
            self._offsets.close()


def _end(lane: Lane) -> TopicPartition:
    return TopicPartition(lane.topic, lane.partition, lane.settle, "")


def _text(topic: str | None) -> str:
    return topic or ""


def _number(partition: int | None) -> int:
    return -1 if partition is None else partition


def _judge(error: KafkaError) -> None:
    """Raise for what waiting cannot mend; the rest is logged, librdkafka goes on by itself. A commit is refused by the broker's code, a
    member that commits nothing is told by a fatal error, which for a static member has this one reason (transport.kafka_clients.ended)."""
    if error.code() == KafkaError.FENCED_INSTANCE_ID or ended(error):
        raise Fenced("một tiến trình khác đang chạy với cùng NHIP_SINK_INSTANCE: dừng một bên hoặc đổi tên; "
                     f"another process runs under the same NHIP_SINK_INSTANCE: stop one or rename it ({error.str()})")  # fmt: skip
    log.warning("sink.kafka", error=error.name())
