"""`nhip run backtests`: works off the backtests that readers order on the board, one at a time, apart from every process that serves.

A backtest reads years of history and judges it in Python: in the board it would hold up pages, and `dashboards` imports neither the stages
nor the evaluators of results. Any number of these processes may run; Kafka's order of claims says who does what.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

import structlog

from ops.backtest_runner import Job, Runner
from ops.upkeep.boundary import why
from transport import kafka_clients
from transport.backtest_orders import TOPIC, BacktestBook, Run
from transport.job_follower import RowFollower
from transport.kafka_clients import CountingProducer
from transport.logging import setup
from transport.metrics import Metrics
from transport.settings import Settings
from transport.stopping import Stop

LOOK_SECONDS: Final = 0.5
END_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


def now_ms() -> int:
    """Wall time, epoch ms."""
    return time.time_ns() // 1_000_000


def serve(settings: Settings, stop: threading.Event, opened: Callable[[int], None] = lambda port: None) -> None:
    """Until `stop` is set. `opened` is told of the port of /metrics. Raises KafkaException, DeliveryError, OSError."""
    book, out = BacktestBook(), CountingProducer(kafka_clients.producer(settings, linger_ms=0))
    topic = settings.topic_prefix + TOPIC

    def tell(run: Run) -> None:
        out.publish(topic, run.key, run.body(), partition=0)
        out.flush()

    runner = Runner(book, tell, lambda order: Job(settings, order), now_ms)
    with (
        Metrics("backtests", settings, settings.backtests_metrics_port) as metrics,
        closing(RowFollower(settings, topic, f"backtests-{runner.name}", book.take)) as rows,
    ):
        opened(metrics.port)
        log.info("works off backtests", port=metrics.port)
        while not stop.is_set():
            rows.look(LOOK_SECONDS)
            metrics.gauge("nhip_backtests_open", len(book.open()), process="backtests")
            if rows.whole:
                runner.step()
        runner.close(END_SECONDS)


def main(settings: Settings) -> int:
    """Exit code: 0 stopped by SIGTERM or SIGINT, 1 where Kafka or the port are not to be had."""
    setup("backtests", settings.log_level)
    stop = Stop.on_signals()
    try:
        serve(settings, stop)
    except Exception as error:
        # The edge of the process: what a server answered is told in words, a fault of ours with its stack; the supervisor starts it anew.
        said = why(error)
        log.error("ends", error=said) if said else log.exception("ends by a fault of its own")
        return 1
    return 0
