"""`nhip schema ddl --cluster NAME`: the tables for a replicated, sharded ClickHouse, from the same migrations."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.stack.control import StackError
from transport.settings import Settings

app = typer.Typer(help="Bảng ClickHouse cho cụm nhiều máy / ClickHouse's tables on a cluster.", no_args_is_help=True, add_completion=False)


@app.callback()
def schema() -> None:
    """Bảng ClickHouse cho cụm nhiều máy / ClickHouse's tables on a cluster."""


@app.command()
def ddl(
    cluster: Annotated[str, typer.Option(help="tên cụm trong cấu hình ClickHouse / the cluster's name in ClickHouse's configuration")],
    database: Annotated[str, typer.Option(help="cơ sở dữ liệu; để trống: của cài đặt / database; empty: the installation's")] = "",
) -> None:
    """In câu lệnh tạo bảng Replicated và Distributed / print the statements; nothing is run."""
    from sinks.cluster_ddl import ClusterError
    from sinks.cluster_ddl import ddl as made

    try:
        for statement in made(cluster, database or Settings.load().clickhouse_database):
            print(f"{statement};\n")
    except ClusterError as error:
        raise StackError(str(error)) from error
