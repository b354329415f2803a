"""MQTT: live messages as a source. A message is acknowledged to the broker only when what it said lies in Kafka.

1. The network thread of paho puts each message into a bounded backlog and acknowledges nothing (manual acknowledgement).
2. `fetch` gives the adapter what lies in the backlog; the position is {"session", "sequence"} of the last of them.
3. The next `fetch` comes with the position that was delivered and saved: messages up to it are acknowledged to the broker.

A session is one life of this object. After a restart the broker sends again what was not acknowledged (QoS 1, persistent session of a
fixed client id): the same readings with the same ids. When the backlog is full, nothing more is read from the connection, so that the
broker holds back; what found no room after twenty seconds stays unacknowledged, and the connection is renewed, upon which the broker
repeats it.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from dataclasses import dataclass

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from producers.clock import Clock
from producers.contract import Fetched, Position, SourceUnavailable
from producers.documents import Parsed
from producers.sensors import Sensors
from producers.validation import Door
from transport.settings import Settings

BACKLOG = 20_000
BATCH = 2_000
CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 30
ROOM_SECONDS = 20.0
"""Less than the keep-alive: the connection must not be lost while reading is held back."""


@dataclass(frozen=True, slots=True)
class _Message:
    sequence: int
    mid: int
    qos: int
    topic: str
    payload: bytes
    connection: int


class MqttSensors:
    """The live sensors: adapter, door and broker connection. Connects at the first `fetch`, reconnects by itself.

    `backlog`: messages held at most; `bind_address`: our own address towards the broker, empty for any.
    """

    name = "sensors_live"

    def __init__(self, settings: Settings, adapter: Sensors, door: Door, clock: Clock, backlog: int = BACKLOG,
                 bind_address: str = "") -> None:  # fmt: skip
        self._bind_address = bind_address
        self._settings, self._adapter, self._door, self._clock, self._limit = settings, adapter, door, clock, backlog
        self._session = uuid.uuid4().hex[:12]
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._closing = False
        self._backlog: deque[_Message] = deque()
        self._in_hand: deque[_Message] = deque()
        self._sequence = 0
        self._connection = 0
        self._overflowed = False
        self._connected = threading.Event()
        self._refused_by_broker = ""
        self._client: paho.Client | None = None

    def fetch(self, since: Position) -> Fetched:
        """See contract.Source. Raises SourceUnavailable while the broker cannot be reached."""
        client = self._started()
        if since.get("session") == self._session:
            self._acknowledge(client, since.get("sequence"))
        batch = self._take(client)
        parsed = Parsed(self.name, self._adapter.provider, self._door, self._clock.now_ms())
        for message in batch:
            self._adapter.parse_message(message.topic, message.payload, f"{message.topic}:{message.sequence}", parsed)
        with self._lock:
            more = bool(self._backlog)
        position: Position = {"session": self._session, "sequence": batch[-1].sequence} if batch else since
        return Fetched(parsed.observations, parsed.rejects, position, more=more)

    def close(self) -> None:
        """Leave the broker; what was not delivered stays with it."""
        if self._client is not None:
            with self._lock:
                self._closing = True
                self._room.notify_all()
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _started(self) -> paho.Client:
        if self._client is None:
            self._client = self._new_client()
            try:
                self._client.connect(self._settings.mqtt_host, self._settings.mqtt_port, KEEPALIVE_SECONDS, self._bind_address)
            except OSError as e:
                self._client = None
                why = e.strerror or type(e).__name__
                raise SourceUnavailable(f"MQTT broker cannot be reached ({why}); check NHIP_MQTT_HOST and NHIP_MQTT_PORT") from e
            self._client.loop_start()
        if not self._connected.wait(CONNECT_SECONDS):
            reason = self._refused_by_broker or "no connection"
            raise SourceUnavailable(f"MQTT broker does not accept us ({reason}); check its log and NHIP_MQTT_USER")
        return self._client

    def _new_client(self) -> paho.Client:
        prefix = self._settings.topic_prefix.rstrip(".")
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"nhip-{prefix}producers", clean_session=False, manual_ack=True)
        if self._settings.mqtt_user:
            client.username_pw_set(self._settings.mqtt_user, self._settings.mqtt_password.get_secret_value())
        client.reconnect_delay_set(1, 30)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_subscribe, client.on_message = self._on_subscribe, self._on_message
        return client

    def _on_connect(self, client: paho.Client, _: object, _flags: paho.ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            self._refused_by_broker = str(code)
            return
        with self._lock:
            self._connection += 1  # packet ids of the former connection mean nothing on this one
        client.subscribe(self._settings.mqtt_topic, qos=1)

    def _on_subscribe(self, _c: paho.Client, _u: object, _mid: int, codes: list[ReasonCode], _p: Properties | None) -> None:
        if any(code.is_failure for code in codes):
            self._refused_by_broker = f"subscription to {self._settings.mqtt_topic} refused"
            return
        self._connected.set()

    def _on_disconnect(self, _c: paho.Client, _u: object, _f: paho.DisconnectFlags, _r: ReasonCode, _p: Properties | None) -> None:
        self._connected.clear()

    def _on_message(self, _c: paho.Client, _u: object, message: paho.MQTTMessage) -> None:
        with self._lock:
            if not self._room.wait_for(lambda: self._closing or len(self._backlog) < self._limit, ROOM_SECONDS) or self._closing:
                self._overflowed = True
                return
            self._sequence += 1
            self._backlog.append(
                _Message(self._sequence, message.mid, message.qos, message.topic, bytes(message.payload), self._connection)
            )

    def _take(self, client: paho.Client) -> list[_Message]:
        """The batch in hand: first what an earlier fetch took and nobody delivered, then the backlog."""
        with self._lock:
            while self._backlog and len(self._in_hand) < BATCH:
                self._in_hand.append(self._backlog.popleft())
            self._room.notify_all()
            renew = self._overflowed and not self._backlog
            self._overflowed = self._overflowed and not renew
        if renew:
            client.reconnect()
        return list(self._in_hand)

    def _acknowledge(self, client: paho.Client, sequence: object) -> None:
        with self._lock:
            connection = self._connection
        while self._in_hand and isinstance(sequence, int) and self._in_hand[0].sequence <= sequence:
            message = self._in_hand.popleft()
            if message.qos and message.connection == connection:
                client.ack(message.mid, message.qos)
