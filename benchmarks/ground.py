"""The ground a measurement stands on: real servers in a scratch folder, topics of its own, filled ones, child processes with deadlines."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]  # public, but not marked so

from ops.stack.artifacts import cache_dir
from ops.stack.logs import tail
from ops.stack.own import environment
from ops.stack.scratch import Scratch
from transport.kafka_clients import CountingProducer, admin, producer
from transport.registry import register_all
from transport.settings import HOME, Settings
from transport.topics import table

ANSWER_SECONDS: Final = 30.0
FILL_SECONDS: Final = 180.0
STOP_SECONDS: Final = 30.0
ANY_PORT: Final = dict.fromkeys(("worker_metrics_port", "sink_metrics_port", "alerts_metrics_port", "producers_metrics_port"), 0)


class MeasurementError(RuntimeError):
    """A measurement did not end, or what it left is wrong: there is no figure. The message says which, with the process's last lines."""


@contextmanager
def servers(clickhouse: bool) -> Iterator[Settings]:
    """Settings of a running broker and registry with all schemas (and ClickHouse) on free ports; everything is deleted afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nhip-bench-", ignore_cleanup_errors=True)))
        parts = stack.enter_context(Scratch(folder, cache_dir(HOME / ".nhip"), light=False))
        addresses: dict[str, object] = {"kafka_bootstrap": parts.kafka(), "registry_url": parts.registry()}
        if clickhouse:
            host, _, port = parts.clickhouse().rpartition(":")
            addresses |= {"clickhouse_host": host, "clickhouse_port": int(port)}
        settings = Settings.load(data_dir=folder, inbox_dir=folder / "inbox", **addresses, **ANY_PORT)
        register_all(settings)  # subjects carry no prefix: once for all measurements
        yield settings


def own_settings(settings: Settings, name: str) -> Settings:
    """The same servers under a topic prefix and a data folder of their own."""
    folder = settings.data_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    return settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}{name}.", "data_dir": folder})


@contextmanager
def topics(settings: Settings, families: Sequence[str], more: Mapping[str, int] = MappingProxyType({})) -> Iterator[None]:
    """The topics of the table whose names begin so, and `more` (name → partitions), under the settings' prefix; deleted at the end with
    every other topic of the prefix."""
    prefix = settings.topic_prefix
    wanted = [t for name, t in table(prefix).items() if name.removeprefix(prefix).startswith(tuple(families))]
    client = admin(settings)
    news = [NewTopic(t.name, t.partitions, settings.kafka_replication, config=t.config()) for t in wanted]
    news += [NewTopic(prefix + name, partitions, settings.kafka_replication) for name, partitions in more.items()]
    for future in client.create_topics(news).values():
        future.result(ANSWER_SECONDS)
    try:
        _await_led(client, {n.topic: n.num_partitions for n in news})
        yield
    finally:
        left = [name for name in client.list_topics(timeout=ANSWER_SECONDS).topics if name.startswith(prefix)]
        for future in client.delete_topics(left).values():
            future.result(ANSWER_SECONDS)


def _await_led(client: AdminClient, wanted: Mapping[str, int]) -> None:
    """The controller answers before the broker leads the new partitions: wait until each tells its end."""
    waiting = {TopicPartition(name, p) for name, partitions in wanted.items() for p in range(partitions)}
    end: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    ends = time.monotonic() + ANSWER_SECONDS
    while waiting:
        for partition, future in client.list_offsets(dict.fromkeys(waiting, end)).items():
            try:
                future.result(ANSWER_SECONDS)
                waiting.discard(partition)
            except KafkaException as error:
                if time.monotonic() > ends:
                    raise MeasurementError(f"{partition.topic}: not led by the broker after {ANSWER_SECONDS:.0f} s: {error}") from error
        time.sleep(0.1 if waiting else 0)


def fill(settings: Settings, topic: str, messages: Iterable[tuple[bytes, bytes]]) -> int:
    """Every message acknowledged in `topic` (without prefix), placed by key; returns how many."""
    out, name = CountingProducer(producer(settings, linger_ms=50)), settings.topic_prefix + topic
    for key, value in messages:
        out.publish(name, key, value)
    return out.flush(FILL_SECONDS)


def run_child(settings: Settings, module: str, arguments: Sequence[str], seconds: float) -> dict[str, Any]:
    """The JSON object that `python -m module …` prints last. Raises MeasurementError where it fails or takes longer than `seconds`."""
    log = settings.data_dir / f"{module}.log"
    with log.open("ab") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], env=environment(settings, {}), cwd=settings.home, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        try:
            out, _ = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise MeasurementError(f"{module}: not done within {seconds:.0f} s\n{_last(log)}") from None
    lines = out.strip().splitlines()
    if child.returncode != 0 or not lines:
        raise MeasurementError(f"{module}: exit status {child.returncode}\n{_last(log)}")
    found = json.loads(lines[-1])
    assert isinstance(found, dict)
    return found


@contextmanager
def process(settings: Settings, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """`nhip run <name>` while the context lasts. Raises MeasurementError on leaving where it ended by itself."""
    log = settings.data_dir / f"{name}.log"
    with log.open("ab") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "ops.run", name], env=environment(settings, {}), cwd=settings.home, stdin=subprocess.DEVNULL,
            stdout=errors, stderr=errors,
        )  # fmt: skip
    try:
        yield child
        if child.poll() is not None:
            raise MeasurementError(f"{name}: ended by itself with status {child.returncode}\n{_last(log)}")
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(STOP_SECONDS)


def _last(log: Path) -> str:
    return "\n".join(tail(log, 20))
