"""Daemon: `python -m ops.stack.daemon`, the supervisor of the local stack as a process of its own, started by `nhip up`.

Exit code: 0 after an orderly stop, 1 where the stack did not come up, 75 where another supervisor holds the data folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import structlog

from ops.stack.part import Part, Step
from ops.stack.plan import local, write_env
from ops.stack.supervisor import AlreadyRunning, supervise
from transport.logging import setup
from transport.settings import Settings

HELD = os.EX_TEMPFAIL
SERVERS_ONLY = "--servers-only"
DEMO = "--demo"

log = structlog.get_logger(__name__)


def main(arguments: list[str]) -> int:
    """Run the stack of `NHIP_DATA_DIR` until a signal."""
    settings = Settings.load()
    setup("supervisor", settings.log_level)

    def entries() -> Sequence[Part | Step]:
        plan = local(settings, servers_only=SERVERS_ONLY in arguments, demo=DEMO in arguments)
        write_env(plan)
        return plan.entries

    try:
        return supervise(settings.data_dir, entries)
    except AlreadyRunning as error:
        log.info("not started", reason=str(error))
        return HELD


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
