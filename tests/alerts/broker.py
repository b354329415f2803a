"""What the tests on the real broker share: topics, writing inputs, reading outputs, a process to kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from alerts.action import Action
from alerts.channels.contract import Channel
from alerts.codec import ACTIONS, CONDITIONS, CURRENT, DEAD, EMERGENCY, EVENTS, LEDGER, REQUESTS, RESULTS, Codec
from alerts.condition import Condition
from alerts.delivery import GROUP as DELIVERERS
from alerts.leadership import GROUP as LEADERS
from alerts.main import now_ms, serve
from alerts.restore import until_ends
from transport.kafka_clients import admin, consumer, producer
from transport.records import AvroEncoder
from transport.registry import Registry, register_all
from transport.settings import Settings
from transport.startup import Startup
from transport.topics import table

TOPICS = (CONDITIONS, EMERGENCY, ACTIONS, EVENTS, CURRENT, REQUESTS, RESULTS, LEDGER, DEAD, "ops.audit")
BUSY = 5


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something to become true, at most `BUSY` times the `seconds` of a quiet machine; AssertionError says what did not."""
    ends = time.monotonic() + BUSY * seconds
    while not true():
        assert time.monotonic() < ends, f"not within {BUSY * seconds:.0f} s: {what}"
        time.sleep(0.05)


class Reading:
    """What is committed in one topic. Tests look again and again while they wait: each look goes on where the last one ended."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._topic, self._seen = topic, list[Message]()
        self._next = dict.fromkeys(range(table(settings.topic_prefix)[topic].partitions), 0)
        self._reader = consumer(settings, "look", enable_partition_eof=True, fetch_wait_max_ms=20)

    def whole(self) -> list[Message]:
        """Everything there is by now. Raises RestoreError where the broker does not answer."""
        self._reader.assign([TopicPartition(self._topic, p, at) for p, at in self._next.items()])
        for message in until_ends(self._reader, set(self._next), self._topic):
            self._seen.append(message)
            self._next[message.partition() or 0] = (message.offset() or 0) + 1
        return list(self._seen)

    def close(self) -> None:
        self._reader.close()


class Bench:
    """One installation of the alerts process on the session's broker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        whole = table(settings.topic_prefix)
        mine = [whole[settings.topic_prefix + name] for name in TOPICS]
        register_all(settings, mine)
        client = admin(settings)  # kept: its futures die with it
        futures = client.create_topics([NewTopic(t.name, t.partitions, 1, config=t.config()) for t in mine])
        for future in futures.values():
            future.result(timeout=20)
        self.registry = Registry(settings)
        self.codec = Codec(settings, self.registry)
        self._producer = producer(settings, linger_ms=0)
        self._condition = AvroEncoder("condition", self.registry.id_of(CONDITIONS))
        self._action = AvroEncoder("alert_action", self.registry.id_of(ACTIONS))
        self._readings: dict[str, Reading] = {}

    def close(self) -> None:
        for reading in self._readings.values():
            reading.close()
        self.registry.close()

    def write(self, rows: Sequence[Condition], topic: str = EMERGENCY) -> None:
        """Conditions as a worker writes them: to the partition number of their input."""
        for row in rows:
            self.write_raw(topic, row.alert_id.encode(), self._condition.encode(asdict(row)), row.source_partition)
        assert self._producer.flush(10) == 0

    def write_raw(self, topic: str, key: bytes, value: bytes | None, partition: int = 0) -> None:
        self._producer.produce(self.codec.topic(topic), value=value, key=key, partition=partition)
        self._producer.poll(0)

    def flush(self) -> None:
        assert self._producer.flush(10) == 0

    def act(self, action: Action) -> None:
        self._producer.produce(self.codec.topic(ACTIONS), value=self._action.encode(action.record()), key=action.alert_id.encode())
        assert self._producer.flush(10) == 0

    def messages(self, name: str) -> list[Message]:
        """Everything committed in a topic."""
        if name not in self._readings:
            self._readings[name] = Reading(self.settings, self.codec.topic(name))
        return self._readings[name].whole()

    def events(self) -> list[dict[str, Any]]:
        return [self.codec.event.decode(m.value()) for m in self.messages(EVENTS)]

    def notifications(self, name: str) -> list[dict[str, Any]]:
        return [self.codec.notification.decode(m.value()) for m in self.messages(name)]

    def final(self) -> dict[str, str]:
        """Notification key → its last state in the ledger."""
        return {n["notification_key"]: f"{n['state']}:{n['reason']}" for n in self.notifications(LEDGER)}

    def settled(self, count: int) -> bool:
        """Are there this many notifications, and nothing left to do for any?"""
        states = self.final()
        return len(states) >= count and not any(s.startswith("intended") or s == "failed:retry" for s in states.values())

    def elected(self, members: int) -> bool:
        """Have so many processes joined the election and the delivery, and have both groups settled?"""
        return all(one == ("STABLE", members) for one in _groups(admin(self.settings), self.settings.topic_prefix))

    def forget_offsets(self) -> None:
        """Both groups at the beginning again: the operator's «read it all once more»."""
        for group, names in (("alerts-story", (EMERGENCY, CONDITIONS, ACTIONS)), ("alerts-delivery", (REQUESTS,))):
            client = admin(self.settings)
            whole = table(self.settings.topic_prefix)
            partitions = [TopicPartition(self.codec.topic(n), p, 0) for n in names for p in range(whole[self.codec.topic(n)].partitions)]
            group_id = self.settings.topic_prefix + group
            futures = client.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group_id, partitions)])
            for future in futures.values():
                future.result(timeout=20)


