"""One request in a worker's thread: read the statement, check it, run it on a connection, give the result to the delivery."""

from __future__ import annotations

import itertools
import json
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final

from ops.clickhouse.blocks import unframed
from ops.clickhouse.compression import decoded
from ops.clickhouse.delivery import Delivery
from ops.clickhouse.engine import Engine, Link, NotStreamed, Work, name_literal, text_literal
from ops.clickhouse.errors import syntax
from ops.clickhouse.guard import OVERLAY, Guard, overlay
from ops.clickhouse.limits import Limits
from ops.clickhouse.request import Request
from ops.clickhouse.sessions import Session
from ops.clickhouse.statement import Shape, Statement, complete_insert, parse, parse_insert
from ops.clickhouse.stitch import Stitcher, stitcher
from ops.clickhouse.tokens import tokens

_HEAD_BYTES: Final = 1 << 18
_CHECKED_VALUES_BYTES: Final = 1 << 20
_KILL_BY_ID: Final = re.compile(rb"\bquery_id\s*=\s*'((?:[^'\\]|\\.)*)'", re.IGNORECASE)
_SETTING: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")


@dataclass(frozen=True, slots=True)
class Tools:
    """What every execution shares."""

    engine: Engine
    guard: Guard
    limits: Limits
    spool_dir: str


