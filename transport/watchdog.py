"""The watchdog beside the app: a worker that is in no group, fenced or stalled stops, and says why.

Faust never calls aiokafka's `check_errors`, so a coordinator error leaves a silent zombie; and an `@app.timer` would never start in a
worker that cannot join. So this is a plain task, started beside the app.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from typing import Final

import faust
import structlog

from transport.chunks import coordinator_errors
from transport.lanes import Lane

log = structlog.get_logger(__name__)

EXIT_OUT_OF_GROUP: Final = 71
EXIT_STALLED: Final = 72
EXIT_CRASHED: Final = 73
STALL_SECONDS: Final = 60.0


async def watch(app: faust.App, lanes: Callable[[], Iterable[Lane]], interval: float = 1.0) -> None:
    """Look every `interval` seconds; ends the process when the application crashed (Faust would stay up, consuming nothing), when the
    coordinator reports an error, or when a lane with work made no progress for a minute."""
    while True:
        await asyncio.sleep(interval)
        if app.crashed:
            log.error("application crashed", error=repr(app.crash_reason)[:300])
            os._exit(EXIT_CRASHED)
        coordinator = coordinator_errors(app)
        if coordinator is not None:
            try:
                coordinator.check_errors()
            except Exception as error:  # process boundary: whatever the coordinator pushed, this worker is out of its group
                log.error("out of the consumer group", error=repr(error)[:300])
                os._exit(EXIT_OUT_OF_GROUP)
        for lane in lanes():
            stalled = time.monotonic() - lane.last_progress
            if lane.waiting and lane.allowed and stalled > STALL_SECONDS:
                log.error("lane stalled", topic=lane.topic, partition=lane.partition, waiting=lane.waiting, seconds=round(stalled))
                os._exit(EXIT_STALLED)
