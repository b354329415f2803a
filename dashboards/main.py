"""The board's process: `nhip run board` or `python -m dashboards.main`.

Exit codes: 0 stopped by SIGTERM or SIGINT; 1 a fault that waiting cannot mend (message in the log): a wrong catalogue, an address that
cannot be listened on, a key that is too short. ClickHouse or Kafka being away ends nothing: pages say so until they are back.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from dashboards.accounts import AccountBook
from dashboards.application import application
from dashboards.board import Board
from dashboards.country_map import dots
from dashboards.database import Database
from dashboards.federation import Grants
from dashboards.journal import KafkaJournal
from dashboards.live import Follower, Hub, backtest_moved, steps_of
from dashboards.oidc import Provider
from dashboards.session import Sessions, key
from dashboards.settings import BoardSettings
from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError
from indicators.derived.formula_book import FormulaBook, FormulaError
from indicators.emergency import Emergency
from indicators.rule import RuleBook, RuleError
from indicators.scenario import ScenarioBook
from indicators.vocabulary import Vocabulary
from transport import collector, logging
from transport.backtest_follower import BacktestFollower
from transport.emergency_follower import EmergencyFollower
from transport.metrics import Metrics
from transport.registry import Registry
from transport.settings import Settings

log = structlog.get_logger(__name__)

GRACE_SECONDS = 5
STOP_SECONDS = 30.0


def now_ms() -> int:
    """The present, epoch ms."""
    return time.time_ns() // 1_000_000


def board(settings: BoardSettings) -> Board:
    """The parts of a board. Raises DataFileError, FormulaError or RuleError for a wrong catalogue, ValueError for a wrong key
    or wrong settings of a provider."""
    formulas = FormulaBook.load(settings.home)
    vocabulary = whole(Vocabulary.load(settings.home))
    hub, scenarios = Hub(), ScenarioBook.load(settings.home)
    return Board(
        settings=settings,
        vocabulary=vocabulary,
        formulas=formulas,
        rules=RuleBook.load(settings.home),
        scenarios=scenarios,
        calendar=WorkingCalendar.load(settings.home),
        database=Database(settings),
        journal=KafkaJournal(settings, lambda: Registry(settings)),
        hub=hub,
        accounts=AccountBook(settings.accounts_path),
        sessions=Sessions(key(settings.board_secret.get_secret_value(), settings.secret_path), settings.board_session_hours),
        clock=now_ms,
        grants=Grants(settings.board_oidc_mapping, vocabulary),
        provider=Provider(settings, now_ms) if settings.board_oidc_issuer else None,
        ordered=EmergencyFollower(settings, vocabulary=vocabulary, changed=lambda one: _told(hub, scenarios, one)),
        backtests=BacktestFollower(settings, lambda rule: hub.publish([backtest_moved(rule, now_ms())])),
        follower=Follower(settings, hub, lambda: Registry(settings)) if settings.board_live else None,
    )


def _told(hub: Hub, scenarios: ScenarioBook, one: Emergency) -> None:
    """Every open page whose reader sees the emergency hears of its step."""
    scenario = scenarios.get(one.scenario)
    if scenario is not None:
        hub.publish(steps_of(one, scenario.name_vi, scenario.name_en))


def whole(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with every part that pages name read now: a wrong file ends the start, not the first page. Raises DataFileError."""
    for part in (vocabulary.indicators(), vocabulary.agencies(), vocabulary.subjects(), dots(vocabulary)):
        log.debug("board.vocabulary", entries=len(tuple(part)))
    vocabulary.measure_unit("VND")
    return vocabulary


class Server:
    """uvicorn with its socket bound before it starts, so that a taken port is an error at once and port 0 is known."""

    def __init__(self, made: Board) -> None:
        self.board = made
        self._socket = socket.create_server((made.settings.board_host, made.settings.board_port), backlog=256, reuse_port=False)
        # Accepted connections inherit it. asyncio sets it on sockets of protocol TCP alone, and these have the default, 0: the second
        # part of every answer on a kept connection waited 40 ms for the reader's delayed acknowledgement of the first.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            application(made),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=30,
            limit_concurrency=1000,
            h11_max_incomplete_event_size=32 * 1024,
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT (in the main thread) or `stop`."""
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def stop(self) -> None:
        """End; from any thread."""
        self._server.should_exit = True


@contextmanager
def serving(made: Board) -> Iterator[Server]:
    """A board as its process serves it, in a thread that ends with the context; raises TimeoutError where it does not end in time."""
    server = Server(made)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(STOP_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f"bảng điều hành chưa dừng sau {STOP_SECONDS:g} giây / the board did not stop in time")


def main(settings: Settings) -> int:
    """Run the board until SIGTERM or SIGINT; return the exit code. Errors meant for people are logged, Vietnamese first."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn ends on them and raises them again afterwards: the end is clean
    logging.setup("board", settings.log_level)
    own = BoardSettings.load(**settings.model_dump())
    try:
        server = Server(board(own))
        collector.spare()
        with Metrics("board", own, own.board_metrics_port):
            log.info("board.listening", address=f"http://{own.board_host}:{server.port}/")
            server.run()
    except (DataFileError, FormulaError, RuleError, ValueError, OSError) as error:
        log.error("board.stopped", why=str(error), kind=type(error).__name__)
        return 1
    log.info("board.stopped_cleanly")
    return 0


if __name__ == "__main__":
    sys.exit(main(BoardSettings.load()))
