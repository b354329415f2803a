"""Our own processes as parts, and the environment they get."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

from pydantic import SecretStr

from ops.processes import Process
from ops.stack import health
from ops.stack.part import Part
from ops.stack.ports import LOOPBACK
from transport.settings import Settings

PREFIX = "NHIP_"


def own(process: Process, settings: Settings, port: int) -> Part:
    """The process (`ops.run`) as a part, its /metrics and /health at 127.0.0.1:`port`; `settings` hold the stack's addresses."""
    base = f"http://{LOOPBACK}:{port}"
    return Part(
        name=process.name,
        title=process.title,
        argv=(sys.executable, "-m", "ops.run", process.name),
        address=f"http://{LOOPBACK}:{getattr(settings, process.serves)}" if process.serves else f"{LOOPBACK}:{port}",
        check=health.http(f"{base}/health"),
        cwd=settings.home,
        env=environment(settings, {process.port: str(port), "metrics_host": LOOPBACK, "board_host": LOOPBACK}),
        after=process.needs,
        start_timeout=90.0,
        stop_timeout=20.0,
        memory_mb=process.memory_mb,
        metrics_url=f"{base}/metrics",
        advice=f"Xem `nhip logs {process.name}`; sửa nguyên nhân rồi chạy `nhip up` / see the log, repair the cause, run `nhip up` again.",
    )


def environment(settings: Settings, addresses: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with every setting as a variable, `addresses` over it: a child sees exactly these settings."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    variables |= {variable(name): text(getattr(settings, name)) for name in type(settings).model_fields}
    return variables | {variable(name): value for name, value in addresses.items()}


def variable(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    return f"{PREFIX}{field.upper()}"


def text(value: object) -> str:
    """A setting as the text of its variable; a mapping or a set as JSON."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, frozenset):
        return json.dumps(sorted(value), ensure_ascii=False)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
