"""chDB as one engine of this process: opening it safely, connections to it, and running a statement on one of them.

Measured with chDB 4.4 (ClickHouse 26.9): a second connection to an open engine costs 0.3 ms, connections run at once from threads (the
engine releases Python's lock) and settings, current database and temporary tables belong to the connection. So each request gets a fresh
connection, and nothing of one request can leak into the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote

import chdb

from ops.clickhouse.errors import ServerError, from_engine
from ops.clickhouse.limits import MIB, Limits

_CHDB: Any = chdb  # without types of its own; whether mypy sees that depends on how it was installed
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NOT_STREAMED: Final = "Streaming query is not supported"


_SERVER_LIKE: Final[dict[str, str]] = {
    "implicit_select": "0",
    "allow_introspection_functions": "0",
    "input_format_parallel_parsing": "0",
    "storage_file_read_method": "pread",
    "max_threads_min_free_memory_per_thread": str(64 * MIB),
}
"""chDB is by default laxer than a server: a mistyped verb would be an expression, and functions could read the process's memory map. Pieces
of one body parsed side by side take twice the memory; bodies of several clients are parsed side by side anyway. A body mapped into memory
would count as the process's, all of it. And since 26.9 the engine reads with as many threads only as a GiB of its free memory each allows,
a guess for large servers: under this endpoint's bound that is one, and what reads much takes twice as long."""


def _pairs(settings: Mapping[str, object]) -> str:
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in settings.items())


def text_literal(value: str) -> str:
    """`value` as a string literal of the engine."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def name_literal(name: str) -> str:
    """`name` as a quoted identifier."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


@dataclass(slots=True)
class Work:
    """What a statement read and wrote, rows and bytes, as far as the engine tells."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0


class NotStreamed(Exception):
    """The engine cannot give this statement's rows block by block."""


