"""A worker for the fault tests: two groups, a short session; `NHIP_CONTROL=plain` writes without transactions (the negative control)."""

from __future__ import annotations

import os
import sys

from stream_processors.main import main
from stream_processors.worker import WriterFactory
from transport.settings import Settings
from transport.transactions import PlainWriter

GROUPS = ("finance_budget", "emergency")
SESSION_SECONDS = 6.0


def run() -> int:
    """Run until told to stop."""
    settings = Settings.load()
    writer: WriterFactory | None = None
    if os.environ.get("NHIP_CONTROL") == "plain":
        writer = lambda name, group: PlainWriter(settings, name, group)  # noqa: E731
    return main(settings, GROUPS, SESSION_SECONDS, writer)


if __name__ == "__main__":
    sys.exit(run())
