"""The worker process: `nhip run worker`."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Sequence

import structlog

from stream_processors.context import Context
from stream_processors.worker import Worker, WriterFactory
from transport import logging as logs
from transport.metrics import Metrics
from transport.settings import Settings
from transport.topics import GROUPS

log = structlog.get_logger(__name__)

STOP_SECONDS = 12.0


def main(
    settings: Settings, groups: Sequence[str] = tuple(GROUPS), session_seconds: float = 10.0, writer: WriterFactory | None = None
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status. An unexpected error ends the process with a status of its own (transport)."""
    logs.setup("worker", settings.log_level)
    for noisy in ("faust", "mode", "aiokafka", "transport.chunks", "httpx"):  # Faust tells each service's start and stop, aiokafka every assignment
        logging.getLogger(noisy).setLevel(logging.WARNING)
    gc.set_threshold(200_000, 50, 100)  # chunks make many short-lived objects: measured 15 % faster
    with Metrics("worker", settings, settings.worker_metrics_port) as metrics:
        return asyncio.run(_run(settings, metrics, groups, session_seconds, writer))


async def _run(settings: Settings, metrics: Metrics, groups: Sequence[str], session_seconds: float, writer: WriterFactory | None) -> int:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / "faust").mkdir(parents=True, exist_ok=True)  # Faust creates its folder without parents
    context = Context(settings, metrics)
    worker = Worker(context, groups, session_seconds, writer)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker.app.finalize()
    await worker.app.start()
    watchdog = worker.watch()
    reporter = loop.create_task(_report(worker, metrics))
    log.info("worker ready", groups=len(groups))
    await stop.wait()
    log.info("worker stopping")
    watchdog.cancel()
    reporter.cancel()
    try:
        await asyncio.wait_for(worker.close(), STOP_SECONDS)
        await asyncio.wait_for(worker.app.stop(), STOP_SECONDS)
    except TimeoutError:
        log.warning("stopped at the deadline; the next owner's fence ends what was open")
    return 0


async def _report(worker: Worker, metrics: Metrics) -> None:
    """Gauges of lanes, every second."""
    while True:
        await asyncio.sleep(1)
        for lane in list(worker.lanes.values()):
            metrics.gauge("nhip_lag_messages", lane.waiting, topic=f"{lane.topic}-{lane.partition}")


if __name__ == "__main__":
    sys.exit(main(Settings.load()))
