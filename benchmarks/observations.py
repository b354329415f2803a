"""The load of the throughput measurements: customs declaration lines, every field filled, of many series over days of event time, seeded.

One in a hundred is up to two hours out of order; a share corrects an earlier line (its record id, series and event time; revision 1; a new
value), so that the record memory works. What the right end state is can be said without any stream processor: `live_count`, `live_sum`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.series_encoder import Reading, SeriesEncoder, observation_of
from indicators.instant import DAY_MS, HOUR_MS
from indicators.observation import Observation

START: Final = 1_770_656_400_000
"""10/02/2026 00:00 in Việt Nam."""
LOCAL_MS: Final = 7 * HOUR_MS
DISORDER_MS: Final = 2 * HOUR_MS
CORRECTED_BEFORE: Final = 1000
"""A correction concerns the line that came so many lines before it."""
BUDGET_YEAR: Final = 2026
MARKETS: Final = (
    "CN", "JP", "KR", "US", "DE", "SG", "TH", "NL", "IN", "AU", "GB", "FR", "IT", "ES", "BR", "MX", "CA", "TW", "MY", "ID", "PH", "KH",
    "LA", "RU", "AE",
)  # fmt: skip
CHANNELS: Final = ("green", "yellow", "red")
TERRITORIES: Final = ("31", "79", "48", "01")
MOST_SERIES: Final = 2 * len(MARKETS) * 97 * len(CHANNELS) * len(TERRITORIES)


def template(number: int) -> Observation:
    """The n-th series: direction, market, chapter of the tariff, channel of control, place of clearance; one number, one series."""
    rest, direction = divmod(number, 2)
    rest, market = divmod(rest, len(MARKETS))
    rest, chapter = divmod(rest, 97)
    rest, channel = divmod(rest, len(CHANNELS))
    component = ("export", "import")[direction]
    return Observation(
        indicator="vn-1012/A.II.5", concept=f"{component}s", component=component, measure_unit="USD", period_type="day", period_start=0,
        period_end=0, event_time=0, ingested_at=0, territory=TERRITORIES[rest], agency="CUSTOMS", provider="CUSTOMS",
        source_system="vnaccs", source_record_id="", budget_year=BUDGET_YEAR,
        dimensions=(("channel", CHANNELS[channel]), ("hs2", f"{chapter + 1:02d}"), ("market", MARKETS[market])),
    )  # fmt: skip


class CustomsLoad:
    """`count` lines over `series` series. Equal arguments give equal lines. Raises ValueError beyond MOST_SERIES series."""

    def __init__(self, count: int, series: int, seed: int = 7, days: float = 3.0, amended: float = 0.005) -> None:
        if not 0 < series <= MOST_SERIES:
            raise ValueError(f"{series} series: 1 to {MOST_SERIES} are possible")
        self.count, self.templates = count, [template(n) for n in range(series)]
        random = np.random.default_rng(seed)
        at = START + (np.arange(count) * (days * DAY_MS / count)).astype(np.int64)
        self._ingested = at + 60_000
        self._series = random.integers(0, series, count)
        self._value = random.integers(1, 10**9, count) * 10_000  # cents, as millionths
        disorder = np.where(random.random(count) < 0.01, random.integers(0, DISORDER_MS, count), 0)
        self._time = np.maximum(START, at - disorder)
        self._record = np.arange(count)
        self._revision = np.zeros(count, np.int64)
        self._amend(random.random(count) < amended)

    def _amend(self, chosen: NDArray[np.bool_]) -> None:
        """Make the chosen lines corrections, where the line before is itself none."""
        chosen[:CORRECTED_BEFORE] = False
        later = np.flatnonzero(chosen)
        later = later[~chosen[later - CORRECTED_BEFORE]]
        earlier = later - CORRECTED_BEFORE
        for column in (self._series, self._time, self._record):
            column[later] = column[earlier]
        self._revision[later] = 1

    def reading(self, i: int) -> Reading:
        """The i-th line; declared half a minute, taken in a minute after it happened."""
        at, ingested = int(self._time[i]), int(self._ingested[i])
        start = at - (at + LOCAL_MS) % DAY_MS
        return Reading(
            int(self._series[i]), start, start + DAY_MS, at, ingested - 30_000, ingested, int(self._value[i]),
            f"3055{int(self._record[i]):08d}/1", int(self._revision[i]), i,
        )  # fmt: skip

    def observation(self, i: int) -> Observation:
        """The i-th line as a whole observation."""
        reading = self.reading(i)
        return observation_of(self.templates[reading.series], reading)

    def messages(self, encoder: SeriesEncoder) -> Iterator[tuple[bytes, bytes]]:
        """Key and framed value of each line, in order. `encoder` is made of `templates`."""
        columns: tuple[NDArray[Any], ...] = (self._series, self._time, self._ingested, self._value, self._record, self._revision)
        starts = self._time - (self._time + LOCAL_MS) % DAY_MS
        rows = zip(*(c.tolist() for c in (*columns, starts)), strict=True)
        for i, (series, at, ingested, value, record, revision, start) in enumerate(rows):
            reading = Reading(series, start, start + DAY_MS, at, ingested - 30_000, ingested, value, f"3055{record:08d}/1", revision, i)
            yield encoder.keys[series], encoder.encode(reading)

    def live_count(self, first: int | None = None) -> int:
        """Records that stand after the first so many lines (all): corrections replace."""
        return len(np.unique(self._record[:first]))

    def live_sum(self, first: int | None = None) -> int:
        """Sum of the values that stand after the first so many lines (all), in millionths."""
        values, records = self._value[:first], self._record[:first]
        replaced = records[self._revision[:first] == 1]
        return int(sum(values.tolist())) - int(sum(values[replaced].tolist()))
