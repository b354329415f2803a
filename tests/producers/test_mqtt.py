"""Live sensors on a real MQTT broker: acknowledged only after delivery, bad messages refused, bursts held back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from indicators.observation import Observation
from producers.clock import FixedClock
from producers.contract import Fetched, Position, SourceUnavailable
from producers.mqtt import MqttSensors
from producers.sensors import Sensors
from tests.producers.mqtt_broker import MqttBroker
from tests.producers.support import ADAPTERS, DOOR, NOW, reasons
from transport.settings import Settings

pytestmark = pytest.mark.loopback
TOPIC = "01/hydromet/river_level/TV-HANOI"


@pytest.fixture
def broker() -> Iterator[MqttBroker]:
    with MqttBroker() as made:
        yield made


def live(settings: Settings, broker: MqttBroker, backlog: int = 1000) -> MqttSensors:
    adapter = ADAPTERS["sensors"]
    assert isinstance(adapter, Sensors)
    at = settings.model_copy(update={"mqtt_host": "127.0.0.1", "mqtt_port": broker.port})
    return MqttSensors(at, adapter, DOOR, FixedClock(NOW), backlog, bind_address="127.0.0.1")


def payload(minute: int, level: float = 9.5) -> bytes:
    return json.dumps({"ts": f"2026-03-21T07:{minute:02d}:00+07:00", "level_m": level, "seq": minute}).encode()


def send(broker: MqttBroker, *payloads: bytes, qos: int = 1) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port, bind_address="127.0.0.1")
    client.loop_start()
    for data in payloads:
        client.publish(TOPIC, data, qos=qos).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def until(source: MqttSensors, enough: Callable[[Fetched], bool], since: Position | None = None) -> Fetched:
    """Fetch from the same position until it is enough: nothing is acknowledged meanwhile."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        try:
            fetched = source.fetch(since or {})
        except SourceUnavailable:
            continue
        if enough(fetched):
            return fetched
        time.sleep(0.02)
    raise AssertionError("not enough messages within 20 s")


def minutes(observations: list[Observation]) -> list[str]:
    return sorted({o.source_record_id for o in observations})


def test_messages_become_observations_and_bad_ones_rejects(settings: Settings, broker: MqttBroker) -> None:
    source = live(settings, broker)
    source.fetch({})
    send(broker, payload(1), b"{", payload(2), payload(2), payload(3, -999))
    fetched = until(source, lambda f: len(f.observations) + len(f.rejects) >= 5)
    assert minutes(fetched.observations) == ["TV-HANOI/river_level/20260321T000100Z", "TV-HANOI/river_level/20260321T000200Z"]
    assert sorted(reasons(fetched.rejects)) == [("sentinel", "value"), ("truncated", "")]
    assert until(source, lambda f: not f.observations, fetched.position).rejects == []
    source.close()


def test_only_what_was_delivered_is_acknowledged(settings: Settings, broker: MqttBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    acknowledged: list[int] = []
    real = paho.Client.ack

    def recording(client: paho.Client, mid: int, qos: int) -> MQTTErrorCode:
        acknowledged.append(mid)
        return real(client, mid, qos)

    monkeypatch.setattr(paho.Client, "ack", recording)
    source = live(settings, broker)
    source.fetch({})
    send(broker, payload(1), payload(2))
    first = until(source, lambda f: len(f.observations) == 2)
    again = until(source, lambda f: len(f.observations) == 2)
    assert (again.observations, acknowledged) == (first.observations, [])
    until(source, lambda f: not f.observations, first.position)
    assert len(acknowledged) == 2
    source.close()


def test_a_thirty_minute_burst_goes_through(settings: Settings, broker: MqttBroker) -> None:
    source = live(settings, broker)
    source.fetch({})
    send(broker, *(payload(minute) for minute in range(30)))
    assert len(minutes(until(source, lambda f: len(f.observations) >= 30).observations)) == 30
    source.close()


def test_more_than_the_backlog_is_held_back_and_taken_later(settings: Settings, broker: MqttBroker) -> None:
    source = live(settings, broker, backlog=5)
    source.fetch({})
    send(broker, *(payload(minute) for minute in range(12)))
    seen: set[str] = set()
    position: Position = {}
    ends = time.monotonic() + 25
    while len(seen) < 12 and time.monotonic() < ends:
        try:
            fetched = source.fetch(position)
        except SourceUnavailable:
            continue
        seen |= set(minutes(fetched.observations))
        position = fetched.position
        time.sleep(0.02)
    assert len(seen) == 12
    source.close()


def test_no_broker_makes_the_source_wait_until_there_is_one(settings: Settings) -> None:
    broker = MqttBroker()
    source = live(settings, broker)
    with pytest.raises(SourceUnavailable, match="NHIP_MQTT_HOST"):
        source.fetch({})
    with broker:
        source.fetch({})
        send(broker, payload(1))
        until(source, lambda f: len(f.observations) == 1)
        source.close()
