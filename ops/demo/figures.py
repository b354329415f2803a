"""Figures of a demonstration, taken from the running system: offsets of Kafka, rows of ClickHouse, mails, memory of the parts.

Nothing is counted by the demonstration itself, so what it says of a run is what the system holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ops.demo.mailbox import mails
from ops.demo.parts import MAILBOX
from ops.demo.pulse import Pulse
from ops.stack.process import private_memory
from ops.stack.state import State
from sinks import clickhouse
from transport.settings import Settings

LOOK_SECONDS = 0.2
COUNTS = {
    "rows": "SELECT uniqExact(topic, partition, offset) FROM observations",
    "panes": "SELECT uniqExact(series, kind, pane, budget_year) FROM panes",
    "windows": "SELECT uniqExact(series) FROM aggregate_latest",
    "results": "SELECT uniqExact(result, period_start) FROM derived_latest",
    "events": "SELECT uniqExact(event_id) FROM alert_events",
    "alerts": "SELECT count() FROM latest_alerts",
    "open": "SELECT count() FROM open_alerts",
}
"""Name → question; every answer is exact though an insert may have been repeated."""
DELAY = """
SELECT quantileExact(0.5)(delay), quantileExact(0.95)(delay) FROM (
    SELECT event_id, min(toUnixTimestamp64Milli(recorded_at) - toUnixTimestamp64Milli(caused_at)) AS delay
    FROM alert_events GROUP BY event_id)
"""
COUNTRY = """
SELECT argMax(value, period_start), toUnixTimestamp64Milli(argMax(event_time, period_start))
FROM latest_derived WHERE formula = 'F02.country'
"""
RAIN = """
SELECT max(h24_sum), argMax(subject_id, h24_sum) FROM latest_aggregates
WHERE indicator = 'vn-1012/D.1' AND component = 'rain' AND latest_time >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
"""
REFUSED = "SELECT reason, sum(letters) FROM dead_letter_counts GROUP BY reason ORDER BY 2 DESC, 1"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run left. `delay_ms`: median and 95th percentile from the newest reading's arrival in Kafka to the alert event."""

    observations: int
    counts: dict[str, int]
    delay_ms: tuple[float, float]
    refused: dict[str, int]
    letters: int
    memory_mb: int

    @property
    def complete(self) -> bool:
        """Does ClickHouse hold every observation that is in Kafka?"""
        return self.counts["rows"] == self.observations


class Gauge:
    """Reads figures of the installation of `settings`. Raises clickhouse.Unavailable, clickhouse.NotReady, pulse.PulseError."""

    def __init__(
        self, settings: Settings, pulse: Pulse, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings, self._pulse, self._clock, self._sleep = settings, pulse, clock, sleep

    def observations(self) -> int:
        """Observations in Kafka."""
        return self._pulse.observations(self._pulse.inputs())

    def country(self) -> tuple[Decimal, int] | None:
        """The nation's disbursement rate (percent) as ClickHouse has it, and its event time (epoch ms); None before there is one."""
        value, at = self._row(COUNTRY)
        return (value, int(str(at))) if isinstance(value, Decimal) else None

    def rain(self, since: int) -> tuple[Decimal, str] | None:
        """The largest sum of 24 hours (mm) of a station that reported after `since` (epoch ms), and the station; None: no such station."""
        value, station = self._row(RAIN, {"since": since})
        return (value, str(station)) if isinstance(value, Decimal) and station else None

    def wait_for_rows(self, seconds: float) -> bool:
        """Wait until ClickHouse holds every observation; False where it does not in `seconds`."""
        deadline = self._clock() + seconds
        while self._number(COUNTS["rows"]) != self.observations():
            if self._clock() >= deadline:
                return False
            self._sleep(LOOK_SECONDS)
        return True

    def take(self, state: State) -> Figures:
        """All figures now; `state` names the parts whose memory is added up."""
        counts = {name: self._number(sql) for name, sql in COUNTS.items()}
        middle, late = (float(str(value)) for value in self._row(DELAY))
        with clickhouse.connected(self._settings, reader=True) as client:
            refused = {str(reason): int(number) for reason, number in client.query(REFUSED).result_rows}
        memory = sum(private_memory(row.pid) for row in state.rows if row.pid) + private_memory(state.pid)
        letters = len(mails(self._settings.data_dir / MAILBOX))
        return Figures(self.observations(), counts, (middle, late), refused, letters, memory // 1_000_000)

    def _number(self, sql: str) -> int:
        return int(str(self._row(sql)[0]))

    def _row(self, sql: str, values: dict[str, int] | None = None) -> tuple[object, ...]:
        with clickhouse.connected(self._settings, reader=True) as client:
            return tuple(client.query(sql, parameters=values).result_rows[0])
