"""One request as the interface means it: the URL's parameters sorted into settings, query parameters, session, format, encodings."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ops.clickhouse.accounts import Account
from ops.clickhouse.errors import ServerError, not_served

_TRANSPORT: Final = frozenset({
    "buffer_size", "client_protocol_version", "close_session", "compress", "database", "decompress", "default_format",
    "enable_http_compression", "http_headers_progress_interval_ms", "password", "query", "query_id", "quota_key", "role",
    "send_progress_in_http_headers", "session_check", "session_id", "session_timeout", "stacktrace", "user", "wait_end_of_query",
})  # fmt: skip
"""Parameters of the interface itself; every other one is a setting of the engine."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_EXTERNAL: Final = re.compile(r"(?P<table>\w+)_(?P<part>format|structure|types)\Z")
DEFAULT_SESSION_SECONDS: Final = 60
MAX_SESSION_SECONDS: Final = 3600
MAX_QUERY_ID: Final = 256
CUSTOM_SERIALIZATION: Final = 54454
"""From this revision on a Native block says for each column how it is serialized, which the engine in this process does not write."""


@dataclass(frozen=True, slots=True)
class External:
    """A table that comes with the request as a file of a multipart body."""

    name: str
    format: str
    structure: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What to run and how to answer. `params` are query parameters by their bare names; `settings` go to the engine as they are."""

    account: Account
    query: str
    query_id: str
    database: str
    default_format: str
    settings: Mapping[str, str]
    params: Mapping[str, str]
    session_id: str = ""
    session_seconds: int = DEFAULT_SESSION_SECONDS
    session_must_exist: bool = False
    hold: bool = False
    accept_encoding: str = ""
    content_encoding: str = ""
    native_blocks_out: bool = False
    native_blocks_in: bool = False
    externals: tuple[External, ...] = field(default=())


def read(account: Account, headers: Mapping[str, str], query: Mapping[str, str], externals: tuple[External, ...] = ()) -> Request:
    """Sorts the parameters. Raises code 36 or 48 for values and parameters that this endpoint does not serve."""
    if not query.get("query_id", "").isprintable() or len(query.get("query_id", "")) > MAX_QUERY_ID:
        raise ServerError(36, "BAD_ARGUMENTS", f"The query_id must be printable and at most {MAX_QUERY_ID} characters.")
    version = query.get("client_protocol_version", "0")
    if not version.isdecimal() or int(version) >= CUSTOM_SERIALIZATION:
        plain = f"leave it out or ask for less than {CUSTOM_SERIALIZATION}: Native then is the format of version 0."
        raise not_served(f"client_protocol_version={version}", plain)
    if query.get("role"):
        raise ServerError(511, "UNKNOWN_ROLE", f"There is no role {query['role']!r}: this endpoint has users, no roles.")
    compressed = _flag(query, "enable_http_compression")
    tables = {e.name for e in externals}
    settings = {k: v for k, v in query.items() if k not in _TRANSPORT and not k.startswith("param_") and not _of_external(k, tables)}
    for name in settings:
        if not _NAME.match(name):
            raise ServerError(115, "UNKNOWN_SETTING", f"Unknown setting {name!r}: it is not the name of a setting")
    return Request(
        account=account,
        query=query.get("query", ""),
        query_id=query.get("query_id") or str(uuid.uuid4()),
        database=query.get("database") or headers.get("X-ClickHouse-Database", ""),
        default_format=query.get("default_format") or headers.get("X-ClickHouse-Format", "") or "TabSeparated",
        settings=settings,
        params={k.removeprefix("param_"): v for k, v in query.items() if k.startswith("param_")},
        session_id=query.get("session_id", ""),
        session_seconds=_session_seconds(query),
        session_must_exist=_flag(query, "session_check"),
        hold=_flag(query, "wait_end_of_query"),
        accept_encoding=headers.get("Accept-Encoding", "") if compressed else "",
        content_encoding=headers.get("Content-Encoding", ""),
        native_blocks_out=_flag(query, "compress"),
        native_blocks_in=_flag(query, "decompress"),
        externals=externals,
    )


def external(name: str, data: bytes, query: Mapping[str, str]) -> External:
    """The external table `name` of a multipart body. Raises code 36 without its structure in the URL."""
    structure = query.get(f"{name}_structure", "")
    if not structure and query.get(f"{name}_types"):
        structure = ", ".join(f"_{i} {t.strip()}" for i, t in enumerate(query[f"{name}_types"].split(","), 1))
    if not structure or not _NAME.match(name):
        raise ServerError(36, "BAD_ARGUMENTS", f"External table {name!r} needs a plain name and its columns in {name}_structure.")
    return External(name, query.get(f"{name}_format", "TabSeparated"), structure, data)


def _of_external(parameter: str, tables: set[str]) -> bool:
    found = _EXTERNAL.match(parameter)
    return found is not None and found["table"] in tables


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "0").lower() in ("1", "true")


def _session_seconds(query: Mapping[str, str]) -> int:
    text = query.get("session_timeout", str(DEFAULT_SESSION_SECONDS))
    if not text.isdecimal() or int(text) > MAX_SESSION_SECONDS:
        raise not_served(f"session_timeout={text!r}", f"give whole seconds up to {MAX_SESSION_SECONDS}.")
    return int(text)
