"""`nhip run <process>`: one process of ours in the foreground, against the addresses of the settings."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.processes import PROCESSES
from ops.stack.control import StackError
from transport.settings import Settings


def run(process: Annotated[str, typer.Argument(help=" | ".join(PROCESSES))]) -> None:
    """Chạy một tiến trình ở tiền cảnh / run one process in the foreground."""
    found = PROCESSES.get(process)
    if found is None:
        raise StackError(f"Không có tiến trình «{process}» / no such process; có / there are: {', '.join(PROCESSES)}")
    raise typer.Exit(found.main()(Settings.load()))
