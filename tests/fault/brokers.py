"""Three brokers on this machine (replication 3, at least two in sync): each is lost and comes back under load.

    python -m tests.fault.brokers --seconds 20 --rounds 2 --rate 2000

A round takes every broker once: SIGKILL, started again by the product's supervisor; in the last round SIGSTOP for longer than its session
instead, then SIGCONT. Meanwhile numbered messages go out through the product's producer (idempotent, acks=all) into a topic of the table.
Afterwards every acknowledged message must be there, once and in its partition's order, and no broker that was killed may have stopped the
acknowledgements for longer than 15 s. Writes `benchmarks/results/brokers.json`; exit status 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaError, Message

from benchmarks import machine
from ops.stack.artifacts import cache_dir
from ops.stack.kafka import Member, kafka, kafka_program, new_cluster
from ops.stack.part import Part
from ops.stack.ports import LOOPBACK, Ports
from tests.fault.figures import spread
from tests.fault.servers import Servers
from transport import topic_admin
from transport.kafka_clients import admin, producer
from transport.settings import HOME, Settings
from transport.state_reader import read_partition
from transport.topics import table

RESULT: Final = HOME / "benchmarks" / "results" / "brokers.json"
TOPIC: Final = "obs.emergency"
HEAP_MB: Final = 320
LONGEST_STOP_S: Final = 15.0
FROZEN_S: Final = 12.0
BACK_S: Final = 120.0
DELIVERY_MS: Final = 120_000


@dataclass
class Report:
    """What a run did and found. Seconds without an acknowledgement around each loss: `stops` of brokers that were killed, `frozen_stops` of
    those that kept their connections open and answered nobody, which clients can only wait for.
    """

    losses: list[str] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    frozen_stops: list[float] = field(default_factory=list)
    without_full_isr: list[str] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    seconds: float = 0.0

    @property
    def well(self) -> bool:
        """Nothing lost, doubled or out of order; no stop longer than allowed; every broker back in sync."""
        wrong = self.lost or self.doubled or self.out_of_order or self.without_full_isr
        return not wrong and max(self.stops, default=0) <= LONGEST_STOP_S


class Load(threading.Thread):
    """Numbered messages at a rate, each with the number of its partition's place; `acknowledged` holds what the brokers said they have."""

    def __init__(self, settings: Settings, rate: int) -> None:
        super().__init__(name="load", daemon=True)
        self._topic, self._rate = settings.topic_prefix + TOPIC, rate
        self._partitions = table()[TOPIC].partitions
        self._out = producer(settings, linger_ms=5, **{"delivery.timeout.ms": DELIVERY_MS})
        self.stop = threading.Event()
        self.acknowledged: set[int] = set()
        self.refused = 0
        self.longest_pause = 0.0
        self._last = time.monotonic()

    def run(self) -> None:
        """Send until told to stop, then wait for what is under way."""
        began, number = time.monotonic(), 0
        while not self.stop.is_set():
            due = int((time.monotonic() - began) * self._rate)
            while number < due:
                try:
                    self._out.produce(self._topic, value=b"%d" % number, partition=number % self._partitions, on_delivery=self._delivered)
                except BufferError:  # the queue is full while brokers are away: what was due then is sent later
                    break
                number += 1
            self._out.poll(0.01)
        self._out.flush(DELIVERY_MS / 1000)

    def pause_since(self) -> float:
        """The longest pause between acknowledgements since the last call."""
        longest, self.longest_pause = max(self.longest_pause, time.monotonic() - self._last), 0.0
        return round(longest, 2)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        now = time.monotonic()
        if error is not None:
            self.refused += 1
            return
        self.longest_pause = max(self.longest_pause, now - self._last)
        self._last = now
        self.acknowledged.add(int(message.value() or b""))


