"""ClickHouse over its HTTP interface: connections, exact inserts of Arrow blocks, and what an error asks for.

An insert is exact under these settings only: no asynchronous buffering, deduplication by our token, and the token passed on to the tables
that materialized views fill. `check_ready` asserts them, and a deduplication window on every table involved, before the first insert.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from transport.settings import Settings

if TYPE_CHECKING:
    import polars as pl

INSERT_SETTINGS: Final[dict[str, str]] = {
    "async_insert": "0",
    "deduplicate_insert": "enable",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    # The years of one block are bounded by `sinks.refusals`; ClickHouse's own bound of 100 would refuse the whole block.
    "max_partitions_per_insert_block": "0",
    # Collapsing equal keys at insert costs three times the insert itself (measured: 12 µs a row instead of 3); merges do it later.
    "optimize_on_insert": "0",
    # A null in a column that has none is an error to be seen, not silently the column's default.
    "input_format_null_as_default": "0",
}
_TABLES: Final = """SELECT name, engine, engine_full, '' FROM system.tables
WHERE database = currentDatabase() AND engine NOT IN ('View', 'MaterializedView')
UNION ALL SELECT name, engine, '', create_table_query FROM system.tables
WHERE database = currentDatabase() AND engine = 'MaterializedView'"""
"""Plain views hold no rows, and writing out the questions of all of them takes the server longer than all the rest of a start."""
MINIMUM_WINDOW: Final = 1000
"""Fewest remembered blocks a table: at 20 inserts a second in all, more than a restart takes."""
CONNECT_SECONDS: Final = 5
INSERT_SECONDS: Final = 120

_ABSENT = {8: "THERE_IS_NO_COLUMN", 10: "NOT_FOUND_COLUMN_IN_BLOCK", 16: "NO_SUCH_COLUMN_IN_TABLE", 47: "UNKNOWN_IDENTIFIER",
           60: "UNKNOWN_TABLE", 81: "UNKNOWN_DATABASE", 115: "UNKNOWN_SETTING", 192: "UNKNOWN_USER", 193: "WRONG_PASSWORD",
           497: "ACCESS_DENIED", 516: "AUTHENTICATION_FAILED"}  # fmt: skip
_DATA = frozenset({6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 153, 321, 349, 395, 407, 469, 636})
"""Codes that speak of the rows: cannot parse, type mismatch, out of range, decimal overflow, null, a violated constraint, throwIf."""
_TARGET: Final = re.compile(r"\sTO\s+(?:`?\w+`?\.)?`?(\w+)`?", re.IGNORECASE)
_WINDOW: Final = re.compile(r"non_replicated_deduplication_window\s*=\s*(\d+)")


class Unavailable(RuntimeError):
    """ClickHouse does not answer; waiting may help."""


class NotReady(RuntimeError):
    """ClickHouse answers but tables, rights or settings are not as the sink needs them; waiting does not help."""


class Advice(Enum):
    """What to do about an error of an insert."""

    WAIT = "wait"
    STOP = "stop"
    REFUSE = "refuse"


def advice(error: ClickHouseError) -> Advice:
    """STOP for a missing table, column, user or right; REFUSE for codes that speak of the rows; WAIT for all others."""
    code = getattr(error, "code", None)
    if code in _ABSENT:
        return Advice.STOP
    return Advice.REFUSE if code in _DATA else Advice.WAIT


def reason(error: ClickHouseError) -> str:
    """Code and name of a server's error, or the kind of a transport error: never the row, the statement or the address."""
    code, name = getattr(error, "code", None), getattr(error, "name", None)
    return f"ClickHouse {code} {name or _ABSENT.get(code, '')}".strip() if code else type(error).__name__


@contextmanager
def connected(settings: Settings, *, reader: bool = False, database: str | None = None) -> Iterator[Client]:
    """A client of the installation's database, closed at the end. Raises Unavailable or NotReady where none can be had."""
    client = connect(settings, reader=reader, database=database)
    try:
        yield client
    finally:
        client.close()


def connect(settings: Settings, *, reader: bool = False, database: str | None = None) -> Client:
    """A client for one thread at a time, as the writing or the read-only user. Raises Unavailable or NotReady."""
    user, password = settings.clickhouse_user, settings.clickhouse_password
    if reader:
        user, password = settings.clickhouse_reader_user, settings.clickhouse_reader_password
    place = f"{settings.clickhouse_host}:{settings.clickhouse_port}"
    try:
        return clickhouse_connect.get_client(
            host=settings.clickhouse_host, port=settings.clickhouse_port, username=user, password=password.get_secret_value(),
            database=settings.clickhouse_database if database is None else database, secure=settings.clickhouse_secure,
            connect_timeout=CONNECT_SECONDS, send_receive_timeout=INSERT_SECONDS, autogenerate_session_id=False, compress=False,
        )  # fmt: skip
    except ClickHouseError as error:
        if advice(error) is Advice.STOP:
            raise NotReady(f"ClickHouse {place}, người dùng (user) {user}: {reason(error)}: chạy `nhip provision`, kiểm tra tài khoản; "
                           "run `nhip provision`, check the account") from error  # fmt: skip
        raise Unavailable(f"ClickHouse {place} không trả lời (does not answer): {reason(error)}") from error


