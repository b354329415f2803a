"""The worker process: `nhip run worker`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence

import structlog

from indicators.datafile import DataFileError
from indicators.rule import RuleError
from stream_processors.context import Context
from stream_processors.stage1 import Stage1
from stream_processors.stage2 import Stage2
from stream_processors.worker import Worker, WriterFactory
from transport import collector
from transport import logging as logs
from transport.metrics import Metrics
from transport.registry import RegistryError
from transport.settings import Settings
from transport.startup import LOOK_SECONDS, Startup
from transport.topics import GROUPS

log = structlog.get_logger(__name__)

STOP_SECONDS = 12.0
SNAPSHOT_SECONDS = 60.0


def main(
    settings: Settings, groups: Sequence[str] = tuple(GROUPS), session_seconds: float = 10.0, writer: WriterFactory | None = None
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status, 2 where a file of the catalogue or the registry does not let it start. An
    unexpected error ends the process with a status of its own (transport)."""
    startup = Startup()
    startup.done("imports")
    logs.setup("worker", settings.log_level)
    for noisy in ("faust", "mode", "aiokafka", "transport.chunks"):  # Faust tells each service's start and stop, aiokafka every assignment
        logging.getLogger(noisy).setLevel(logging.WARNING)
    collector.spare()
    with Metrics("worker", settings, settings.worker_metrics_port) as metrics:
        return asyncio.run(_run(settings, metrics, startup, lambda context: Worker(context, groups, session_seconds, writer)))


async def _run(settings: Settings, metrics: Metrics, startup: Startup, made: Callable[[Context], Worker]) -> int:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / "faust").mkdir(parents=True, exist_ok=True)  # Faust creates its folder without parents
    try:
        context = Context(settings, metrics)
    except (RuleError, DataFileError, RegistryError) as error:
        log.error("cannot start", error=str(error))
        return 2
    with context:
        startup.done("catalogue")
        return await _serve(made(context), metrics, startup)


async def _serve(worker: Worker, metrics: Metrics, startup: Startup) -> int:
    """Start, wait for a signal, stop within the deadline."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not await _known(worker, stop):
        return 0
    startup.done("emergencies")
    worker.app.finalize()
    await worker.app.start()
    watchdog = worker.watch()
    tasks = [watchdog, worker.replays(), loop.create_task(_report(worker, metrics)), loop.create_task(_snapshots(worker)),
             loop.create_task(_started(worker, startup))]  # fmt: skip
    log.info("worker started")
    await stop.wait()
    log.info("worker stopping")
    for task in tasks:
        task.cancel()
    try:
        await asyncio.wait_for(worker.close(), STOP_SECONDS)
        await asyncio.wait_for(worker.app.stop(), STOP_SECONDS)
    except TimeoutError:
        log.warning("stopped at the deadline; the next owner's fence ends what was open")
    return 0


async def _known(worker: Worker, stop: asyncio.Event) -> bool:
    """Wait until emergencies and ad-hoc sets are known, so that state is restored beside them; False where told to stop before."""
    asking = [asyncio.create_task(worker.know_emergencies()), asyncio.create_task(stop.wait())]
    done, pending = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return asking[0] in done


async def _started(worker: Worker, startup: Startup) -> None:
    """Note when partitions are assigned, state is restored and a first commit is made: then the worker is back."""
    while not any(lane.commits for lane in worker.lanes.values()):
        if worker.owned():
            startup.done("assigned")
        if any(lane.is_open for lane in worker.lanes.values()):
            startup.done("restored")
        await asyncio.sleep(LOOK_SECONDS)
    startup.ready("committed", lanes=len(worker.lanes))


async def _report(worker: Worker, metrics: Metrics) -> None:
    """Gauges of lanes, every second."""
    while True:
        await asyncio.sleep(1)
        lanes = list(worker.lanes.values())
        for topic in {lane.topic for lane in lanes}:
            metrics.gauge("nhip_lag_messages", sum(lane.waiting for lane in lanes if lane.topic == topic), topic=topic)
        for stage in (Stage1, Stage2):
            folds = [lane.fold for lane in lanes if isinstance(lane.fold, stage)]
            metrics.gauge("nhip_panes_live", sum(fold.live for fold in folds), stage=stage.__name__.lower())


async def _snapshots(worker: Worker) -> None:
    """Snapshots of the record memories, every minute. A full disk costs the next restart time, nothing else."""
    while True:
        await asyncio.sleep(SNAPSHOT_SECONDS)
        try:
            await worker.snapshot()
        except OSError as error:
            log.warning("no snapshot", error=repr(error)[:200])


if __name__ == "__main__":
    sys.exit(main(Settings.load()))
