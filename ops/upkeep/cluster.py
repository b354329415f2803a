"""Checks of Kafka and the schema registry: does the broker answer, are topics and schemas ours, does somebody read every partition."""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final

from alerts.leadership import GROUP as STORY
from ops.upkeep.finding import Finding, judged_clock
from ops.upkeep.lag import groups
from transport import audit, kafka_clients, topic_admin
from transport.registry import COMPATIBILITY, Registry, subject_of
from transport.schemas import load
from transport.settings import Settings
from transport.tail import Place, Tail
from transport.topics import Topic, table

SECONDS: Final = 8.0
THREADS: Final = 8
LOG_APPEND_TIME: Final = 2
"""Type of a time stamp that the broker gave (Kafka protocol, record batch attributes)."""
SHOWN: Final = 3
"""How many names a line gives before it only counts."""


def broker(settings: Settings) -> Finding:
    """Brokers and controller."""
    found = kafka_clients.admin(settings).list_topics(timeout=SECONDS)
    count, wanted = len(found.brokers), settings.kafka_replication
    if found.controller_id < 0:
        return Finding(False, "không có bộ điều khiển / no controller", "`nhip logs kafka`")
    said = f"{count} máy chủ / brokers, {len(found.topics)} chủ đề / topics"
    if count < wanted:
        return Finding(False, f"{said}; cần / needed: {wanted}", "khởi động lại các máy chủ đã dừng / start the brokers that stopped")
    return Finding(True, said)


def clock(settings: Settings) -> Finding:
    """The broker's clock against ours: the time stamp that it gives a line of `ops.audit`, which says that somebody looked."""
    stamps: list[tuple[int, int]] = []

    def take(error: Any, message: Any) -> None:
        if error is None:
            stamps.append(message.timestamp())

    at, run = time.time_ns() // 1_000_000, str(uuid.uuid4())
    line = audit.Deed(at=at, actor=getpass.getuser(), did="doctor.looked", on="clock", why="", run=run)
    out = kafka_clients.producer(settings, linger_ms=0)
    out.list_topics(settings.topic_prefix + audit.AUDIT, SECONDS)  # connected before the clock runs
    before = time.time()
    out.produce(settings.topic_prefix + audit.AUDIT, key=line.actor.encode(), value=line.body(), partition=0, on_delivery=take)
    out.flush(SECONDS)
    after = time.time()
    if not stamps:
        return Finding(False, "không ghi được vào / cannot write to ops.audit", "`nhip logs kafka`, `nhip topics apply`")
    kind, stamp = stamps[0]
    if kind != LOG_APPEND_TIME:
        return Finding(False, "ops.audit không mang giờ máy chủ / has no time of the broker: message.timestamp.type", "`nhip topics diff`")
    return judged_clock("Kafka", stamp / 1000, before, after)


def topics(settings: Settings) -> Finding:
    """The cluster's topics against the table."""
    return judged_topics(topic_admin.diff(settings, SECONDS), len(table()))


def judged_topics(found: list[topic_admin.Difference], count: int) -> Finding:
    """The finding for these differences."""
    if not found:
        return Finding(True, f"{count} chủ đề đúng như bảng / as the table says")
    do = "`nhip topics apply`" if any(one.kind == "missing" for one in found) else "`nhip topics diff`"
    return Finding(False, f"{len(found)} khác biệt / differences: {named(one.topic for one in found)}", do)


def schemas(settings: Settings) -> Finding:
    """Every subject of the table registered, its newest version ours, its compatibility as it must be."""
    wanted = [topic for topic in table().values() if topic.schema]
    with Registry(settings, SECONDS) as registry, ThreadPoolExecutor(THREADS) as pool:
        registry.subjects()
        wrong = dict(zip((t.name for t in wanted), pool.map(lambda topic: schema_fault(registry, topic), wanted), strict=True))
    return judged_schemas(wrong)


def schema_fault(registry: Registry, topic: Topic) -> str:
    """`missing`, `differs`, `compatibility`, or empty where the subject is as it must be. Raises RegistryError where none answers."""
    subject = subject_of(topic.name)
    if subject not in registry.subjects():
        return "missing"
    if registry.schema(registry.id_of(topic.name)) != load(topic.schema).raw:
        return "differs"
    return "" if registry.compatibility(subject) == COMPATIBILITY else "compatibility"


def judged_schemas(wrong: Mapping[str, str]) -> Finding:
    """The finding for these faults by topic."""
    kinds = {"missing": "chưa đăng ký / not registered", "differs": "khác lược đồ của ta / not ours",
             "compatibility": f"không phải / not {COMPATIBILITY}"}  # fmt: skip
    parts = [f"{words}: {named(name for name, fault in wrong.items() if fault == kind)}" for kind, words in kinds.items()
             if kind in wrong.values()]  # fmt: skip
    if not parts:
        return Finding(True, f"{len(wrong)} lược đồ đã đăng ký và đúng / registered and equal")
    return Finding(False, "; ".join(parts), "`nhip schemas register`")


def owners(settings: Settings) -> Finding:
    """Partitions with something left to read that no member of their group has."""
    prefix, waiting, nobody = settings.topic_prefix, dict[str, set[Place]](), list[str]()
    for group, names in groups(prefix).items():
        with closing(Tail(settings, group)) as tail:
            if places := set(tail.unfolded(tail.ends(names))):
                waiting[group] = places
    asked, client = [prefix + group for group in waiting], kafka_clients.admin(settings)  # a client that is let go answers nothing more
    futures = client.describe_consumer_groups(asked, request_timeout=SECONDS) if asked else {}
    for group, places in waiting.items():
        members = futures[prefix + group].result(SECONDS).members
        nobody += [f"{group}: {topic} [{p}]" for topic, p in sorted(unowned(group, places, members))]
    if nobody:
        return Finding(False, f"{len(nobody)} phân vùng còn dữ liệu mà không ai đọc / partitions with data and no reader: {named(nobody)}",
                       "`nhip status`, `nhip up`: khởi động tiến trình còn thiếu / start the process that is missing")  # fmt: skip
    return Finding(True, "mọi phân vùng còn dữ liệu đều có tiến trình đọc / every partition with data has a reader")


def unowned(group: str, places: set[Place], members: Iterable[Any]) -> set[Place]:
    """Those places that no member has. In the story's group membership alone elects who reads everything."""
    present = list(members)
    if group == STORY:
        return set() if present else places
    return places - {(p.topic, p.partition) for member in present for p in member.assignment.topic_partitions}


def named(names: Iterable[str]) -> str:
    """The first few names and how many more there are."""
    every = list(names)
    more = f" … +{len(every) - SHOWN}" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more
