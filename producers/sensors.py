"""Sensors: live readings as JSON over MQTT and station tables as CSV.

MQTT topic `<province>/hydromet/<quantity>/<station>` with a payload of the logger's own shape (`ts`, the quantity's field, `battery_v`,
`seq`), or a SensorThings observation (`phenomenonTime`, `result`, `Datastream.@iot.id` = `<quantity>-<station>`) on any topic. CSV: one
line a reading, `station,time,value,unit,flag`, local time.

The record id is `<station>/<quantity>/<time>`, whatever the way it came: a QoS 1 duplicate, a retained message and the same reading in
the station's CSV after an outage are the same record. A logger's `seq` is therefore not part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from indicators.observation import Observation
from indicators.vocabulary import Vocabulary
from producers.documents import Document, Overlay, Parsed
from producers.fields import instant_of, loads, mapping_of, number_of, text_of, whole_of
from producers.reject import Refused
from producers.tables import Row, read_rows

INDICATOR = "vn-1012/D.1"
SOURCE_SYSTEM = "hydromet"
PROVIDER = "HYDROMET"
LATE_MS = 15 * 60_000
"""Loggers send each ten minutes; what comes later than fifteen was held back by the line."""
MAX_PAYLOAD_BYTES = 64 << 10
COLUMNS = ("station", "time", "value", "unit", "flag")
FAILED_FLAGS = frozenset({"9"})
_DATASTREAM = re.compile(r"(rain|river-level|water-flow|temperature)-(.+)")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured quantity: its component, concept, unit, and the payload field that carries it."""

    component: str
    concept: str
    measure_unit: str
    field: str


QUANTITIES = {
    "rain": Quantity("rain", "rain", "mm", "rain_mm_10m"),
    "river_level": Quantity("river_level", "river_level", "m", "level_m"),
    "water_flow": Quantity("water_flow", "water_flow", "l/s", "flow_l_s"),
    "temperature": Quantity("temperature", "air_temperature", "°C", "temp_c"),
}
BY_UNIT = {q.measure_unit: q for q in QUANTITIES.values()}


class Sensors:
    """Parsing of readings; the vocabulary gives a station its territory, agency and coordinates."""

    name = "sensors"
    provider = PROVIDER

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """A station table; see documents.Adapter."""
        read_rows(document, COLUMNS, into, lambda row: self._row(row, document, into))

    def parse_message(self, topic: str, payload: bytes, place: str, into: Parsed) -> None:
        """One MQTT message; a refused one goes `into` its rejects."""
        try:
            if len(payload) > MAX_PAYLOAD_BYTES:
                raise Refused("too_large", "", f"a payload of at most {MAX_PAYLOAD_BYTES} bytes is expected")
            record = mapping_of(loads(payload), "payload")
            quantity, station, at, value = _sensor_things(record) if "Datastream" in record else _logger(topic, record)
            generated = record.get("generated") is True
            into.take(self._observation(quantity, station, at, value, into.now, generated=generated), place, payload)
        except Refused as refused:
            into.refuse(refused, place, payload)

    def _row(self, row: Row, document: Document, into: Parsed) -> None:
        cells = row.cells
        quantity = BY_UNIT.get(cells["unit"])
        if quantity is None:
            raise Refused("validation", "unit", f"one of {', '.join(BY_UNIT)} is required")
        if cells["flag"] in FAILED_FLAGS:
            raise Refused("sentinel", "flag", "the station itself marks the reading as failed")
        station, at, value = text_of(cells, "station"), instant_of(cells["time"], "time"), number_of(cells["value"], "value")
        observation = self._observation(quantity, station, at, value, into.now, generated=cells.get("note") == "generated")
        into.take(observation, f"{document.name}:{row.line}", row.original)

    def _observation(self, quantity: Quantity, station: str, at: int, value: Decimal, now: int, *, generated: bool) -> Observation:
        subject = self._vocabulary.subject("station", station)
        if subject is None:
            raise Refused("unknown_subject", "station", "a station of the registry is required; register it, then send again")
        minute = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        flags = (("late_burst",) if now - at > LATE_MS else ()) + (("generated",) if generated else ())
        return Observation(
            indicator=INDICATOR, component=quantity.component, concept=quantity.concept, measure_unit=quantity.measure_unit,
            period_type="instant", period_start=at, period_end=at + 1, event_time=at, ingested_at=now, territory=subject.territory,
            agency=subject.agency, provider=PROVIDER, source_system=SOURCE_SYSTEM, subject_type="station", subject_id=station,
            source_record_id=f"{station}/{quantity.component}/{minute}", lon=subject.lon, lat=subject.lat, value=value, quality_flags=flags,
        )  # fmt: skip


def _logger(topic: str, record: dict[str, Any]) -> tuple[Quantity, str, int, Decimal]:
    parts = topic.split("/")
    quantity = QUANTITIES.get(parts[-2]) if len(parts) >= 2 else None
    if quantity is None or not parts[-1]:
        raise Refused("contract", "topic", f"a topic <province>/hydromet/<{'|'.join(QUANTITIES)}>/<station> is required")
    if "seq" in record:
        whole_of(record["seq"], "seq", maximum=1 << 62)
    return quantity, parts[-1], instant_of(record.get("ts"), "ts"), number_of(record.get(quantity.field), quantity.field)


def _sensor_things(record: dict[str, Any]) -> tuple[Quantity, str, int, Decimal]:
    match = _DATASTREAM.fullmatch(str(mapping_of(record["Datastream"], "Datastream").get("@iot.id", "")))
    if match is None:
        raise Refused("contract", "Datastream.@iot.id", "an id <quantity>-<station> is required")
    quantity = QUANTITIES[match[1].replace("-", "_")]
    return quantity, match[2], instant_of(record.get("phenomenonTime"), "phenomenonTime"), number_of(record.get("result"), "result")
