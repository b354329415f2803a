"""The heartbeat as a source: one beat of the platform every so often, by the machine's clock, also while a scenario tells another time.

A beat proves the way that every figure takes (indicators/heartbeat.py); the first of a day tells the workers that the day has begun. Beats
that could not be sent are not made up for: a late beat proves nothing of the past.
"""

from __future__ import annotations

from datetime import timedelta

from indicators.heartbeat import beat
from indicators.rule import RuleBook
from producers.clock import Clock
from producers.contract import Fetched, Position

NAME = "heartbeat"
EVERY = timedelta(minutes=1)
"""Where no watchdog is at work, the days still need a beat."""


class Heartbeat:
    """Source of beats. `every`: from one beat to the next."""

    def __init__(self, clock: Clock, every: timedelta = EVERY) -> None:
        self._clock, self._every_ms = clock, every // timedelta(milliseconds=1)

    @property
    def name(self) -> str:
        """See Source."""
        return NAME

    def fetch(self, since: Position) -> Fetched:
        """A beat, if the last one delivered is long enough ago or lies in the future (the machine's clock was set back)."""
        now, last = self._clock.now_ms(), since.get("at")
        if isinstance(last, int) and 0 <= now - last < self._every_ms:
            return Fetched([], [], since)
        return Fetched([beat(now)], [], {"at": now})

    def close(self) -> None:
        """Nothing is held."""


def interval(rules: RuleBook) -> timedelta:
    """How often the watchdogs at work expect a beat."""
    return min((rule.watchdog.beat for rule in rules.watchdogs if rule.watchdog), default=EVERY)
