"""Live changes: topics are followed from their end by one consumer in a thread; every open page hears of what concerns its reader.

Followed: `alerts.current` (an alert changed), `derived.*` (a result changed), `agg.*` (a series changed; values of stations, which pages
show singly, of the others only that the indicator moved). Nothing is asked of ClickHouse for it but whether series are withheld.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog
from confluent_kafka import OFFSET_END, KafkaException, Message, TopicPartition

from dashboards.access import depth_of
from indicators.emergency import Emergency
from indicators.series import SeriesError, parse
from indicators.territory import COUNTRY
from transport.kafka_clients import IDLE_FETCH_MS, consumer
from transport.records import AvroDecoder, DecodeError
from transport.registry import Registry, RegistryError
from transport.settings import Settings
from transport.topics import table

log = structlog.get_logger(__name__)

BATCH: Final = 500
WAIT_SECONDS: Final = 0.2
RETRY_SECONDS: Final = 5.0
MOST_PENDING: Final = 2_000


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed. `key` names it on pages; `kind`: alert, result, series, moved (that an indicator has new data), or emergency
    (that one has a new step; one change a unit of its area, so that each reader hears of it who sees one).

    `series`: the series whose restriction is that of the change, empty where the indicator's decides. `severity` and `title_…`: of alerts.
    `everyone`: it lies in no territory and holds no figure, so every reader may know of it; never set from what a message says.
    """

    kind: str
    key: str
    indicator: str
    territory: str
    depth: int
    at: int
    series: str = ""
    value: Decimal | None = None
    measure_unit: str = ""
    severity: int = 0
    condition: str = ""
    attention: str = ""
    title_vi: str = ""
    title_en: str = ""
    everyone: bool = False


