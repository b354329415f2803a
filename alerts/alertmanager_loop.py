"""The thread that keeps an Alertmanager told: reads `alerts.current`, posts what is due (alerts/alertmanager.py).

Every process of an installation may run it: the same labels are the same alert there. What it cannot post now it posts at the next turn,
whole, so nothing is queued and a receiver that is down delays nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx
import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from alerts.alert import Alert, restored
from alerts.alertmanager import Bridge
from alerts.codec import CURRENT, Codec
from alerts.condition import ConditionError
from alerts.restore import header, to_end
from alerts.rows import MEMORY_HEADER
from transport.kafka_clients import consumer
from transport.records import DecodeError
from transport.settings import Settings
from transport.topics import table

ALERTS = "/api/v2/alerts"
TURN_SECONDS = 1.0
PAUSE_SECONDS = 10.0
"""After a refusal."""
TIMEOUT_SECONDS = 10.0
AT_ONCE = 500
BATCH = 500

log = structlog.get_logger(__name__)


class Unreachable(RuntimeError):
    """The Alertmanager did not take what was posted or did not answer; never with its address, which may hold a password."""


class Alertmanager:
    """Its API v2, as much as is needed. Redirects are not followed."""

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url = url.rstrip("/") + ALERTS
        self._client = httpx.Client(timeout=httpx.Timeout(timeout), follow_redirects=False, trust_env=False)

    def held(self, platform: str) -> list[dict[str, Any]]:
        """Alerts with this label that it holds active. Raises Unreachable."""
        try:
            answer = self._client.get(self._url, params={"active": "true", "filter": f'platform="{platform}"'})
            content = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise Unreachable(type(error).__name__) from None
        if not isinstance(content, list):
            raise Unreachable(f"answered {answer.status_code}, not its list of alerts")
        return [one for one in content if isinstance(one, dict)]

    def post(self, bodies: list[dict[str, Any]]) -> None:
        """Raises Unreachable where one of the parts was not taken."""
        for first in range(0, len(bodies), AT_ONCE):
            try:
                answer = self._client.post(self._url, json=bodies[first : first + AT_ONCE])
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Unreachable(type(error).__name__) from None
            if answer.status_code != 200:
                raise Unreachable(f"answered {answer.status_code}")

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()


class AlertmanagerLoop:
    """Runs until `stop` is set. `kind`: of an agency; `clock`: epoch ms. Raises RestoreError, KafkaException."""

    def __init__(
        self, settings: Settings, codec: Codec, kind: Callable[[str], str], stop: threading.Event, clock: Callable[[], int]
    ) -> None:
        self._settings, self._codec, self._stop, self._clock = settings, codec, stop, clock
        self._bridge, self._receiver = Bridge(kind, settings.topic_prefix), Alertmanager(settings.alertmanager_url)
        self._alerts: dict[bytes, Alert] = {}
        self._seeded = False

    def run(self) -> None:
        """Restore, then follow."""
        topic = self._codec.topic(CURRENT)
        partitions = range(table(self._settings.topic_prefix)[topic].partitions)
        ends = dict.fromkeys(partitions, 0)
        for message in to_end(self._settings, topic, partitions):
            self._take(message)
            ends[message.partition() or 0] = (message.offset() or 0) + 1
        reader = consumer(self._settings, "alerts-alertmanager")
        try:
            reader.assign([TopicPartition(topic, p, offset) for p, offset in ends.items()])
            while not self._stop.is_set():
                self._follow(reader)
                self._stop.wait(0 if self.turn() else PAUSE_SECONDS)
        finally:
            reader.close()
            self._receiver.close()

    def turn(self) -> bool:
        """Post what is due. False: the Alertmanager could not be reached; everything is told at the next turn."""
        try:
            if not self._seeded:
                self._bridge.seed(self._receiver.held(self._bridge.platform))
                self._seeded = True
            batch = self._bridge.due(self._alerts.values(), self._clock())
            if batch:
                self._receiver.post(batch)
                self._bridge.posted(self._clock())
        except Unreachable as error:
            log.warning("the Alertmanager was not told; check NHIP_ALERTMANAGER_URL and whether it runs", why=str(error))
            return False
        return True

    def _follow(self, reader: Consumer) -> None:
        for message in reader.consume(BATCH, TURN_SECONDS):
            if message.error() is None:
                self._take(message)

    def _take(self, message: Message) -> None:
        key, value = message.key() or b"", message.value()
        if value is None:
            self._alerts.pop(key, None)
            return
        try:
            self._alerts[key] = restored(self._codec.event.decode(value), header(message, MEMORY_HEADER))
        except (DecodeError, ConditionError) as error:
            log.warning("a row of alerts.current cannot be read", partition=message.partition(), offset=message.offset(), why=str(error))
