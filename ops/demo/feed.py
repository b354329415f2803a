"""Feed: the scenario given to the running system in steps: a budget year of files, then a day of storm by sensors.

A step of the year is a month. Between two steps the feed waits until the system has taken and folded the month, so that what is printed
of it is what the system knows; the alerts do not need it: results are judged period by period, however much arrives at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

from ops.demo.pulse import Pulse
from producers.fields import DAY_MS, start_of
from producers.positions import saved_position
from producers.scenario import Scenario
from transport.tail import Place

SETTLE_SECONDS = 180.0
YEAR_SHARE = 0.6
HOUR_MS = 3_600_000
TOLD_EVERY_HOURS = 3
FOLDERS = ("open_data", "tax", "customs", "treasury", "icu", "sensors", "securities")

Tell = Callable[[int], None]
"""Called after each step with the scenario's instant (epoch ms)."""


class FeedError(RuntimeError):
    """The system did not take what was fed in time; the text says what to look at."""


def steps(first: date, last: date) -> Iterator[list[date]]:
    """The days of the year cut into months."""
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    for _, month in groupby(days, key=lambda day: (day.year, day.month)):
        yield list(month)


@dataclass(slots=True)
class Feed:
    """Plays `scenario`. `seconds`: how long year and flood should take together; 0: as fast as the system is through.

    `inbox` and `positions`: folders of the installation. `published`: messages given to the MQTT broker so far (counted by who publishes).
    """

    scenario: Scenario
    pulse: Pulse
    inbox: Path
    positions: Path
    seconds: float
    published: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def year(self, tell: Tell) -> None:
        """Plans, published series and every day but the last. Raises FeedError."""
        self.scenario.begin()
        parts = list(steps(self.scenario.span.start, self.scenario.span.end))
        for days in parts:
            ends = self.clock() + self.seconds * YEAR_SHARE / len(parts)
            for day in days:
                self.scenario.feed(day)
            self._wait(self.pulse.taken(self._files_taken, SETTLE_SECONDS))
            self._rest(ends)
            tell(_evening(days[-1]))

    def flood(self, tell: Tell) -> None:
        """The day of the storm, a step of ten minutes at a time. Raises FeedError, TimeoutError (MQTT broker)."""
        before = _readings(self.pulse.ends())
        instants = list(self.scenario.instants())
        each = self.seconds * (1 - YEAR_SHARE) / len(instants)
        for at in instants:
            ends = self.clock() + each
            self.scenario.feed_instant(at)
            self._rest(ends)
            if at % (TOLD_EVERY_HOURS * HOUR_MS) == 0 and at != instants[0]:
                tell(at)
        wanted = before + self.published()
        self._wait(self.pulse.settled(lambda: self._files_taken() and _readings(self.pulse.ends()) >= wanted, SETTLE_SECONDS))
        tell(instants[-1])

    def _files_taken(self) -> bool:
        """Have the producers delivered every file that lies in the inbox?"""
        for name in FOLDERS:
            folder = self.inbox / name
            files = saved_position(self.positions, name).get("files")
            known = files if isinstance(files, dict) else {}
            if folder.is_dir() and any(p.name not in known for p in folder.iterdir() if not p.name.startswith(".")):
                return False
        return True

    def _wait(self, in_time: bool) -> None:
        if not in_time:
            raise FeedError(
                f"Sau {SETTLE_SECONDS:.0f} giây hệ thống chưa xử lý hết số liệu; xem `nhip status`, `nhip logs worker`, "
                "`nhip logs producers` / the system is not through with what it was given; see these"
            )

    def _rest(self, until: float) -> None:
        left = until - self.clock()
        if left > 0:
            self.sleep(left)


def _readings(ends: Mapping[Place, int]) -> int:
    """Readings that came in: what a message can become, an observation of the emergency group or a dead letter of the producers."""
    return sum(end for (topic, _), end in ends.items() if topic.endswith(("obs.emergency", "dead.producers")))


def _evening(day: date) -> int:
    return start_of(day) + DAY_MS - 60_000