class Execution:
    """Runs one request. Its query id is the first word of `log_comment`: the engine gives its processes ids of its own."""

    def __init__(self, tools: Tools, request: Request, session: Session | None, *, reads_only: bool) -> None:
        self._tools = tools
        self._request = request
        self._session = session
        self._reads_only = reads_only
        self._started = time.monotonic_ns()
        self._changed: dict[str, str] = {}
        self.work = Work()
        self.reading = False
        """Whether the statement only reads, so that it may be stopped when its client has gone."""

    def run(self, pieces: Iterable[bytes], delivery: Delivery) -> None:
        """The whole request. Raises `ServerError`, or `Gone` when the client left."""
        statement, data = self._statement(self._decoded(pieces))
        self._tools.guard.check(statement, self._request.params, reads_only=self._reads_only)
        self._tools.guard.check_settings(self._request.settings)
        if self._request.database == OVERLAY:
            raise overlay()
        with self._connected(statement) as link:
            self._dispatch(link, statement, data, delivery)
        delivery.headers["X-ClickHouse-Summary"] = self._summary()
        delivery.end()

    def _decoded(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        plain = decoded(pieces, self._request.content_encoding)
        return unframed(plain) if self._request.native_blocks_in else plain

    def _statement(self, data: Iterator[bytes]) -> tuple[Statement, Iterator[bytes]]:
        """The statement, from the URL or the beginning of the body, and the rows behind it."""
        prefix = self._request.query.encode("utf-8", "surrogateescape") + b"\n" if self._request.query else b""
        head, complete = _collect(data, _HEAD_BYTES)
        source = prefix + head
        insert = complete_insert(source) if complete else parse_insert(source)
        if insert is not None and insert.data_at is not None:
            return insert, itertools.chain([source[insert.data_at :]], data)
        if not complete:
            rest, complete = _collect(data, self._tools.limits.statement_bytes)
            source += rest
        if not complete:
            longest = self._tools.limits.statement_bytes
            raise syntax(f"The statement is longer than {longest} bytes; send data in the body of an INSERT … FORMAT.")
        return parse(source), iter(())

    @contextmanager
    def _connected(self, statement: Statement) -> Iterator[Link]:
        """The session's connection if it has or now gets one, else a fresh one; with the request's settings set while it runs."""
        session, request = self._session, self._request
        kept = session.link if session is not None else None
        database = request.database or (session.database if session else "")
        # Tables that come with the request are filled before the connection becomes read-only.
        link = kept or self._tools.engine.link(database, self._comment(), reads_only=self._reads_only and not request.externals)
        if kept is None and session is not None and statement.shape is Shape.SESSION:
            session.link = kept = link
        try:
            self._external_tables(link)
            self._set(link, self._settings(statement, fresh=kept is None))
            if kept is not None:
                link.use(database or self._tools.engine.database)
            yield link
            if kept is not None and session is not None:
                self._remember(link, session, statement)
        finally:
            if kept is None:
                link.close()
            elif session is not None:
                self._restore(link, session)

    def _set(self, link: Link, settings: Mapping[str, str]) -> None:
        link.set(settings)
        self._changed.update(settings)

    def _comment(self) -> str:
        return f"{self._request.query_id} {self._request.settings.get('log_comment', '')}"

    def _settings(self, statement: Statement, *, fresh: bool) -> dict[str, str]:
        """The request's own settings as SQL literals; a fresh connection has the endpoint's already."""
        request = self._request
        own = {k: text_literal(v) for k, v in request.settings.items() if k != "log_comment"}
        if not fresh:
            own["log_comment"] = text_literal(self._comment())
        if statement.shape is Shape.INSERT_DATA:
            own |= {f"param_{k}": text_literal(v) for k, v in request.params.items()}
        if self._reads_only and request.externals:
            own["readonly"] = "2"
        return own

    def _external_tables(self, link: Link) -> None:
        for table in self._request.externals:
            self._tools.guard.check_columns(table.structure)
            link.run(f"CREATE TEMPORARY TABLE {name_literal(table.name)} ({table.structure})", "Null", {})
            with self._rows(link, table.format, iter([table.data])) as rows:
                link.insert(f"INSERT INTO {name_literal(table.name)}", "", table.format, rows)

    def _remember(self, link: Link, session: Session, statement: Statement) -> None:
        """What the statement itself changed belongs to the session."""
        if statement.verb == "set":
            session.assigned |= _assignments(statement)
        elif statement.verb == "use":
            row, _ = link.run("SELECT currentDatabase()", "TabSeparatedRaw", {})
            session.database = row.decode().removesuffix("\n")

    def _restore(self, link: Link, session: Session) -> None:
        """The session's own settings in place of the request's; what came with the request goes."""
        names = [n for n in self._changed if n != "readonly" and not n.startswith("param_")]
        base = {"max_memory_usage": str(self._tools.limits.query_memory_bytes)}
        link.set({n: session.assigned.get(n) or base.get(n, "DEFAULT") for n in names})
        for table in self._request.externals:
            link.run(f"DROP TEMPORARY TABLE IF EXISTS {name_literal(table.name)}", "Null", {})

    def _dispatch(self, link: Link, statement: Statement, data: Iterator[bytes], delivery: Delivery) -> None:
        sql = _text(statement.text)
        fmt = statement.format or self._request.default_format
        if statement.shape is Shape.INSERT_DATA:
            with self._rows(link, fmt, data) as rows:
                self.work = link.insert(sql, _text(statement.settings), fmt, rows)
            return
        if statement.shape is Shape.KILL:
            sql = _text(_KILL_BY_ID.sub(_by_tag, statement.text))
        self.reading = statement.shape in (Shape.SELECT, Shape.SHOW)
        joined = stitcher(fmt) if statement.shape is Shape.SELECT and self._can_join(statement) else None
        if joined is not None:
            delivery.headers["X-ClickHouse-Format"] = fmt
            try:
                self._stream(link, sql, fmt, joined, delivery)
            except NotStreamed:
                joined = None
        if joined is None:
            self._whole(link, sql, fmt, statement.shape, delivery)

    def _can_join(self, statement: Statement) -> bool:
        """Totals, extremes and arrays of rows belong to the whole result, not to a block."""
        settings = self._request.settings.keys() | (self._session.assigned.keys() if self._session else set())
        special = {"extremes", "output_format_json_array_of_rows"}
        return not (settings & special) and not any(t.word == "totals" or t.word in special for t in statement.words)

    def _stream(self, link: Link, sql: str, fmt: str, joined: Stitcher, delivery: Delivery) -> None:
        for document in link.stream(sql, fmt, self._request.params, self.work):
            delivery.write(joined.feed(document))
        if joined.has_head and not self.work.result_rows:
            # No block, no head: the engine gives the head of an empty result only with a whole one.
            data, _ = link.run(f"SELECT * FROM ({sql}) LIMIT 0", fmt, self._request.params)
            delivery.write(data)
            return
        delivery.write(joined.end())

    def _whole(self, link: Link, sql: str, fmt: str, shape: Shape, delivery: Delivery) -> None:
        if shape is Shape.SELECT and "max_result_bytes" not in self._request.settings:
            self._set(link, {"max_result_bytes": str(self._tools.limits.result_bytes)})
        data, self.work = link.run(sql, fmt, self._request.params)
        if data or shape in (Shape.SELECT, Shape.SHOW):
            delivery.headers["X-ClickHouse-Format"] = fmt
        delivery.write(data)

    def _rows(self, link: Link, fmt: str, data: Iterator[bytes]) -> IO[bytes]:
        """The rows in a file without a name on the data directory's disk: all are there, decoded, before the engine sees the first."""
        file = tempfile.TemporaryFile(dir=self._tools.spool_dir)  # noqa: SIM115 - closed by the caller, or here where the data is at fault
        try:
            file.writelines(self._values(link, fmt, data))
        except BaseException:
            file.close()
            raise
        return file

    def _values(self, link: Link, fmt: str, data: Iterator[bytes]) -> Iterator[bytes]:
        """Rows of VALUES may be expressions: they are checked like a statement, or past a length not evaluated at all."""
        if fmt.lower() != "values":
            return data
        head, complete = _collect(data, _CHECKED_VALUES_BYTES)
        if complete:
            self._tools.guard.check_calls(list(tokens(head)))
        else:
            self._set(link, {"input_format_values_interpret_expressions": "0"})
        return itertools.chain([head], data)

    def _summary(self) -> str:
        work = self.work
        return json.dumps(
            {
                "read_rows": str(work.read_rows),
                "read_bytes": str(work.read_bytes),
                "written_rows": str(work.written_rows),
                "written_bytes": str(work.written_bytes),
                "total_rows_to_read": "0",
                "result_rows": str(work.result_rows),
                "result_bytes": str(work.result_bytes),
                "elapsed_ns": str(time.monotonic_ns() - self._started),
            }
        )


def _collect(data: Iterator[bytes], limit: int) -> tuple[bytes, bool]:
    """The beginning of `data`, at least `limit` bytes of it unless it ends before; and whether it has ended."""
    parts: list[bytes] = []
    size = 0
    for piece in data:
        parts.append(piece)
        size += len(piece)
        if size >= limit:
            return b"".join(parts), False
    return b"".join(parts), True


def _assignments(statement: Statement) -> dict[str, str]:
    """The settings of a SET statement as SQL literals, the last one wins; query parameters (param_…) are the connection's own."""
    found: dict[str, list[bytes]] = {}
    name = ""
    words = statement.words[1:]
    for i, token in enumerate(words):
        if i + 1 < len(words) and words[i + 1].is_mark(b"=") and _SETTING.match(token.word):
            name = token.word
            found[name] = []
        elif name and not token.is_mark(b"=") and not token.is_mark(b","):
            found[name].append(token.text)
    return {n: b"".join(parts).decode() for n, parts in found.items() if not n.startswith("param_")}


def _text(statement: bytes) -> str:
    try:
        return statement.decode()
    except UnicodeDecodeError as problem:
        raise syntax(f"The statement is not UTF-8 at byte {problem.start}; binary values belong into the rows of an INSERT.") from None


def _by_tag(found: re.Match[bytes]) -> bytes:
    """A client's query id is in the engine the first word of the statement's comment."""
    return b"startsWith(Settings['log_comment'], '" + found.group(1) + b" ')"
