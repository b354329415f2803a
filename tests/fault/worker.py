"""A worker for the fault tests: two groups, a short session; `NHIP_CONTROL` leaves out one of the rules under test.

- `plain`: rows are written without transactions.
- `rereads`: each life begins under a group of its own, so it is given every input from the start, as if the group's offsets were lost.
  No rule is left out: the position row alone must keep what is folded from being folded again.
- `unawaited`: a transaction is committed without waiting for what became of its rows.
- `through`: as `rereads`, and the position row is ignored, and with it the record memory that would know the records again.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Final

import numpy as np

from stream_processors import worker as workers
from stream_processors.context import GROUP
from stream_processors.main import main
from stream_processors.stage1 import Stage1
from stream_processors.worker import WriterFactory
from transport.settings import Settings
from transport.transactions import PlainWriter, Rows, Transaction

GROUPS = ("finance_budget", "emergency")
SESSION_SECONDS = 6.0
PLAIN: Final = "plain"
UNAWAITED: Final = "unawaited"
REREADS: Final = "rereads"
THROUGH: Final = "through"


class Forgetful(Stage1):
    """Stage 1 that restores its figures and does not know what went into them."""

    def restore(self) -> int:
        """Panes and aggregates, no position."""
        super().restore()
        self.memory.forget(np.arange(len(self.memory)))
        return 0


class Unawaited(Transaction):
    """A transaction that hands its rows over and asks no more."""

    async def _send(self, rows: Rows, sent: list[asyncio.Future[Any]]) -> None:
        await super()._send(rows, [])


def run() -> int:
    """Run until told to stop."""
    settings, control = Settings.load(), os.environ.get("NHIP_CONTROL", "")
    writer: WriterFactory | None = None
    if control == PLAIN:
        writer = lambda name, group: PlainWriter(settings, name, group)  # noqa: E731
    if control == UNAWAITED:
        writer = lambda name, group: Unawaited(settings, name, group)  # noqa: E731
    if control in (REREADS, THROUGH):
        vars(workers)["GROUP"] = f"{GROUP}-{os.getpid()}"
    if control == THROUGH:
        workers.STAGES["obs"] = Forgetful
    groups = os.environ.get("NHIP_FAULT_GROUPS", ",".join(GROUPS)).split(",")
    return main(settings, groups, SESSION_SECONDS, writer)


if __name__ == "__main__":
    sys.exit(run())
