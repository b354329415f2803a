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
NAME_SECONDS: Final = 30.0


class OwnName:
    """Does another process run under this static member's name?

    The broker gives a name to whoever joined under it last, and aiokafka's heartbeat does not carry the name: of two processes under one
    each is told «unknown member», joins again and takes the name from the other, without end. Once is what a process sees that slept past
    its session; twice within `NAME_SECONDS` is another process.
    """

    def __init__(self) -> None:
        self._member, self._changed = "", -NAME_SECONDS

    def taken(self, member: str, now: float) -> bool:
        """`member`: the id the coordinator gave this process, empty while it gave none; `now` in monotonic seconds."""
        if not member or member == self._member:
            return False
        again = bool(self._member) and now - self._changed < NAME_SECONDS
        if self._member:
            self._changed = now
        self._member = member
        return again


async def watch(app: faust.App, lanes: Callable[[], Iterable[Lane]], interval: float = 1.0) -> None:
    """Look every `interval` seconds; ends the process when the application crashed (Faust would stay up, consuming nothing), when the
    coordinator reports an error, when another process runs under its name, or when a lane with work made no progress for a minute."""
    name = OwnName()
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
            if name.taken(coordinator.member_id, time.monotonic()):
                log.error("another process runs under this NHIP_WORKER_INSTANCE: stop one or rename it")
                os._exit(EXIT_OUT_OF_GROUP)
        for lane in lanes():
            stalled = time.monotonic() - lane.last_progress
            if lane.waiting and lane.allowed and stalled > STALL_SECONDS:
                log.error("lane stalled", topic=lane.topic, partition=lane.partition, waiting=lane.waiting, seconds=round(stalled))
                os._exit(EXIT_STALLED)