@contextmanager
def running(settings: Settings, channels: Mapping[str, Channel], clock: Callable[[], int] = now_ms) -> Iterator[None]:
    """The process in a thread of this one; stopped as by SIGTERM."""
    stop = threading.Event()
    codes: list[int] = []
    startup = Startup()
    thread = threading.Thread(target=lambda: codes.append(serve(settings, stop, channels, clock, startup)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        # librdkafka 2.16 can wait for ever, with the interpreter's lock held, where a member closes while its group is still forming. A
        # process of its own would be killed by its supervisor; a thread of the tests would take them all with it. The broker calls the
        # group of a static member stable before a second life of it has come back: only the process itself knows.
        _at_work(startup, thread)
        _formed(settings)
        stop.set()
        thread.join(30)
    assert codes == [0]


def _at_work(startup: Startup, thread: threading.Thread, seconds: float = 5.0) -> None:
    """Wait until the process leads and delivers, or for so long: one that stands by never does."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not startup.over and thread.is_alive():
        time.sleep(0.02)


def _formed(settings: Settings, seconds: float = 10.0) -> None:
    """Wait until both groups are stable, or for so long."""
    ends, client = time.monotonic() + seconds, admin(settings)
    while time.monotonic() < ends and not all(one is not None and one[0] == "STABLE" for one in _groups(client, settings.topic_prefix)):
        time.sleep(0.1)


def _groups(client: AdminClient, prefix: str) -> list[tuple[str, int] | None]:
    """State and members of the group that elects and of the one that delivers; None: not known yet."""
    names = [prefix + group for group in (LEADERS, DELIVERERS)]
    try:
        found = [future.result(timeout=20) for future in client.describe_consumer_groups(names).values()]
    except KafkaException:
        return [None]
    return [(one.state.name, len(one.members)) for one in found]


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The settings as a child process's environment."""
    names = ("kafka_bootstrap", "registry_url", "topic_prefix", "data_dir", "alerts_instance", "smtp_host", "smtp_port", "webhook_url")
    values = {f"NHIP_{name.upper()}": str(getattr(settings, name)) for name in names}
    return {**os.environ, **values, "NHIP_ALERTS_METRICS_PORT": "0", "NHIP_LOG_LEVEL": "INFO", **more}


def start(settings: Settings, log: Path, **more: str) -> subprocess.Popen[bytes]:
    """`nhip run alerts` as a child, its output in `log`."""
    code = "from alerts.main import main; from transport.settings import Settings; raise SystemExit(main(Settings.load()))"
    with log.open("ab") as out:
        return subprocess.Popen([sys.executable, "-c", code], env=environment(settings, **more), stdout=out, stderr=out, cwd=settings.home)


def log_lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines of a log."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.startswith("{")]