class Link:
    """One connection to the engine. Not for two threads at once. Every method raises `ServerError` with the engine's code."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def close(self) -> None:
        self._connection.close()

    def set(self, settings: Mapping[str, str]) -> None:
        """Sets `settings`, given as SQL literals (`DEFAULT` among them), in one statement."""
        if settings:
            self.run("SET " + ", ".join(f"{name} = {value}" for name, value in settings.items()), "Null", {})

    def use(self, database: str) -> None:
        self.run(f"USE {name_literal(database)}", "Null", {})

    def run(self, sql: str, fmt: str, params: Mapping[str, str]) -> tuple[bytes, Work]:
        """The whole result in `fmt`, in memory."""
        try:
            result = self._connection.query(sql, fmt, params=dict(params) if params else None)
        # chDB raises RuntimeError, its own error over it, and ValueError for parameters; all of them carry the engine's text.
        except (RuntimeError, ValueError) as problem:
            raise from_engine(problem) from None
        data: bytes = result.bytes() or b""
        work = Work(
            read_rows=max(result.storage_rows_read(), 0),
            read_bytes=max(result.storage_bytes_read(), 0),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read(),
            result_bytes=len(data),
        )
        return data, work

    def stream(self, sql: str, fmt: str, params: Mapping[str, str], work: Work) -> Iterator[bytes]:
        """One document in `fmt` per block, counted into `work`. Raises `NotStreamed` at the first step for statements without blocks."""
        try:
            result = self._connection.send_query(sql, fmt, params=dict(params) if params else None)
        except (RuntimeError, ValueError) as problem:
            if _NOT_STREAMED in str(problem):
                raise NotStreamed from None
            raise from_engine(problem) from None
        try:
            while (block := _next_block(result)) is not None:
                data: bytes = block.bytes() or b""
                work.result_rows += block.rows_read()
                work.result_bytes += len(data)
                work.read_rows += max(block.storage_rows_read(), 0)
                work.read_bytes += max(block.storage_bytes_read(), 0)
                yield data
        finally:
            # Left before its end (the client has gone): the engine stops the query. At its end this does nothing.
            result.close()

    def insert(self, target: str, settings: str, fmt: str, rows: IO[bytes]) -> Work:
        """Inserts all of the file `rows`, data in `fmt`. `target`: INSERT INTO with table and columns; `settings`: a SETTINGS clause or ''.

        Read as a file and not fed piece by piece: chDB's `send_insert` tells success where a constraint is violated or a view behind
        the table fails; this way tells every failure of the pipeline. The file is named by its descriptor, so its name in the file
        system, if it has one, is neither parsed nor shown.
        """
        if not _PLAIN_NAME.match(fmt):
            raise ServerError(73, "UNKNOWN_FORMAT", f"Unknown format {fmt!r}: it is not the name of a format.")
        rows.flush()
        sql = f"{target} FROM INFILE '/dev/fd/{rows.fileno()}' COMPRESSION 'none' {settings} FORMAT {fmt}"
        _, work = self.run(sql, "Null", {})
        return Work(work.written_rows, work.written_bytes, work.written_rows, work.written_bytes)


def _next_block(result: Any) -> Any:
    try:
        return result.fetch()
    except (RuntimeError, ValueError) as problem:
        raise from_engine(problem) from None


class Engine:
    """The engine over one data directory; exactly one may be open in a process, and one process may have the directory open."""

    def __init__(self, data_dir: Path, database: str, limits: Limits) -> None:
        """Opens `data_dir`, creates `database` in it. Raises `ServerError` if another process has it open or it cannot be written."""
        if not _PLAIN_NAME.match(database) or database in ("default", "system"):
            raise ServerError(36, "BAD_ARGUMENTS", f"The database {database!r} must be a plain name of its own: letters, digits and _.")
        data_dir.mkdir(parents=True, exist_ok=True)
        self._limits = limits
        server = {
            "max_server_memory_usage": limits.memory_bytes,
            "mark_cache_size": min(128 * MIB, limits.memory_bytes // 8),
            "index_mark_cache_size": min(32 * MIB, limits.memory_bytes // 16),
            "mmap_cache_size": 100,
        }
        path = str(data_dir.resolve())
        if "?" in path or "&" in path:
            raise ServerError(36, "BAD_ARGUMENTS", f"The data directory {path} has ? or & in its name: rename it.")
        self._path = f"{path}?{_pairs(server)}"
        self._keeper = self._open({})
        self._keeper.run(f"CREATE DATABASE IF NOT EXISTS {name_literal(database)} ENGINE = Atomic", "Null", {})
        row, _ = self._keeper.run("SELECT version(), timezone()", "TabSeparated", {})
        self.version, self.timezone = row.decode().rstrip("\n").split("\t")
        self.database = database

    def _open(self, settings: Mapping[str, str]) -> Link:
        try:
            return Link(_CHDB.connect(f"{self._path}&{_pairs({**settings, **_SERVER_LIKE})}"))
        except RuntimeError as problem:
            raise from_engine(problem) from None

    def link(self, database: str = "", comment: str = "", *, reads_only: bool = False) -> Link:
        """A fresh connection; the caller closes it. Raises code 81 if there is no such database.

        What every request sets rides in the connection string, which the engine reads without a statement of its own.
        """
        settings = {"database": database or self.database, "max_memory_usage": str(self._limits.query_memory_bytes), "log_comment": comment}
        return self._open(settings | ({"readonly": "2"} if reads_only else {}))

    def names(self, table: str) -> list[str]:
        """The names in a catalogue of the engine: `table_functions`, `table_engines`, `database_engines`."""
        rows, _ = self._keeper.run(f"SELECT name FROM system.{table}", "TabSeparated", {})
        return rows.decode().split()

    def kill(self, query_id: str) -> int:
        """Stops the running statements whose log_comment begins with `query_id`; how many there were. From any thread."""
        link = self.link("system")
        try:
            sql = f"KILL QUERY WHERE startsWith(Settings['log_comment'], {text_literal(query_id + ' ')}) ASYNC"
            rows, _ = link.run(sql, "TabSeparated", {})
            return rows.count(b"\n")
        finally:
            link.close()

    def close(self) -> None:
        """Closes the engine: parts being written are finished. Links must be closed before."""
        self._keeper.close()