def create_database(settings: Settings) -> None:
    """Create the installation's database where it is missing. Raises Unavailable or NotReady."""
    name = settings.clickhouse_database
    if not re.fullmatch(r"\w+", name):
        raise NotReady(f"tên cơ sở dữ liệu {name!r} chỉ được gồm chữ, số, gạch dưới; a database name has letters, digits and underscores")
    with connected(settings, database="__default__") as client:  # the account's own default: ours is not there yet
        client.command(f"CREATE DATABASE IF NOT EXISTS {name}")


def arrow(frame: pl.DataFrame) -> bytes:
    """The frame as one Arrow file, written by polars, its buffers in LZ4: a body of a tenth costs both sides less than the compressing."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="lz4")
    return buffer.getvalue()


def rows(client: Client, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a statement, its parameters bound by the server, as mappings by column. Raises ClickHouseError."""
    answer = client.query(sql, parameters=parameters)
    return [dict(zip(answer.column_names, row, strict=True)) for row in answer.result_rows]


def insert_lines(client: Client, table: str, lines: Sequence[Mapping[str, object]]) -> None:
    """Insert a few lines of a ledger, one at least, as one block; every line has the columns of the first. Raises ClickHouseError.

    Not by the client's own `insert`, which loads pandas to see whether it was given one of its frames: a processor second of every start.
    """
    written = "\n".join(json.dumps(line, ensure_ascii=False, default=_plain) for line in lines)
    settings = {"date_time_input_format": "best_effort"}  # an instant with its zone
    client.raw_insert(table, list(lines[0]), written, settings=settings, fmt="JSONEachRow")


def _plain(value: object) -> str:
    """What JSON has no form for, as ClickHouse reads it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__}: a ledger's line has none")


def insert(client: Client, table: str, frame: pl.DataFrame, token: str) -> None:
    """Insert the frame as one block under a token. Raises ClickHouseError; inserting again under the same token changes nothing."""
    settings = INSERT_SETTINGS | ({"insert_deduplication_token": token} if token else {})
    client.raw_insert(table, frame.columns, arrow(frame), settings=settings, fmt="Arrow")


def check_ready(client: Client, tables: Iterable[str]) -> None:
    """Raise NotReady unless every table exists, it and every view target behind it has a window, and the insert settings are in force."""
    _check_settings(client)
    rows = client.query(_TABLES).result_rows
    engines = {str(name): (str(engine), str(full)) for name, engine, full, _ in rows}
    missing = sorted(set(tables) - engines.keys())
    if missing:
        raise NotReady(f"thiếu bảng (missing tables): {', '.join(missing)}; chạy `nhip provision` (run it)")
    targets = {found[1] for _, engine, _, query in rows if engine == "MaterializedView" and (found := _TARGET.search(str(query)))}
    for name in sorted({*tables, *targets}):
        engine, full = engines.get(name, ("", ""))
        if not _has_window(engine, full):
            raise NotReady(f"bảng {name}: cần non_replicated_deduplication_window ≥ {MINIMUM_WINDOW}, "
                           "nếu không lần ghi lại sẽ bị tính hai lần; "
                           f"table {name} needs that window, or a repeated insert counts twice")  # fmt: skip


def _has_window(engine: str, full: str) -> bool:
    if engine.startswith(("Replicated", "Shared")):
        return True  # these keep 10,000 blocks by default
    window = _WINDOW.search(full)
    return window is not None and int(window[1]) >= MINIMUM_WINDOW


def _check_settings(client: Client) -> None:
    wanted = {name: INSERT_SETTINGS[name] for name in
              ("async_insert", "deduplicate_insert", "deduplicate_blocks_in_dependent_materialized_views")}  # fmt: skip
    names = ", ".join(f"'{name}'" for name in wanted)
    rows = client.query(f"SELECT name, value FROM system.settings WHERE name IN ({names})", settings=INSERT_SETTINGS).result_rows
    found = {str(name): str(value) for name, value in rows}
    for name, value in wanted.items():
        if found.get(name) != value:
            raise NotReady(f"thiết lập (setting) {name} = {found.get(name, '—')}, cần (needed) {value}: "
                           "ClickHouse 26.2 trở lên và quyền đổi thiết lập; "
                           "ClickHouse 26.2 or later and the right to set it")  # fmt: skip