def brokers(home: Path, cache: Path, count: int = 3) -> tuple[list[Part], str]:
    """Parts of a cluster's brokers, each bounded in memory, and their addresses for clients."""
    ports = Ports()
    clients = {number: ports.take() for number in range(1, count + 1)}
    controllers = {number: ports.take() for number in clients}
    (jars, classes), cluster = kafka_program(cache), new_cluster()
    parts = [
        kafka(jars, home / f"kafka{n}", (clients[n], controllers[n]), HEAP_MB, True, classes, Member(n, cluster, controllers))
        for n in clients
    ]
    return parts, ",".join(f"{LOOPBACK}:{port}" for port in clients.values())


def run(settings: Settings, servers: Servers, names: list[str], rounds: int, seconds: float, rate: int) -> Report:
    """Lose and return every broker so often, `seconds` of quiet load before each loss."""
    report, began = Report(), time.monotonic()
    topic_admin.apply(settings, names=(TOPIC,))
    _full_isr(settings, BACK_S)
    load = Load(settings, rate)
    load.start()
    for number in range(rounds):
        for name in names:
            time.sleep(seconds)
            load.pause_since()
            how = "frozen" if number == rounds - 1 and rounds > 1 else "killed"
            _lose(servers, name, how)
            if not _full_isr(settings, BACK_S):
                report.without_full_isr.append(name)
            time.sleep(2.0)
            report.losses.append(f"{name} {how}")
            stop = load.pause_since()
            (report.stops if how == "killed" else report.frozen_stops).append(stop)
            print(f"{time.monotonic() - began:.0f} s: {name} {how}, stop {stop} s, {len(load.acknowledged)} acknowledged",
                  file=sys.stderr, flush=True)  # fmt: skip
    load.stop.set()
    load.join(DELIVERY_MS / 1000 + 30)
    report.acknowledged = len(load.acknowledged)
    _judge(settings, load.acknowledged, report)
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _lose(servers: Servers, name: str, how: str) -> None:
    if how == "killed":
        servers.kill(name)
        return
    pid = servers.pid(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(FROZEN_S)
    finally:
        os.kill(pid, signal.SIGCONT)


def _full_isr(settings: Settings, seconds: float) -> bool:
    """Wait until every partition of the topic is in sync on every broker; False where that takes longer."""
    client, name, ends = admin(settings), settings.topic_prefix + TOPIC, time.monotonic() + seconds
    time.sleep(1.0)  # a loss is not yet known to the controller
    while time.monotonic() < ends:
        topic = client.list_topics(name, timeout=10).topics[name]
        if topic.partitions and all(len(p.isrs) == settings.kafka_replication for p in topic.partitions.values()):
            return True
        time.sleep(0.5)
    return False


def _judge(settings: Settings, acknowledged: set[int], report: Report) -> None:
    found: list[int] = []
    for p in range(table()[TOPIC].partitions):
        here = [int(m.value() or b"-1") for batch in read_partition(settings, settings.topic_prefix + TOPIC, p) for m in batch]
        report.out_of_order += sum(b <= a for a, b in pairwise(here))
        found += here
    report.lost, report.doubled = len(acknowledged - set(found)), len(found) - len(set(found))


def main() -> int:
    """Run once and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rate", type=int, default=2000)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # unwinds, so that no broker is left behind
    described: dict[str, Any] = machine.describe()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-brokers-", ignore_cleanup_errors=True)))
        parts, bootstrap = brokers(folder, cache_dir(HOME / ".nhip"))
        servers = stack.enter_context(Servers(parts, folder))
        settings = Settings.load(data_dir=folder / "data", kafka_bootstrap=bootstrap, kafka_replication=len(parts), topic_prefix="b.")
        report = run(settings, servers, [part.name for part in parts], options.rounds, options.seconds, options.rate)
    document = asdict(report) | {
        "stop": spread(report.stops), "longest_stop_allowed": LONGEST_STOP_S, "brokers": len(parts), "replication": 3, "min_isr": 2,
        "heap_mb": HEAP_MB, "rate": options.rate, "machine": described,
    }  # fmt: skip
    RESULT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(document, ensure_ascii=False))
    return int(not report.well)


if __name__ == "__main__":
    sys.exit(main())
