"""`nhip up`: start the local stack, or find it running and change nothing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from ops.stack import artifacts
from ops.stack.control import running
from ops.stack.control import up as start
from ops.stack.progress import BarMeter, LineMeter
from transport.settings import Settings

console = Console(highlight=False, markup=False, soft_wrap=True)


def up(
    servers_only: Annotated[bool, typer.Option("--servers-only", help="Chỉ Kafka, lược đồ, ClickHouse / only the servers")] = False,
) -> None:
    """Khởi động toàn bộ hệ thống trên máy này / start the whole system on this machine."""
    settings = Settings.load()
    if running(settings.data_dir) is None:
        download(settings)
    state = start(settings, console.print, servers_only)
    console.print(f"Hệ thống sẵn sàng / ready. Địa chỉ / addresses: {settings.data_dir / 'stack.env'}")
    for row in state.rows:
        if row.address:
            console.print(f"  {row.name:<10} {row.address}")


def download(settings: Settings) -> None:
    """Fetch what is missing while a person watches; the supervisor then finds everything."""
    cache = artifacts.cache_dir(settings.data_dir)
    for part, title in (("kafka", "Apache Kafka"), ("apicurio", "Apicurio Registry")):
        meter = BarMeter(title, console) if console.is_terminal else LineMeter(title, console.print)
        artifacts.install(part, cache, meter)
