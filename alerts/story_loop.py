"""Conditions and acts → events, current state, requests, offsets: one transaction each batch.

Order when a process takes the lead, which is the guarantee (docs/alerts.md repeats the numbers):
1. **fence**: start the transactional producer `alerts-story`; what a former leader left open is aborted, what it tries later is refused;
2. **restore**, read_committed, to the end seen after 1: `alerts.current` (state), `alerts.events` (ids already written);
3. **position**: the group's offsets, committed by the same transactions; nothing committed: from the start;
4. **fold** a batch, or the timers that are due; what cannot be read or meant becomes a dead letter;
5. **commit**: events, current state, requests, dead letters and offsets under the group's present generation.
An error in 5 ends the process. Nothing is rolled back in memory: a new term begins at 1.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from alerts.action import action_of
from alerts.alert import Alert, restored
from alerts.alert_book import REST_HEADER, Kept, rest_of, told_apart
from alerts.codec import ACTIONS, CURRENT, DEAD, EVENTS, INPUTS, REQUESTS, Codec
from alerts.condition import ConditionError, from_record
from alerts.digest import Digests
from alerts.leadership import GROUP, Leadership
from alerts.notification import Notification
from alerts.restore import RestoreError, header, newest, to_end
from alerts.rows import MEMORY_HEADER, Row, cloud_event, partition_of
from alerts.story import Effects, Story
from alerts.writer import Writer
from indicators.instant import DAY_MS
from transport.dead_letters import Origin
from transport.kafka_clients import IDLE_FETCH_MS, arrived_messages, consumer
from transport.logging import place
from transport.metrics import Metrics
from transport.records import DecodeError, EncodeError
from transport.settings import Settings
from transport.topics import table

BATCH = 500
POLL_SECONDS = 0.1
STANDBY_SECONDS = 0.2
KNOWN_FOR_MS = 400 * DAY_MS
"""How far back event ids are remembered; an input older than that would be refused by its mark anyway."""
OFFSETS_SECONDS = 30.0
TRANSACTIONAL_ID = "alerts-story"

log = structlog.get_logger(__name__)


class StoryLoop:
    """Runs in one thread until `stop` is set. `clock`: epoch ms. Raises WriteError, RestoreError, KafkaException: the process must end."""

    def __init__(
        self, settings: Settings, codec: Codec, tale: tuple[Story, Digests], metrics: Metrics, stop: threading.Event,
        clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._settings, self._codec, self._metrics = settings, codec, metrics
        self._story, self._digests = tale
        self._stop, self._clock = stop, clock
        self._topics = table(settings.topic_prefix)
        self._beat = 0
        self._count_again = 0.0
        self.term = 0
        """The term whose state is loaded; 0: standing by."""

    @property
    def known(self) -> int:
        """Alerts that it knows."""
        return len(self._story.alerts)

    def run(self) -> None:
        """Stand by, lead, stand by again …"""
        leadership = Leadership(self._settings)
        try:
            while not self._stop.is_set():
                if leadership.poll():
                    self._lead(leadership)
                else:
                    self._stop.wait(STANDBY_SECONDS)
        finally:
            leadership.close()

    def _lead(self, leadership: Leadership) -> None:
        """One term, from the fence to the loss of the lead."""
        term = leadership.term
        began = time.monotonic()
        writer = Writer(self._settings, TRANSACTIONAL_ID)  # 1
        self._restore(leadership)  # 2
        reader = self._reader()  # 3
        try:
            self.term = term
            self._count_again = 0.0
            self._count_open()
            self._metrics.gauge("nhip_restore_seconds", time.monotonic() - began, stage="alerts")
            alerts = self._story.alerts
            log.info("leads", term=term, alerts=len(alerts), at_rest=alerts.at_rest, seconds=round(time.monotonic() - began, 3))
            while not self._stop.is_set() and leadership.poll() and leadership.term == term:
                messages = arrived_messages(reader, BATCH, POLL_SECONDS)
                if messages:
                    self._fold_and_commit(messages, writer, leadership)
                self._let_off(writer)
        finally:
            self.term = 0
            reader.close()

    def _restore(self, leadership: Leadership) -> None:
        known: list[str] = []
        for message in self._committed(EVENTS, self._clock() - KNOWN_FOR_MS, leadership):
            known.append(header(message, "ce_id").decode())
        current = newest(self._committed(CURRENT, None, leadership))
        awake, resting = told_apart(map(self._kept, current.values()), self._clock() - self._story.storm_ms)
        self._story.restore(awake, known, resting)

    def _kept(self, message: Message) -> Kept:
        memory = header(message, MEMORY_HEADER)
        read = partial(self._read, message.value(), memory, _where(message))  # not of the message, which holds every header
        return Kept((message.key() or b"").decode(), header(message, REST_HEADER), memory, read)

    def _read(self, value: bytes | None, memory: bytes, where: tuple[str, int, int]) -> Alert:
        try:
            return restored(self._codec.event.decode(value), memory)
        except (DecodeError, ConditionError) as error:
            raise RestoreError("{} [{}] {}: {}".format(*where, error)) from error

    def _committed(self, name: str, since_ms: int | None, leadership: Leadership) -> Iterator[Message]:
        topic = self._codec.topic(name)
        for n, message in enumerate(to_end(self._settings, topic, range(self._topics[topic].partitions), since_ms)):
            if n % 1000 == 0:
                leadership.poll()  # a long restore must not cost the lead it is made for
            yield message

    def _reader(self) -> Consumer:
        """A consumer at the group's positions, without being a member: the members elect, this one reads everything."""
        reader = consumer(self._settings, GROUP, fetch_min_bytes=1, fetch_wait_max_ms=IDLE_FETCH_MS)
        try:
            topics = [self._codec.topic(name) for name in INPUTS]
            wanted = [TopicPartition(t, p) for t in topics for p in range(self._topics[t].partitions)]
            committed = reader.committed(wanted, OFFSETS_SECONDS)
            reader.assign([TopicPartition(p.topic, p.partition, max(p.offset, 0)) for p in committed])
        except KafkaException:
            reader.close()
            raise
        return reader

    def _fold_and_commit(self, messages: Sequence[Message], writer: Writer, leadership: Leadership) -> None:
        began = time.monotonic()
        rows: list[Row] = []
        counts: list[Effects] = []
        offsets: dict[tuple[str, int], int] = {}
        for message in messages:
            topic, partition, offset = _where(message)
            offsets[topic, partition] = offset + 1
            rows += self._fold(message, topic, counts)
        after = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
        writer.commit(rows, after, leadership.metadata)
        if self._beat:
            self._metrics.gauge("nhip_beat_seconds", self._beat / 1000, process="alerts")
        self._count(messages, counts, time.monotonic() - began)

    def _let_off(self, writer: Writer) -> None:
        """Timers that are due: their events, state and requests in one transaction. After a crash they are still due, under the same
        ids."""
        now = self._clock()
        earliest = self._story.next_due()
        due = self._story.due(now)[:BATCH] if earliest is not None and earliest <= now else []
        effects = [self._story.on_timer(alert_id, timer, now) for alert_id, timer in due]
        rows = [row for each in effects for row in self._rows(each)]
        rows += self._requests(self._digests.due(self._story.alerts.standing(), now))
        if rows:
            writer.commit(rows)
            self._metrics.count("nhip_commits", stage="alerts")

    def _fold(self, message: Message, topic: str, counts: list[Effects]) -> list[Row]:
        """The rows of one input; a dead letter where it cannot be read or meant."""
        now = self._clock()
        try:
            if topic == self._codec.topic(ACTIONS):
                effects = self._story.on_action(action_of(self._codec.action.decode(message.value())), now)
            elif message.value() is None:
                return []  # a tombstone of compaction: nothing is said
            else:
                condition = from_record(self._codec.condition.decode(message.value()))
                if self._story.is_beat(condition):
                    self._beat = max(self._beat, condition.event_time)
                    return []  # a beat has come all the way: who watches asks for it
                effects = self._story.on_condition(condition, now)
            rows = self._rows(effects)
        except DecodeError as error:
            return [self._dead(message, (error.reason, error.field, error.detail), now)]
        except ConditionError as error:
            reason = "unknown_subject" if error.field == "alert_id" and "no such" in error.detail else "validation"
            return [self._dead(message, (reason, error.field, error.detail), now)]
        counts.append(effects)
        return rows

    def _rows(self, effects: Effects) -> list[Row]:
        rows: list[Row] = []
        topic = self._codec.topic
        try:
            if effects.current is not None:
                alert = effects.current
                value, key = self._codec.write_event.encode(alert.record()), alert.alert_id.encode()
                headers = cloud_event(alert)
                if effects.event is not None:
                    rows.append(Row(topic(EVENTS), key, value, headers))
                rest = rest_of(alert)
                at_rest = [(REST_HEADER, rest.bytes())] if rest is not None else []
                rows.append(Row(topic(CURRENT), key, value, [*headers, (MEMORY_HEADER, alert.memory.bytes()), *at_rest]))
            rows += self._requests(effects.requests)
        except EncodeError as error:
            self._story.undo(effects)
            raise ConditionError("the whole", f"cannot be written as an event: {error}") from error
        return rows

    def _requests(self, requests: Sequence[Notification]) -> list[Row]:
        topic = self._codec.topic(REQUESTS)
        partitions = self._topics[topic].partitions
        return [
            Row(topic, r.notification_key.encode(), self._codec.write_notification.encode(r.record()),
                partition=partition_of(r.recipient, partitions))
            for r in requests
        ]  # fmt: skip

    def _dead(self, message: Message, why: tuple[str, str, str], now: int) -> Row:
        topic, partition, offset = _where(message)
        log.warning("refused", reason=why[0], field=why[1], **place(topic, partition, offset))
        self._metrics.refused("alerts", [why[0]])
        short = topic.removeprefix(self._settings.topic_prefix)
        origin = Origin(topic=short, partition=partition, offset=offset, timestamp=message.timestamp()[1])
        key = message.key()
        letter = self._codec.dead_letters.letter(key, message.value(), origin, why, first_seen=now)
        return Row(self._codec.topic(DEAD), letter.key, letter.value, [*letter.headers])

    def _count(self, messages: Sequence[Message], counts: Sequence[Effects], seconds: float) -> None:
        for message in messages:
            self._metrics.count("nhip_messages_in", topic=(message.topic() or "").removeprefix(self._settings.topic_prefix))
        stale = sum(effects.outcome in ("stale", "known") for effects in counts)
        if stale:
            self._metrics.count("nhip_duplicates", stale, stage="alerts")
        self._metrics.count("nhip_commits", stage="alerts")
        self._metrics.observe("nhip_commit_seconds", seconds, stage="alerts")
        self._count_open()

    def _count_open(self) -> None:
        """Open alerts by severity; a walk over all of them, so at most once a second."""
        if time.monotonic() < self._count_again:
            return
        self._count_again = time.monotonic() + 1.0
        burning = Counter(alert.evidence.severity for alert in self._story.alerts.standing())
        for severity in range(1, 6):
            self._metrics.gauge("nhip_alerts_open", burning[severity], severity=str(severity))


def _where(message: Message) -> tuple[str, int, int]:
    """Topic, partition and offset of a message that was read."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise ValueError("a message without its place")
    return topic, partition, offset
