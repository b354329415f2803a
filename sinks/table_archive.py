"""Tables of ClickHouse as files in its Native format, and back, with counts and checksums that merging does not change.

A table is cut into slices of about `SLICE_ROWS` rows by the hash of its sorting key, each one file,
packed by zlib. Views are not copied: the migrations make them. Tables that a materialized view fills are brought back after the tables that
fill them, from their own files, so that nothing is counted twice.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from sinks.clickhouse import INSERT_SETTINGS

SLICE_ROWS: Final = 1_000_000
_CHUNK: Final = 1 << 20
_BASE: Final = """SELECT name, engine, sorting_key FROM system.tables
WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree') AND NOT startsWith(name, '.') ORDER BY name"""
_FILLED: Final = """SELECT extract(create_table_query, ' TO (?:`?\\\\w+`?\\\\.)?`?(\\\\w+)`?') FROM system.tables
WHERE database = currentDatabase() AND engine = 'MaterializedView'"""


@dataclass(frozen=True, slots=True)
class TableArchive:
    """One table: `files` → SHA-256 of each; `rows` as stored, `live` and `checksum` after merging (FINAL): equal before and after."""

    name: str
    files: dict[str, str]
    rows: int
    live: int
    checksum: str

    def plain(self) -> dict[str, Any]:
        """As it stands in a manifest."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as ClickHouse describes it."""

    name: str
    engine: str
    sorting_key: str


def base_tables(client: Client) -> list[Table]:
    """Every table of the database that holds rows of its own; those that a view fills come last."""
    filled = {str(row[0]) for row in client.query(_FILLED).result_rows}
    found = [Table(*map(str, row)) for row in client.query(_BASE).result_rows]
    return sorted(found, key=lambda table: (table.name in filled, table.name))


def dump(client: Client, table: Table, folder: Path) -> TableArchive:
    """Write a table's rows into files of `folder`. Raises ClickHouseError."""
    rows = int(client.query(f"SELECT count() FROM {table.name}").result_rows[0][0])
    slices = -(-rows // SLICE_ROWS)
    files = {}
    for number in range(slices):
        where = f" WHERE cityHash64({table.sorting_key or '0'}) % {slices} = {number}" if slices > 1 else ""
        name = f"{table.name}.{number:04d}.native.z"
        files[name] = _write(client, f"SELECT * FROM {table.name}{where}", folder / name)
    live, checksum = checked(client, table)
    return TableArchive(table.name, files, rows, live, checksum)


def load(client: Client, archive: TableArchive, folder: Path) -> None:
    """Replace a table's rows by those of the files. Raises ClickHouseError."""
    client.command(f"TRUNCATE TABLE {archive.name}")
    settings = INSERT_SETTINGS | {"deduplicate_insert": "disable"}  # the truncated table would take equal blocks for repeats
    for name in archive.files:
        body = zlib.decompress((folder / name).read_bytes())
        client.raw_insert(archive.name, insert_block=body, settings=settings, fmt="Native")


def checked(client: Client, table: Table) -> tuple[int, str]:
    """Rows that count, and a checksum over all their columns that does not depend on their order."""
    final = " FINAL" if table.engine != "MergeTree" else ""
    columns = client.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {name:String} ORDER BY position",
        parameters={"name": table.name},
    ).result_rows
    row = ", ".join(f"toString(`{name}`)" for (name,) in columns)
    found = client.query(f"SELECT count(), toString(sum(sipHash64({row}))) FROM {table.name}{final}").result_rows[0]
    return int(found[0]), str(found[1])


def _write(client: Client, sql: str, path: Path) -> str:
    digest, packer = hashlib.sha256(), zlib.compressobj(1)
    with path.open("wb") as out:
        for chunk in _chunks(client, sql):
            packed = packer.compress(chunk)
            digest.update(packed)
            out.write(packed)
        packed = packer.flush()
        digest.update(packed)
        out.write(packed)
    return digest.hexdigest()


def _chunks(client: Client, sql: str) -> Iterator[bytes]:
    stream: Any = client.raw_stream(sql, fmt="Native")  # a binary stream; its declared type names a base class
    with closing(stream):
        while chunk := stream.read(_CHUNK):
            yield chunk
