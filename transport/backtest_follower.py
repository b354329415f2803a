"""What is ordered of backtests in a process that runs: a thread follows `ops.backtests`, others ask its book."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import KafkaException

from transport.backtest_orders import TOPIC, BacktestBook
from transport.job_follower import RowFollower
from transport.settings import Settings

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 5.0


class BacktestFollower:
    """`book` is written by the thread alone; readers see it whole or a row older. `whole`: has its end been reached once? `changed` is told
    of the rule of every order that moved since, from the thread."""

    def __init__(self, settings: Settings, changed: Callable[[str], None] | None = None) -> None:
        self._settings, self._changed = settings, changed
        self.book, self.whole = BacktestBook(), False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backtests", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following; waits for the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10 * LOOK_SECONDS)

    def _run(self) -> None:
        said = False
        while not self._stop.is_set():
            try:
                self._follow()
            except KafkaException as error:
                if self.whole or not said:
                    log.warning("orders of backtests cannot be read; run `nhip topics apply`", kind=type(error).__name__, topic=TOPIC)
                self.whole, said = False, True
                self._stop.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        """From the start of the topic; rows taken twice change nothing."""
        reader = RowFollower(self._settings, self._settings.topic_prefix + TOPIC, "backtests", self._take)
        try:
            while not self._stop.is_set():
                reader.look(LOOK_SECONDS)
                self.whole = self.whole or reader.whole
        finally:
            reader.close()

    def _take(self, key: bytes | None, body: bytes | None, appended: int) -> None:
        self.book.take(key, body, appended)
        order = self.book.orders.get((key or b"").decode(errors="replace").partition("|")[2])
        if self.whole and order is not None and self._changed is not None:
            self._changed(order.rule)
