"""The runner: every source in its own thread, fetch → deliver → save, so that one source that fails or is slow stops no other.

A turn, in this order: (1) fetch after the saved position; (2) deliver observations and rejects and wait for every acknowledgement; (3)
save the position with what the adapter remembers. Whatever fails leaves the position where it was; the source is tried again after a
pause that doubles from one second to one minute.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import structlog

from indicators.observation import Observation
from producers.clock import Clock
from producers.contract import Fetched, Source, SourceUnavailable
from producers.positions import PositionError, PositionStore
from producers.publisher import NotDelivered
from producers.reject import Reject

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
POLL_SECONDS = 0.2
STOP_SECONDS = 12.0

log = structlog.get_logger(__name__)


class Delivery(Protocol):
    """What the runner needs of the publisher."""

    def deliver(self, source: str, observations: Sequence[Observation], rejects: Sequence[Reject]) -> None:
        """Raises NotDelivered."""
        ...


class Watcher(Protocol):
    """Who counts what the runner does (metrics)."""

    def delivered(self, source: str, count: int) -> None: ...

    def refused(self, source: str, reason: str, count: int) -> None: ...

    def failed(self, source: str, error: str) -> None: ...


class Runner:
    """Runs sources until told to stop. `clock` gives the time that expires memories."""

    def __init__(self, sources: Sequence[Source], publisher: Delivery, clock: Clock, positions: PositionStore, watcher: Watcher,
                 poll_seconds: float = POLL_SECONDS) -> None:  # fmt: skip
        self._sources, self._publisher, self._clock, self._positions = sources, publisher, clock, positions
        self._watcher, self._poll_seconds = watcher, poll_seconds

    def run(self, stop: threading.Event) -> None:
        """Block until `stop` is set; then let running turns end and close the sources."""
        threads = [threading.Thread(target=self._keep, args=(s, stop), name=f"source-{s.name}", daemon=True) for s in self._sources]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join(STOP_SECONDS / max(1, len(threads)))
        for source in self._sources:
            source.close()
        if any(thread.is_alive() for thread in threads):
            log.warning("producers.stop_timeout", detail="a turn did not end in time; it is repeated at the next start")

    def turn(self, source: Source) -> Fetched:
        """One turn of one source. Raises SourceUnavailable, NotDelivered, PositionError; the position then stays."""
        state = self._positions.of(source.name)
        since = state.load()
        fetched = source.fetch(since)
        if fetched.observations or fetched.rejects:
            self._publisher.deliver(source.name, fetched.observations, fetched.rejects)
        if fetched.position != since or fetched.remembered:
            state.save(fetched.position, fetched.remembered, self._clock.now_ms())
        self._count(source.name, fetched)
        return fetched

    def _keep(self, source: Source, stop: threading.Event) -> None:
        pause = 0.0
        while not stop.is_set():
            try:
                fetched = self.turn(source)
            except (SourceUnavailable, NotDelivered, PositionError, OSError) as e:
                pause = min(max(FIRST_PAUSE_SECONDS, pause * 2), LONGEST_PAUSE_SECONDS)
                log.warning("producers.source_waits", source=source.name, error=str(e), again_in_seconds=pause)
                self._watcher.failed(source.name, type(e).__name__)
            except Exception:  # the boundary between sources: a fault in one adapter is logged with its trace and must not stop the others
                pause = min(max(FIRST_PAUSE_SECONDS, pause * 2), LONGEST_PAUSE_SECONDS)
                log.exception("producers.source_fault", source=source.name, again_in_seconds=pause)
                self._watcher.failed(source.name, "fault")
            else:
                pause = 0.0
                if not fetched.more:
                    stop.wait(self._poll_seconds)
            if pause:
                stop.wait(pause)

    def _count(self, source: str, fetched: Fetched) -> None:
        self._watcher.delivered(source, len(fetched.observations))
        for reason, count in Counter(r.reason for r in fetched.rejects).items():
            self._watcher.refused(source, reason, count)
        if fetched.observations or fetched.rejects:
            log.info("producers.delivered", source=source, observations=len(fetched.observations), refused=len(fetched.rejects),
                     superseded=fetched.superseded)  # fmt: skip
