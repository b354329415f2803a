"""A kill of the alerts process while its messages are on their way to a receiver that takes its time and honours keys.

    NHIP_CONTROL=no-ledger python -m tests.fault.telling      the process, its deliverers without the ledger

Without the ledger nothing says, after the kill, that a message was intended: its request is behind the committed offset.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from aiohttp import web

from alerts import main as process
from alerts.codec import EVENTS, REQUESTS
from alerts.condition import Condition
from alerts.delivery import DeliveryLoop
from alerts.lane import Commit
from alerts.notification import Notification
from alerts.writer import Writer
from tests.alerts.broker import Bench, until
from tests.alerts.samples import RIVER, alert_id
from tests.alerts.test_channels import receiver
from tests.fault.processes import environment
from transport.settings import HOME, Settings
from transport.topics import table

NO_LEDGER: Final = "no-ledger"
ALERTS: Final = 8
ANSWER_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 8.0
"""Longer than a new owner needs to find what was in doubt and send it."""


class Ledgerless(DeliveryLoop):
    """Deliverers that remember nothing: requests and offsets as always, no row in the ledger."""

    def _committer(self, partition: int, writer: Writer) -> Commit:
        whole = super()._committer(partition, writer)

        def commit(ledger: Sequence[Notification], results: Sequence[Notification], next_offset: int | None) -> None:
            whole((), results, next_offset)

        return commit


class Told:
    """What the receiver has: calls begun, and the keys it answered for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begun, self.answered, self.last = 0, set[str](), time.monotonic()

    async def answer(self, request: web.Request, _body: bytes) -> web.Response:
        """Takes its time, then says yes; a caller that is gone by then was not answered."""
        with self._lock:
            self.begun, self.last = self.begun + 1, time.monotonic()
        await asyncio.sleep(ANSWER_SECONDS)
        with self._lock:
            if request.transport is not None and not request.transport.is_closing():
                self.answered.add(request.headers["idempotency-key"])
        return web.Response(status=202)


def killed_while_telling(settings: Settings, control: str) -> int:
    """How many messages of the run were asked for and never answered by the receiver. `settings`: names of its own on running servers."""
    bench, told = Bench(settings), Told()
    try:
        with receiver(told.answer) as url:
            env = environment(settings) | {"NHIP_WEBHOOK_URL": url, "NHIP_CONTROL": control}
            log = settings.data_dir / "telling.log"
            child = _start(env, log)
            try:
                bench.write(_opened())
                until(lambda: len(bench.messages(EVENTS)) == ALERTS and told.begun > 0, 60, "messages on their way")
                child.kill()
                child.wait(10)
                child = _start(env, log)
                until(lambda: log.read_text("utf-8").count('"delivers"') > 2 * _lanes(bench) - 1, 60, "the successor's lanes open")
                told.last = time.monotonic()
                until(lambda: time.monotonic() - told.last > QUIET_SECONDS, 60, "the receiver left in peace")
            finally:
                child.kill()
                child.wait(10)
        wanted = {n["notification_key"] for n in bench.notifications(REQUESTS) if n["channel"] == "webhook"}
        if not wanted:
            raise RuntimeError("no message was asked for: the control shows nothing")
        return len(wanted - told.answered)
    finally:
        bench.close()


def _opened() -> list[Condition]:
    """Alerts that are told at once, each on a series of its own."""
    now = time.time_ns() // 1_000_000
    return [
        replace(RIVER, alert_id=alert_id(f"telling-{n}"), source_partition=n % 12, series=f"{RIVER.series}-{n}", caused_at=now, severity=4)
        for n in range(ALERTS)
    ]


def _lanes(bench: Bench) -> int:
    prefix = bench.settings.topic_prefix
    return table(prefix)[prefix + REQUESTS].partitions


def _start(env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen([sys.executable, "-m", "tests.fault.telling"], env=env, stdout=out, stderr=out, cwd=HOME)


if __name__ == "__main__":
    if os.environ.get("NHIP_CONTROL") == NO_LEDGER:
        vars(process)["DeliveryLoop"] = Ledgerless
    sys.exit(process.main(Settings.load()))
