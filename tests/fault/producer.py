"""The producer process of the fault tests: the product's runner, publisher and positions over the spool of the harness."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

import structlog

from indicators.vocabulary import Vocabulary
from producers.clock import SystemClock
from producers.positions import PositionStore
from producers.publisher import Publisher
from producers.reject_report import RejectReport
from producers.runner import Runner
from producers.validation import Door
from producers.wire import MetricsWatcher, WireOutbox, schema_ids
from tests.fault.spool import SpoolSource
from transport import kafka_clients, logging
from transport.metrics import Metrics
from transport.registry import Registry
from transport.settings import Settings

FOLDER: Final = "NHIP_FAULT_SPOOL"
STARTED: Final = "fault.producer.started"


def main() -> int:
    """Run until SIGTERM."""
    settings = Settings.load()
    logging.setup("producers", settings.log_level)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    clock, positions = SystemClock(), PositionStore(settings.data_dir / "positions")
    with Metrics("producers", settings, 0) as metrics, Registry(settings) as registry:
        outbox = WireOutbox(kafka_clients.CountingProducer(kafka_clients.producer(settings, linger_ms=2)))
        report = RejectReport(settings.data_dir / "rejects")
        publisher = Publisher(settings, Door(Vocabulary.load(settings.home)), outbox, schema_ids(registry), report, clock)
        structlog.get_logger().info(STARTED)
        source = SpoolSource(Path(os.environ[FOLDER]))
        Runner([source], publisher, clock, positions, MetricsWatcher(metrics), poll_seconds=0.02).run(stop)
        positions.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
