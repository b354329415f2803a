"""The `nhip` command. Its sub-commands lie in `ops/commands`, one module each, and are loaded when they are called.

A module offers either `app`, a `typer.Typer`, or a function of its own name. `nhip up` must not wait for what `nhip catalogue` imports.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys

import structlog
import typer
from typer.core import TyperCommand, TyperGroup

from ops.stack.control import StackError
from ops.stack.part import PartError

COMMANDS: dict[str, str] = {
    "up": "ops.commands.up",
    "down": "ops.commands.down",
    "status": "ops.commands.status",
    "logs": "ops.commands.logs",
    "reset": "ops.commands.reset",
    "run": "ops.commands.run",
    "provision": "ops.commands.provision",
    "topics": "ops.commands.topics",
    "schemas": "ops.commands.schemas",
    "catalogue": "ops.commands.catalogue",
    "query": "ops.commands.query",
    "explain": "ops.commands.explain",
    "alerts": "ops.commands.alerts",
    "rules": "ops.commands.rules",
    "emergency": "ops.commands.emergency",
    "board": "ops.commands.board",
    "lag": "ops.commands.lag",
    "doctor": "ops.commands.doctor",
    "dlq": "ops.commands.dlq",
    "replay": "ops.commands.replay",
    "reconcile": "ops.commands.reconcile",
    "retention": "ops.commands.retention",
    "schema": "ops.commands.schema",
    "backup": "ops.commands.backup",
    "restore": "ops.commands.restore",
    "demo": "ops.commands.demo",
}
"""Name → module, in the order of the help. A module that is not installed is not offered."""


class Commands(TyperGroup):
    """The sub-commands of the table, imported on demand."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Names of the commands that are installed."""
        return [name for name, module in COMMANDS.items() if importlib.util.find_spec(module)]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        """The command of that name; None where there is none."""
        module = COMMANDS.get(cmd_name)
        if module is None or importlib.util.find_spec(module) is None:
            return None
        return load(cmd_name, module)


def load(name: str, module: str) -> TyperCommand | TyperGroup:
    """The command that a module offers, under its name in the table."""
    loaded = importlib.import_module(module)
    app = getattr(loaded, "app", None)
    if not isinstance(app, typer.Typer):
        app = typer.Typer()
        app.command()(getattr(loaded, name))
    command = typer.main.get_command(app)
    command.name = name
    return command  # type: ignore[return-value]


cli = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False)


@cli.callback()
def root() -> None:
    """Nhịp: chỉ số chỉ đạo, điều hành theo thời gian thực / real-time steering indicators."""
    # What a person typed answers in words; of the log only warnings, beside them. `nhip run` sets its own log up, as JSON.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING), logger_factory=lambda *_: structlog.PrintLogger(sys.stderr)
    )


def main() -> None:
    """Run the command line. An error meant for people is printed without its traceback; exit code 1."""
    try:
        cli()
    except (StackError, PartError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
