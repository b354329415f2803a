"""Rain and rivers, generated: a storm over the Red River basin, its flood crossing the alarm levels and receding, and what loggers do
wrong.

River levels follow a hydrograph: a quick rise, a peak above alarm level III, a slow fall. Stations whose registry has no alarm levels
get a smaller wave. Loggers read each ten minutes. Faults: one station is silent for a while and then sends everything at once; a few
readings are the sentinel -999; some messages are sent twice (QoS 1).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from indicators.instant import local
from indicators.subject import Subject
from indicators.vocabulary import Vocabulary
from producers.generator.dice import dice
from producers.sensors import QUANTITIES

STEP_MS = 600_000
HOUR_MS = 3_600_000
RISE_HOURS, FALL_HOURS = 7.0, 6.0
OUTAGE_FROM_HOURS, OUTAGE_HOURS = 9.0, 0.5
SENTINEL_SHARE, DUPLICATE_SHARE = 0.004, 0.03
TABLE_HEADER = "station,time,value,unit,flag,note"
SENTINEL = Decimal(-999)
RED_RIVER = frozenset({"sông Hồng", "sông Thao", "sông Lô"})
TABLE_STATIONS = 3
"""So many stations send tables by the hour instead of messages."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a station; `at` epoch ms."""

    station: str
    quantity: str
    at: int
    value: Decimal
    seq: int


class Hydromet:
    """The generator of one flood on the Red River that begins at `storm_at` (epoch ms)."""

    def __init__(self, vocabulary: Vocabulary, seed: int, storm_at: int) -> None:
        self._seed, self._storm_at = seed, storm_at
        self._stations = sorted((s for s in vocabulary.subjects("station") if s.origin != "published"), key=lambda s: s.id)
        rivers = [s for s in self._stations if s.limits]
        self.silent = rivers[len(rivers) // 2].id if rivers else ""
        self.by_table = frozenset(s.id for s in [s for s in self._stations if not s.limits][-TABLE_STATIONS:])

    def messages(self, at: int) -> Iterator[tuple[str, bytes]]:
        """(topic, payload) of all loggers at one step of ten minutes, with what the silent station held back when it returns."""
        for station, moments in self._sending(at):
            for moment in moments:
                yield from self._sent(station, moment)

    def _sending(self, at: int) -> Iterator[tuple[Subject, list[int]]]:
        """(station, instants whose readings it sends now) of the stations that send messages."""
        start, back = self._outage
        for station in self._stations:
            if station.id in self.by_table or (station.id == self.silent and start <= at < back):
                continue
            held = range(start, back, STEP_MS) if station.id == self.silent and at == back else ()
            yield station, [*held, at]

    def as_table(self, at: int) -> bytes:
        """What `messages` sends at one step, as a station table: for installations without a broker."""
        rows = [self._line(r) for station, moments in self._sending(at) for moment in moments for r in self._readings(station, moment)]
        return ("\n".join([TABLE_HEADER, *rows]) + "\n").encode()

    def table(self, hour: int) -> bytes:
        """The table of an hour (`hour`: its first instant) of the stations that send tables."""
        lines = [TABLE_HEADER]
        for at in range(hour, hour + HOUR_MS, STEP_MS):
            for station in self._stations:
                if station.id in self.by_table:
                    lines += [self._line(r) for r in self._readings(station, at)]
        return ("\n".join(lines) + "\n").encode()

    @property
    def _outage(self) -> tuple[int, int]:
        start = self._storm_at + int(OUTAGE_FROM_HOURS * HOUR_MS)
        return start, start + int(OUTAGE_HOURS * HOUR_MS)

    def _sent(self, station: Subject, at: int) -> Iterator[tuple[str, bytes]]:
        for reading in self._readings(station, at):
            topic = f"{station.territory.lower()}/hydromet/{reading.quantity}/{station.id}"
            payload = _payload(reading)
            yield topic, payload
            if dice(self._seed, "twice", station.id, reading.quantity, at).random() < DUPLICATE_SHARE:
                yield topic, payload

    def _readings(self, station: Subject, at: int) -> list[Reading]:
        hours = (at - self._storm_at) / HOUR_MS
        readings = [("rain", self._rain(station, at, hours))]
        if station.limits:
            readings.append(("river_level", self._level(station, at, hours)))
        else:
            readings.append(("temperature", self._temperature(station, at)))
        random, seq = dice(self._seed, "fault", station.id, at), at // STEP_MS
        return [Reading(station.id, q, at, SENTINEL if random.random() < SENTINEL_SHARE else value, seq) for q, value in readings]

    def _rain(self, station: Subject, at: int, hours: float) -> Decimal:
        random = dice(self._seed, "rain", station.id, at)
        storm = 9.0 * math.exp(-(((hours - 4) / 3.0) ** 2))
        if random.random() > (0.9 if storm > 0.5 else 0.04):
            return Decimal("0.0")
        return _rounded(storm * random.uniform(0.4, 1.5) + random.uniform(0, 0.4), 1)

    def _level(self, station: Subject, at: int, hours: float) -> Decimal:
        first, third = float(station.limits["bd1"]), float(station.limits["bd3"])
        delay = dice(self._seed, "delay", station.id).uniform(0, 1.5)
        high = dice(self._seed, "peak", station.id).uniform(0.15, 0.5)
        peak = third + high if station.attributes.get("river") in RED_RIVER else first - high
        base = first - 1.8
        since = hours - delay
        if since <= 0:
            wave = 0.0
        elif since <= RISE_HOURS:
            wave = math.sin(since / RISE_HOURS * math.pi / 2) ** 2
        else:
            wave = math.exp(-((since - RISE_HOURS) / FALL_HOURS))
        wobble = dice(self._seed, "wobble", station.id, at).uniform(-0.02, 0.02)
        return _rounded(base + (peak - base) * wave + wobble, 2)

    def _temperature(self, station: Subject, at: int) -> Decimal:
        hour = local(at).hour + local(at).minute / 60
        return _rounded(26 + 4 * math.sin((hour - 9) / 12 * math.pi) + dice(self._seed, "air", station.id, at).uniform(-0.3, 0.3), 1)

    @staticmethod
    def _line(r: Reading) -> str:
        unit, flag = QUANTITIES[r.quantity].measure_unit, (9 if r.value == SENTINEL else 0)
        return f"{r.station},{local(r.at):%Y-%m-%d %H:%M},{r.value},{unit},{flag},generated"


def _payload(r: Reading) -> bytes:
    body = {"ts": local(r.at).isoformat(), QUANTITIES[r.quantity].field: float(r.value), "battery_v": 12.1, "seq": r.seq, "generated": True}
    return json.dumps(body).encode()


def _rounded(value: float, places: int) -> Decimal:
    return Decimal(f"{value:.{places}f}")
