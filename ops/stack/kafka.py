"""Kafka on loopback: one broker that is its own controller (KRaft), or one of several that together are (`Member`).

The quorum is named statically (`controller.quorum.voters`): a dynamic quorum would keep the controller's port in its log, and the port may
differ from run to run. Nothing is created automatically: topics come from transport/topics.py. Properties: Kafka 4.3 documentation, «Broker
Configs»; the choice of each that is not its default is said beside it.
"""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.stack import artifacts, health
from ops.stack.java import class_archive, class_path, environment, java
from ops.stack.part import Part, PartError
from ops.stack.ports import LOOPBACK

FORMAT_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Member:
    """One broker's place in its cluster. `controllers`: controller port of every member by number, its own too. Everything is replicated to
    three members where there are so many, and acknowledged when two have it.
    """

    number: int
    cluster: str
    controllers: Mapping[int, int]

    @property
    def replication(self) -> int:
        """Replicas of what is replicated."""
        return min(3, len(self.controllers))

    @property
    def min_isr(self) -> int:
        """Replicas that must have a record before it is acknowledged."""
        return max(1, self.replication - 1)

    @property
    def session_ms(self) -> int:
        """Silence after which the controller gives a broker up. One that is alone shares a process with its controller: nobody else could
        lead meanwhile, and its next life waits for the end of its last (killed, up again after 4.3 s; 7.5 s with a session of 6 s)."""
        return 3_000 if len(self.controllers) == 1 else 6_000


def alone(controller_port: int) -> Member:
    """A broker without others."""
    return Member(1, new_cluster(), {1: controller_port})


def new_cluster() -> str:
    """A cluster id as `kafka-storage random-uuid` gives one."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
num.recovery.threads.per.data.dir=2

offsets.topic.replication.factor={replication}
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr={min_isr}
share.coordinator.state.topic.replication.factor={replication}
share.coordinator.state.topic.min.isr={min_isr}
min.insync.replicas={min_isr}
# A broker that is lost is fenced after this time; until then writes to its partitions wait, and one that was killed is not taken back.
broker.session.timeout.ms={session_ms}
broker.heartbeat.interval.ms={heartbeat_ms}

# Internal topics with 4 partitions, not 50: fewer files to open and to read back at start.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=1

# Nothing appears by a typing error; topics come from the table.
auto.create.topics.enable=false
# A group of one machine is complete at once.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# An owner that was killed holds back read_committed readers for at most its transaction's timeout plus this.
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
# Small local data: compaction soon and cheap.
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.io.buffer.size=524288
log.cleaner.backoff.ms=15000
log.segment.bytes=134217728
log.retention.check.interval.ms=300000
message.max.bytes=1048588
num.network.threads=3
num.io.threads=4
background.threads=4
"""

LOG4J = """\
Configuration:
  status: error
  Appenders:
    Console:
      name: out
      PatternLayout:
        pattern: "%d{ISO8601} %-5p %c{1}: %m%n"
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        ref: out
    Logger:
      - name: org.apache.kafka.storage.internals.log
        level: WARN
      - name: org.apache.kafka.common.config.AbstractConfig
        level: WARN
      - name: org.apache.kafka.server.config.AbstractKafkaConfig
        level: WARN
      - name: kafka.server.KafkaConfig
        level: WARN
      - name: state.change.logger
        level: WARN
"""


def kafka_program(cache: Path) -> tuple[tuple[Path, ...], Path | None]:
    """Its jars, fetched where they are missing, and its class archive. Raises ArtifactError."""
    jars = artifacts.install("kafka", cache)
    return jars, class_archive(cache, "kafka", jars)


def properties_of(member: Member, port: int, data: Path) -> str:
    """The broker's server.properties: clients at `port`, logs under `data`."""
    voters = ",".join(f"{number}@{LOOPBACK}:{at}" for number, at in sorted(member.controllers.items()))
    return PROPERTIES.format(
        node=member.number, host=LOOPBACK, port=port, controller=member.controllers[member.number], voters=voters, data=data,
        replication=member.replication, min_isr=member.min_isr, session_ms=member.session_ms, heartbeat_ms=member.session_ms // 6,
    )  # fmt: skip


def kafka(
    jars: tuple[Path, ...], home: Path, ports: tuple[int, int], heap_mb: int = 1024, light: bool = False, classes: Path | None = None,
    member: Member | None = None,
) -> Part:  # fmt: skip
    """The broker as a part: data and configuration under `home`, clients at 127.0.0.1:`ports[0]`, its controller at `ports[1]`.
    `classes`: its class archive (ops.stack.java). `member`: its place among others; None: it is alone.
    """
    port, place = ports[0], member or alone(ports[1])
    properties, log4j = home / "server.properties", home / "log4j2.yaml"

    def prepare() -> None:
        home.mkdir(parents=True, exist_ok=True)
        properties.write_text(properties_of(place, port, home / "data"))
        log4j.write_text(LOG4J)
        if not (home / "data" / "meta.properties").exists():
            _format(jars, properties, place.cluster)

    options = ("-XX:MaxDirectMemorySize=256m", f"-Dlog4j2.configurationFile={log4j}")
    return Part(
        name=f"kafka{place.number}" if member else "kafka",
        title="Apache Kafka",
        argv=java(heap_mb, (*options, "-cp", class_path(jars), "kafka.Kafka", str(properties)), light, classes),
        address=f"{LOOPBACK}:{port}",
        check=health.kafka(f"{LOOPBACK}:{port}"),
        cwd=home,
        env=environment(),
        prepare=prepare,
        start_timeout=90.0,
        stop_timeout=30.0,
        memory_mb=2 * heap_mb + 512,
        nice=0,
        advice="Xem dữ liệu có bị hỏng không (đĩa đầy, tắt máy đột ngột); `nhip reset` xóa dữ liệu và làm lại từ đầu / "
        "look for damaged data (full disk, power cut); `nhip reset` deletes the data and starts afresh.",
    )


def _format(jars: tuple[Path, ...], properties: Path, cluster: str) -> None:
    """Give the empty data folder its cluster id, as `kafka-storage format` does. Raises PartError with the tool's words."""
    tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties))  # an id may begin with a dash
    argv = java(128, ("-cp", class_path(jars), *tool), light=True)
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S, env=dict(environment()), stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PartError(f"kafka: định dạng thư mục dữ liệu quá {FORMAT_TIMEOUT_S} giây / formatting took too long") from error
    if done.returncode != 0:
        words = f"{done.stdout}{done.stderr}".strip()
        raise PartError(f"kafka: không định dạng được thư mục dữ liệu / the data folder cannot be formatted:\n{words}")
