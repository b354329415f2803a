"""History for a backtest, from ClickHouse, as the read-only user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from sinks import clickhouse
from transport.settings import Settings


class ClickHouseHistory:
    """A context: rows of a question as mappings, in blocks. Raises clickhouse.Unavailable, clickhouse.NotReady."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._open = settings, ExitStack()
        self._client: Any = None

    def __enter__(self) -> Self:
        self._client = self._open.enter_context(clickhouse.connected(self._settings, reader=True))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.__exit__(kind, error, trace)

    def rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Rows by the names of their columns, in the order of the question."""
        with self._client.query_row_block_stream(sql, parameters=dict(values)) as stream:
            names = stream.source.column_names
            for block in stream:
                for row in block:
                    yield dict(zip(names, row, strict=True))
