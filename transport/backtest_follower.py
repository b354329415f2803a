"""What is ordered of backtests in a process that runs: a thread follows `ops.backtests`, others ask its book."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import KafkaException

from transport.backtest_orders import TOPIC, BacktestBook
from transport.job_follower import FollowerThread, RowFollower
from transport.settings import Settings

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 5.0


class BacktestFollower(FollowerThread):
    """`book` is written by the thread alone; readers see it whole or a row older. `whole`: has its end been reached once? `changed` is told
    of the rule of every order that moved since, from the thread."""

    def __init__(self, settings: Settings, changed: Callable[[str], None] | None = None) -> None:
        super().__init__(settings, TOPIC, "backtests", RETRY_SECONDS)
        self._changed, self._said = changed, False
        self.book, self.whole = BacktestBook(), False

    def _failed(self, error: KafkaException) -> None:
        if self.whole or not self._said:
            log.warning("orders of backtests cannot be read; run `nhip topics apply`", kind=type(error).__name__, topic=TOPIC)
        self.whole, self._said = False, True

    def _looked(self, reader: RowFollower) -> None:
        self.whole = self.whole or reader.whole

    def _take(self, key: bytes | None, body: bytes | None, appended: int) -> None:
        self.book.take(key, body, appended)
        order = self.book.orders.get((key or b"").decode(errors="replace").partition("|")[2])
        if self.whole and order is not None and self._changed is not None:
            self._changed(order.rule)
