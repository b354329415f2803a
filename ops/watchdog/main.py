"""`nhip run watchdog`: the one process that does not depend on what it watches.

Whom it could have been: the delivery process is the end of the way that is watched; the sink and the worker can be silent for the same
reason as everything else (Kafka, the registry); the supervisor of `nhip up` is not there in a cluster, and the parent of all. So it is a
process of its own, which any supervisor starts again: it asks the alert processes over HTTP when they last took in a beat, keeps one file,
and tells people through its own channels. It needs no Kafka, registry or ClickHouse to say that they are gone. What ends it too (the
machine, the mail server) must be watched from another machine: run a second one there, and let Prometheus watch both (`nhip_up_since`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from alerts.channels.contract import Channel, Outcome, RoomError
from alerts.lane import SIDE_BY_SIDE
from alerts.main import channels_of, now_ms, story_of
from alerts.offices import OfficeError
from indicators.datafile import DataFileError
from indicators.rule import RuleBook, RuleError
from ops.watchdog.keeping import StateFile
from ops.watchdog.listening import addresses, newest_beat
from ops.watchdog.watch import Watch
from transport.logging import setup
from transport.metrics import Metrics
from transport.settings import Settings
from transport.stopping import Stop

STEP_SECONDS = 2.0
STOP_SECONDS = 12.0
LOG = "watchdog.log"
"""The console's file: each file of messages has one writer."""

log = structlog.get_logger(__name__)


class _Threads:
    """Runs the sending of a channel beside the watch: a server that hangs delays nobody."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="channel")

    def submit(self, channel: Channel, work: Callable[[], Outcome]) -> Callable[[], Outcome | None]:
        """See alerts.lane.Submit."""
        future: Future[Outcome] = self._pool.submit(work)
        return lambda: future.result() if future.done() else None

    def close(self) -> None:
        """Give up what is under way."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def serve(settings: Settings, stop: threading.Event, channels: dict[str, Channel], clock: Callable[[], int] = now_ms) -> int:
    """Watch until `stop` is set. 0 after it, 1 where the state cannot be written, 2 where no watchdog is at work."""
    rules = RuleBook.load(settings.home).watchdogs
    if not rules:
        log.error("no rule of kind watchdog is at work; see catalogue/rules")
        return 2
    story, _ = story_of(settings)
    threads, bases = _Threads(), addresses(settings)
    state = StateFile(settings.data_dir / "watchdog")
    try:
        with Metrics("watchdog", settings, settings.watchdog_metrics_port) as metrics:
            watch = Watch(rules[0], story, (channels, threads.submit), state, lambda: newest_beat(bases), clock)
            log.info("watches", rule=rules[0].id, where=bases, port=metrics.port, channels=sorted(channels))
            while not stop.wait(STEP_SECONDS):
                watch.step()
                metrics.gauge("nhip_silent_seconds", watch.silent_ms / 1000, process="watchdog")
            ends = time.monotonic() + STOP_SECONDS
            while watch.finish() and time.monotonic() < ends:
                time.sleep(0.05)
            return 0
    except OSError as error:
        log.error("cannot watch", error=str(error))
        return 1
    finally:
        threads.close()


def main(settings: Settings) -> int:
    """The process: runs until SIGTERM or SIGINT. Exit code 0 after a signal, 1 after a failure, 2 where it cannot start."""
    setup("watchdog", settings.log_level)
    stop = Stop.on_signals()
    channels: dict[str, Channel] = {}
    try:
        channels = channels_of(settings, LOG)
        return serve(settings, stop, channels)
    except (RuleError, OfficeError, DataFileError, RoomError) as error:
        log.error("cannot start", error=str(error))
        return 2
    finally:
        for channel in channels.values():
            channel.close()