class Hub:
    """Hands changes from the thread to the subscribers. A slow page keeps only the newest change of each thing."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def subscribed(self) -> Iterator[Subscriber]:
        """A subscriber for as long as the block runs."""
        self._loop = asyncio.get_running_loop()
        one = Subscriber()
        self._subscribers.add(one)
        try:
            yield one
        finally:
            self._subscribers.discard(one)

    @property
    def viewers(self) -> int:
        """How many pages listen."""
        return len(self._subscribers)

    def publish(self, changes: list[Change]) -> None:
        """Give changes to every subscriber; from any thread."""
        loop = self._loop
        if loop is None or loop.is_closed() or not self._subscribers:
            return
        loop.call_soon_threadsafe(self._give, changes)

    def _give(self, changes: list[Change]) -> None:
        for one in tuple(self._subscribers):
            one.give(changes)


class Subscriber:
    """What one page has not been told yet, newest change per thing; more than MOST_PENDING things end in one «moved»."""

    def __init__(self) -> None:
        self._pending: dict[str, Change] = {}
        self._there = asyncio.Event()

    def give(self, changes: list[Change]) -> None:
        """Add changes."""
        for change in changes:
            self._pending[change.key] = change
        if len(self._pending) > MOST_PENDING:
            self._pending = dict(list(self._pending.items())[-MOST_PENDING:])
        self._there.set()

    def put_back(self, changes: list[Change]) -> None:
        """Take changes again that could not be told; a newer one of the same thing stays."""
        newer, self._pending = self._pending, {}
        self.give([*changes, *newer.values()])

    async def take(self, seconds: float) -> list[Change]:
        """What came within `seconds`; empty where nothing did."""
        try:
            async with asyncio.timeout(seconds):
                await self._there.wait()
        except TimeoutError:
            return []
        self._there.clear()
        found, self._pending = list(self._pending.values()), {}
        return found


class Reader:
    """Turns messages into changes; what cannot be read is left out (the sink refuses it with its reason)."""

    def __init__(self, registry: Registry, prefix: str) -> None:
        self._prefix = prefix
        self._decoders = {name: AvroDecoder(name, registry.schema) for name in ("alert_event", "derived", "aggregate")}

    def change(self, message: Message) -> Change | None:
        """The change of a message; None for tombstones, state rows without meaning here, and what cannot be read."""
        key, value = message.key(), message.value()
        if value is None or not isinstance(key, bytes) or not isinstance(value, bytes) or key.startswith(b"\0"):
            return None
        topic = (message.topic() or "").removeprefix(self._prefix)
        try:
            if topic == "alerts.current":
                return self._alert(value)
            if topic.startswith("derived."):
                return self._result(value)
            return self._series(key.decode(), value)
        except (DecodeError, SeriesError, RegistryError, UnicodeDecodeError) as error:
            log.info("board.live_skipped", topic=topic, kind=type(error).__name__)
            return None

    def _alert(self, value: bytes) -> Change:
        r = self._decoders["alert_event"].decode(value)
        return Change(
            "alert",
            f"alert:{r['alert_id']}",
            r["indicator"],
            r["territory"],
            0,
            r["recorded_at"],
            series=r["series"],
            severity=r["severity"],
            condition=r["condition"],
            attention=r["attention"],
            title_vi=r["title_vi"],
            title_en=r["title_en"],
        )

    def _result(self, value: bytes) -> Change | None:
        r = self._decoders["derived"].decode(value)
        if r["kind"] == "rank" or r["deleted"]:
            return None
        dimensions = r["result"].split("|")[3] if r["result"].count("|") > 3 else ""
        depth = depth_of(r["subject_type"], bool(dimensions))
        key = "|".join((r["formula"], r["territory"], r["subject_id"], *([dimensions] if dimensions else ())))
        return Change(
            "result", key, r["indicator"], r["territory"], depth, r["event_time"], value=r["value"], measure_unit=r["measure_unit"]
        )

    def _series(self, key: str, value: bytes) -> Change:
        s = parse(key)
        depth = depth_of(s.subject_type, bool(s.dimensions))
        if s.subject_type != "station":
            return Change("moved", f"moved:{s.indicator}|{s.territory}", s.indicator, s.territory, 0, 0, series=key)
        r = self._decoders["aggregate"].decode(value)
        return Change("series", key, s.indicator, s.territory, depth, r["latest_time"], series=key, value=r["latest"])


def steps_of(one: Emergency, title_vi: str, title_en: str) -> list[Change]:
    """The changes of an emergency that has a new step."""
    last = one.steps[-1].step
    return [
        Change("emergency", f"emergency:{one.id}|{unit}", "", unit, 0, last.at, title_vi=title_vi, title_en=title_en, condition=last.did)
        for unit in one.units
    ]


def backtest_moved(rule: str, now: int) -> Change:
    """A backtest of a rule was ordered, goes on or ended; open pages of the rule ask their readers to update. That it does is told to every
    reader (dashboards/pages/backtests.py), and nothing else is: what was found is read with the page, within territory and clearance."""
    return Change("moved", f"moved:backtest/{rule}", f"backtest/{rule}", COUNTRY, 0, now, everyone=True)


class Follower:
    """The consumer's thread. It begins anew after any fault of the broker; pages say meanwhile that they are not live."""

    def __init__(self, settings: Settings, hub: Hub, registry: Callable[[], Registry]) -> None:
        self._settings, self._hub, self._registry = settings, hub, registry
        self._stop = threading.Event()
        self.following = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board-live", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """End; waits for the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (KafkaException, RegistryError, OSError) as error:
                log.warning("board.live_lost", kind=type(error).__name__, retry_in_s=RETRY_SECONDS)
            self.following.clear()
            self._stop.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        prefix = self._settings.topic_prefix
        wanted = [t for t in table(prefix).values() if t.name.removeprefix(prefix).split(".")[0] in ("derived", "agg")]
        wanted.append(table(prefix)[f"{prefix}alerts.current"])
        with self._registry() as registry:
            reader = Reader(registry, prefix)
            client = consumer(self._settings, f"board-live-{uuid.uuid4()}", fetch_wait_max_ms=IDLE_FETCH_MS, queued_min_messages=1000)
            try:
                existing = client.list_topics(timeout=RETRY_SECONDS).topics
                places = [TopicPartition(t.name, p, OFFSET_END) for t in wanted if t.name in existing for p in range(t.partitions)]
                client.assign(places)
                self.following.set()
                while not self._stop.is_set():
                    self._hub.publish(_changes(reader, client.consume(BATCH, WAIT_SECONDS)))
            finally:
                client.close()


def _changes(reader: Reader, batch: list[Message]) -> list[Change]:
    """The newest change of each thing in a batch. Raises KafkaException for errors that do not pass by themselves."""
    found: dict[str, Change] = {}
    for message in batch:
        error = message.error()
        if error is not None:
            if not error.retriable():
                raise KafkaException(error)
            continue
        change = reader.change(message)
        if change is not None:
            found[change.key] = change
    return list(found.values())
