"""Topics as they should be and as they are: `nhip topics apply | diff`.

`apply` creates what is missing and nothing else. A different number of partitions is a new generation and a rebuild, a different cleanup
policy loses state: both are shown as drift with what to do, never altered. `nhip retention apply` alters retention alone.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not marked so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from transport.kafka_clients import admin
from transport.settings import Settings
from transport.topics import Topic, table

DEADLINE_SECONDS: Final = 30.0
_FAMILIES: Final = ("obs.", "panes.", "agg.", "operands.", "derived.", "alerts.", "notify.", "dead.")
_PER_REQUEST: Final = 60
_SETTLE_SECONDS: Final = 0.1

Kind = Literal["missing", "partitions", "replication", "config", "unknown"]


class TopicError(RuntimeError):
    """The broker does not answer in time or refuses to create a topic; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the cluster differs from the topic table. `setting`: of which configuration, else empty."""

    topic: str
    kind: Kind
    setting: str
    expected: str
    found: str

    def text(self) -> str:
        """One line for people: what differs and what to do next."""
        if self.kind == "missing":
            return f"{self.topic}: thiếu / missing; `nhip topics apply` tạo mới / creates it"
        if self.kind == "unknown":
            return f"{self.topic}: không có trong bảng / not in the topic table; kiểm tra rồi xóa bằng tay / check, then delete it by hand"
        if self.kind == "partitions":
            what = "số phân vùng / partitions"
            advice = "không đổi được: cần thế hệ mới và dựng lại / never altered: a new generation and a rebuild"
        elif self.kind == "replication":
            what, advice = "số bản sao / replication", "đổi bằng công cụ phân bổ lại của Kafka / change it with Kafka's reassignment tool"
        else:
            what, advice = self.setting, "sửa bằng kafka-configs / mend it with kafka-configs"
        return f"{self.topic}: {what}: {self.found}, bảng ghi / the table says {self.expected}; {advice}"


def diff(settings: Settings, deadline_seconds: float = DEADLINE_SECONDS) -> list[Difference]:
    """Every difference between the topic table and the cluster, by topic. Raises TopicError where the broker does not answer in time."""
    client, wanted = admin(settings), table(settings.topic_prefix)
    try:
        metadata = client.list_topics(timeout=deadline_seconds).topics
    except KafkaException as error:
        raise _unreachable(settings, error) from error
    found: list[Difference] = []
    for name, topic in wanted.items():
        have = metadata.get(name)
        if have is None or have.error is not None:
            found.append(Difference(name, "missing", "", str(topic.partitions), ""))
            continue
        if len(have.partitions) != topic.partitions:
            found.append(Difference(name, "partitions", "", str(topic.partitions), str(len(have.partitions))))
        copies = min((len(p.replicas) for p in have.partitions.values()), default=0)
        if copies != settings.kafka_replication:
            found.append(Difference(name, "replication", "", str(settings.kafka_replication), str(copies)))
    present = [topic for name, topic in wanted.items() if name in metadata]
    try:
        found += _config_drift(client, present, deadline_seconds)
    except KafkaException as error:
        raise _unreachable(settings, error) from error
    families = tuple(settings.topic_prefix + family for family in _FAMILIES)
    found += [Difference(name, "unknown", "", "", "") for name in metadata if name.startswith(families) and name not in wanted]
    return sorted(found, key=lambda d: (d.topic, d.kind, d.setting))


def apply(settings: Settings, deadline_seconds: float = DEADLINE_SECONDS, names: Collection[str] | None = None) -> list[str]:
    """Create the missing topics; returns their full names. Idempotent. `names`: only these, without the installation's prefix.

    Raises KeyError for a name that is not in the table, TopicError where the broker refuses or does not answer in time.
    """
    client, wanted = admin(settings), table(settings.topic_prefix)
    if names is not None:
        wanted = {full: wanted[full] for full in (settings.topic_prefix + name for name in names)}
    try:
        present = client.list_topics(timeout=deadline_seconds).topics
    except KafkaException as error:
        raise _unreachable(settings, error) from error
    missing = [topic for name, topic in wanted.items() if name not in present]
    created: list[str] = []
    for at in range(0, len(missing), _PER_REQUEST):
        created += _create(client, missing[at : at + _PER_REQUEST], settings, deadline_seconds)
    _await_visible(client, {topic.name: topic.partitions for topic in missing}, settings, deadline_seconds)
    return created


def set_retention(settings: Settings, topic: Topic, deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Give an existing topic the retention of the table; nothing else of it changes. Raises KafkaException, TimeoutError."""
    entry = ConfigEntry("retention.ms", str(topic.retention_ms), incremental_operation=AlterConfigOpType.SET)
    client = admin(settings)
    for future in client.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=[entry])]).values():
        future.result(timeout=deadline_seconds)


def _await_visible(client: AdminClient, wanted: dict[str, int], settings: Settings, deadline_seconds: float) -> None:
    """The controller answers before every broker knows the new topics: a writer that asks too early would be told «unknown topic»."""
    ends = time.monotonic() + deadline_seconds
    while wanted:
        try:
            present = client.list_topics(timeout=deadline_seconds).topics
        except KafkaException as error:
            raise _unreachable(settings, error) from error
        wanted = {name: n for name, n in wanted.items() if name not in present or len(present[name].partitions) != n}
        if wanted and time.monotonic() > ends:
            raise TopicError(f"topic {min(wanted)}: created but not yet known to the broker; run `nhip topics apply` again")
        time.sleep(_SETTLE_SECONDS if wanted else 0)


def _create(client: AdminClient, topics: Sequence[Topic], settings: Settings, deadline_seconds: float) -> list[str]:
    news = [NewTopic(t.name, t.partitions, settings.kafka_replication, config=t.config()) for t in topics]
    futures = client.create_topics(news, operation_timeout=deadline_seconds, request_timeout=deadline_seconds)
    created = []
    for name, future in futures.items():
        try:
            future.result(timeout=deadline_seconds)
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another `apply` was faster
                raise TopicError(f"topic {name}: the broker refuses to create it: {error.args[0].str()}") from error
        except TimeoutError as error:
            raise TopicError(f"topic {name}: not created within {deadline_seconds:.0f} s; run `nhip topics apply` again") from error
    return created


def _config_drift(client: AdminClient, topics: Sequence[Topic], deadline_seconds: float) -> list[Difference]:
    if not topics:
        return []
    futures = client.describe_configs([ConfigResource(ResourceType.TOPIC, t.name) for t in topics], request_timeout=deadline_seconds)
    have = {resource.name: future.result(timeout=deadline_seconds) for resource, future in futures.items()}
    drift = []
    for topic in topics:
        for setting, expected in topic.config().items():
            entry = have[topic.name].get(setting)
            value = "" if entry is None else str(entry.value)
            if value != expected:
                drift.append(Difference(topic.name, "config", setting, expected, value))
    return drift


def _unreachable(settings: Settings, error: KafkaException) -> TopicError:
    return TopicError(f"broker at {settings.kafka_bootstrap} does not answer ({error.args[0].name()}); is it running? `nhip status`")
