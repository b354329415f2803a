"""Questions of the board to ClickHouse: named SQL files over the `board_…` views, asynchronous, bounded in time, with the reader's access.

A file of `queries/` names its views with `@access` in the parentheses; what that stands for is written here and nowhere else, so no
question can leave the reader's territory, depth or clearance out. Values are bound by the server.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import clickhouse_connect
import structlog
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from dashboards.access import Access
from transport.question_settings import AT_ONCE
from transport.settings import Settings

log = structlog.get_logger(__name__)

FOLDER: Final = Path(__file__).resolve().parent / "queries"
CONNECT_SECONDS: Final = 3
ANSWER_SECONDS: Final = 10
FRESH_SECONDS: Final = 1.0
MOST_KEPT: Final = 512
MOST_AT_ONCE: Final = 8
_BINDINGS: Final = {"territories": "Array(String)", "depth": "Int32", "clearance": "Int32"}
_TAKES: Final[dict[str, tuple[str, ...]]] = {
    "board_values": ("territories", "depth", "clearance"),
    "board_known_territory_values": ("territories", "clearance"),
    "board_panes": ("territories", "depth", "clearance"),
    "board_totals": ("territories", "clearance"),
    "board_series": ("territories", "depth", "clearance"),
    "board_results": ("territories", "depth", "clearance"),
    "board_known_results": ("territories", "depth", "clearance"),
    "board_known_totals": ("territories", "clearance"),
    "board_records": ("territories", "depth", "clearance"),
    "board_alerts": ("territories", "clearance"),
    "board_alert_events": ("territories", "clearance"),
    "board_told": ("territories", "clearance"),
    "board_territory_values": ("territories", "clearance"),
    "board_tasks": ("territories", "clearance"),
    "board_supply": ("territories", "clearance"),
    "board_quality": ("territories", "clearance"),
    "board_refused": ("territories", "depth"),
    "board_operations": ("territories", "depth"),
    "board_backtests": ("territories", "clearance"),
    "board_assigned_tasks": ("territories", "clearance"),
    "board_obstacles": ("territories", "depth", "clearance"),
    "board_requests": ("territories", "clearance"),
    "board_withheld": ("clearance",),
    "board_emergency_steps": ("territories",),
}
"""View → the parts of a reader's access it takes."""
_VIEW: Final = re.compile(r"(board_\w+)\(@access")

Row = dict[str, Any]


class DatabaseError(RuntimeError):
    """ClickHouse does not answer or refuses; the message is for people, Vietnamese first, and holds no statement and no value."""


@dataclass(frozen=True, slots=True)
class _Kept:
    at: float
    rows: list[Row]


@cache
def query(name: str) -> str:
    """The SQL of a question with the access of its views written out."""
    text = (FOLDER / f"{name}.sql").read_text("utf-8")
    # The driver takes a text that begins with a comment for a command without rows.
    sql = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return _VIEW.sub(lambda found: f"{found[1]}({_arguments(found[1])}", sql)


def _arguments(view: str) -> str:
    return ", ".join(f"{name} = {{{name}:{_BINDINGS[name]}}}" for name in _TAKES[view])


class Database:
    """One client for all readers. Equal questions at once or within a second are asked once: many screens show one page."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._client: AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._kept: dict[tuple[object, ...], _Kept] = {}
        self._asking: dict[tuple[object, ...], asyncio.Task[list[Row]]] = {}

    async def ask(self, name: str, access: Access, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a question for a reader. Raises DatabaseError."""
        given = dict(values or {})
        key = (name, access, tuple(sorted((k, str(v)) for k, v in given.items())))
        kept = self._kept.get(key)
        if kept is not None and self._clock() - kept.at < FRESH_SECONDS:
            return kept.rows
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._query(name, given | access.parameters()))
            asking.add_done_callback(lambda done: self._asked(key, done))
        rows = await asyncio.shield(asking)  # a reader who leaves does not take the answer from the others
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = _Kept(self._clock(), rows)
        return rows

    def _asked(self, key: tuple[object, ...], done: asyncio.Task[list[Row]]) -> None:
        del self._asking[key]
        if not done.cancelled():
            done.exception()  # told to those who wait; nobody may be left

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _query(self, name: str, parameters: dict[str, Any]) -> list[Row]:
        started = self._clock()
        try:
            async with asyncio.timeout(ANSWER_SECONDS + CONNECT_SECONDS), self._slots:
                client = await self._connected()
                found = await client.query(query(name), parameters=parameters, settings=AT_ONCE | {"max_execution_time": ANSWER_SECONDS})
        except (ClickHouseError, TimeoutError, OSError) as error:
            code = getattr(error, "code", None)
            log.warning("board.query_failed", query=name, kind=type(error).__name__, code=code)
            said = f"ClickHouse {code}" if code else type(error).__name__
            raise DatabaseError(f"Kho số liệu không trả lời ({said}): thử lại sau ít phút / the data store does not answer") from error
        log.debug("board.query", query=name, milliseconds=round((self._clock() - started) * 1000), rows=len(found.result_rows))
        return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]

    async def _connected(self) -> AsyncClient:
        async with self._opening:
            if self._client is None:
                s = self._settings
                self._client = await clickhouse_connect.get_async_client(
                    host=s.clickhouse_host,
                    port=s.clickhouse_port,
                    username=s.clickhouse_reader_user,
                    password=s.clickhouse_reader_password.get_secret_value(),
                    database=s.clickhouse_database,
                    secure=s.clickhouse_secure,
                    connect_timeout=CONNECT_SECONDS,
                    send_receive_timeout=ANSWER_SECONDS + 1,
                    autogenerate_session_id=False,
                    compress=False,
                )
            return self._client
