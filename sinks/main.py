"""The sink's process: every topic into ClickHouse, exactly. `nhip run sink` or `python -m sinks.main`.

Exit codes: 0 stopped by SIGTERM or SIGINT; 1 a fault that waiting cannot mend (message in the log): missing topics, tables, rights or
settings, a table that refuses everything, another process under the same instance name, foreign metadata in the consumer group.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Final

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException

from sinks import clickhouse, clients, flow_preparation, report_preparation
from sinks.consumer import Fenced, Observer, Sink
from sinks.decode import Decoder
from sinks.generation import generations
from sinks.letters import LetterBox
from sinks.metrics import SinkMetrics
from sinks.plan import PlanError
from sinks.preparation import PREPARED, Preparation, forget
from sinks.refusals import TableAtFault
from sinks.tables import Route, routes, tables
from sinks.watch import Watch
from sinks.writer import Writer
from transport import collector, kafka_clients, logging
from transport.group_offsets import GroupOffsets, OffsetsUnknown
from transport.metrics import Metrics
from transport.registry import Registry
from transport.settings import Settings
from transport.startup import Startup
from transport.stopping import Stop
from transport.topics import table

log = structlog.get_logger(__name__)

FIRST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 5.0
_TRANSIENT: Final = (clickhouse.Unavailable, KafkaException, TimeoutError)
"""ClickHouse or Kafka away: it is waited for. TimeoutError: a request to the broker without an answer."""


def run(settings: Settings, stop: threading.Event, observer: Observer, only: dict[str, Route] | None = None) -> None:
    """Run until `stop` is set. `only`: these topics instead of all. Raises what waiting cannot mend: see `main`."""
    wanted = routes(table(settings.topic_prefix), settings.topic_prefix) if only is None else only
    found = _patiently(stop, lambda: _ready(settings, wanted))
    if found is None:
        return
    with Registry(settings) as registry:

        def make_writer() -> Writer:
            return Writer(lambda: clickhouse.connect(settings), Decoder(registry.schema), LetterBox(settings, registry))

        Sink(clients.consumer(settings), GroupOffsets(settings, clients.GROUP), wanted, found, make_writer, observer).run(stop)


def _ready(settings: Settings, wanted: dict[str, Route]) -> dict[str, str]:
    """Token generations by topic, once tables and settings are as they must be."""
    with clickhouse.connected(settings) as client:
        clickhouse.check_ready(client, (*tables(), PREPARED, report_preparation.PREPARED, flow_preparation.PREPARED))
        forget(client)  # rows may come in behind the offsets of a folding: a topic made anew, a restored database
        return generations(client, kafka_clients.admin(settings), wanted)


def _patiently(stop: threading.Event, work: Callable[[], dict[str, str]]) -> dict[str, str] | None:
    """Do the work; while a part does not answer, wait and do it again. None when stopped meanwhile."""
    pause = FIRST_WAIT
    while not stop.is_set():
        try:
            return work()
        except _TRANSIENT as error:
            why = str(error) or type(error).__name__
        except ClickHouseError as error:
            why = clickhouse.reason(error)
        log.warning("sink.waiting_to_start", why=why, retry_in_s=pause)
        stop.wait(pause)
        pause = min(pause * 2, LONGEST_WAIT)
    return None


def main(settings: Settings) -> int:
    """Run the sink until SIGTERM or SIGINT; return the exit code. Errors meant for people are logged, Vietnamese first."""
    startup = Startup()
    startup.done("imports")
    stop = Stop.on_signals()
    logging.setup("sink", settings.log_level)
    collector.spare()
    log.info("sink.starting", instance=settings.sink_instance, database=settings.clickhouse_database)
    try:
        with Metrics("sink", settings, settings.sink_metrics_port) as metrics:
            Watch(settings, metrics, stop).start()
            Preparation(settings, stop).start()
            run(settings, stop, SinkMetrics(metrics, startup))
    except (clickhouse.NotReady, TableAtFault, Fenced, PlanError, OffsetsUnknown, LookupError, KafkaException, OSError) as error:
        log.error("sink.stopped", why=str(error), kind=type(error).__name__)
        return 1
    log.info("sink.stopped_cleanly")
    return 0


if __name__ == "__main__":
    sys.exit(main(Settings.load()))
