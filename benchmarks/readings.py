"""The load of the latency measurement: stations that report while rivers rise through their alarm levels and fall again, in a fixed cycle.

Every second reading is a river's, in turn over the gauges; the others are rain and temperature. Event time moves a minute a reading, so a
river passes its three levels and is well again in a cycle of its readings, and each change of its alarm is known beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from benchmarks.series_encoder import Reading
from indicators.instant import HOUR_MS
from indicators.observation import SCALE, Observation
from indicators.subject import Subject
from indicators.vocabulary import Vocabulary

MINUTE_MS: Final = 60_000
CYCLE: Final = 100
LEVELS: Final = ("bd1", "bd2", "bd3")
LEVEL_READINGS: Final = 10
UNDER: Final = 500_000
OVER: Final = 50_000
"""Millionths of a metre under the first level at low water, over a level when it is reached: outside and inside every clear margin."""
CLEAR_MS: Final = HOUR_MS
"""`clear_for` of rule TV-MUC-NUOC-BAO-DONG; tests/benchmarks/test_readings.py holds the plan against the rule."""
QUANTITIES: Final = {"rain": ("rain", "mm"), "temperature": ("air_temperature", "°C")}


class Planned(NamedTuple):
    """A reading and the change of the alarm that it must cause; empty: none."""

    reading: Reading
    change: str


class Rivers:
    """An endless load over the registry's stations. `start`: event time of the first readings, epoch ms; `cycle`: readings of a river from
    one flood to the next, four changes each."""

    def __init__(self, vocabulary: Vocabulary, start: int, cycle: int = CYCLE) -> None:
        stations = [s for s in vocabulary.subjects("station") if "quantities" in s.attributes]
        gauges = [s for s in stations if all(level in s.limits for level in LEVELS)]
        rivers = [_template(s, "river_level", "river_level", "m") for s in gauges]
        others = [
            _template(s, quantity, *QUANTITIES[quantity])
            for s in stations for quantity in s.attributes["quantities"].split() if quantity in QUANTITIES
        ]  # fmt: skip
        late = [replace(t, quality_flags=("generated", "late_burst")) for t in others]
        self.templates: Sequence[Observation] = (*rivers, *others, *late)
        self._rivers, self._others, self._start = len(rivers), len(others), start
        self._cycle, self._low_until = cycle, cycle - len(LEVELS) * LEVEL_READINGS
        self._limits = [[int(s.limits[level].scaleb(SCALE)) for level in LEVELS] for s in gauges]
        self._severity = [0] * len(rivers)
        self._falling: list[int | None] = [None] * len(rivers)

    def readings(self) -> Iterator[Planned]:
        """The load, reading after reading, without end."""
        n = 0
        while True:
            step, river = divmod(n, self._rivers)
            yield self._river(river, step)
            step, other = divmod(n, self._others)
            yield Planned(self._reading(self._rivers + other, step, 20_000_000 + step % 50 * 100_000), "")
            n += 1

    def burst(self, count: int, length_ms: int) -> Iterator[Reading]:
        """What the other loggers kept for `length_ms` before the start: `count` readings, marked late."""
        first = self._rivers + self._others
        rounds = -(-count // self._others)
        for n in range(count):
            step, other = divmod(n, self._others)
            at = self._start - length_ms + step * length_ms // rounds
            yield _reading_at(first + other, at, 10_000_000 + step % 90 * 100_000, f"burst/{n}")

    def _river(self, river: int, step: int) -> Planned:
        """The gauges stand at different places of the cycle, so that changes are spread evenly."""
        place = (step + river * self._cycle // self._rivers) % self._cycle
        level = 0 if place < self._low_until else 1 + (place - self._low_until) // LEVEL_READINGS
        value = self._limits[river][level - 1] + OVER if level else self._limits[river][0] - UNDER
        reading = self._reading(river, step, value + step % 4 * 10_000)
        return Planned(reading, self._change(river, level, reading.event_time))

    def _change(self, river: int, level: int, at: int) -> str:
        """What the alarm does: it rises at once; it ends when the water was low for the time the rule asks for."""
        before = self._severity[river]
        if level > before:
            self._severity[river], self._falling[river] = level, None
            return "worse" if before else "opened"
        if level or not before:
            self._falling[river] = None
            return ""
        falling = self._falling[river]
        if falling is None:
            self._falling[river] = at
            return ""
        if at - falling < CLEAR_MS:
            return ""
        self._severity[river], self._falling[river] = 0, None
        return "cleared"

    def _reading(self, series: int, step: int, value: int) -> Reading:
        return _reading_at(series, self._start + step * MINUTE_MS, value, f"{series}/{step}")


def _reading_at(series: int, at: int, value: int, record_id: str) -> Reading:
    return Reading(series, at, at + 1, at, None, at + 700, value, record_id, 0, at)


def _template(station: Subject, component: str, concept: str, unit: str) -> Observation:
    return Observation(
        indicator="vn-1012/D.1", concept=concept, component=component, measure_unit=unit, period_type="instant", period_start=0,
        period_end=1, event_time=0, ingested_at=0, territory=station.territory, agency=station.agency, provider="NHMF",
        source_system="sensors", subject_type="station", subject_id=station.id, source_record_id="", quality_flags=("generated",),
        lon=station.lon, lat=station.lat,
    )  # fmt: skip
