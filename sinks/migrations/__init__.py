"""Numbered migrations of the ClickHouse database: `NNNN_name.sql` beside this file, applied in order, each recorded when it is done.

Every statement may be repeated (`IF NOT EXISTS`, `CREATE OR REPLACE VIEW`), so a migration cut short is simply run again. A file that was
applied never changes: its digest is kept and compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import clickhouse
from sinks.vocabulary import load_vocabulary
from transport.settings import Settings

FOLDER: Final = Path(__file__).resolve().parent
_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql\Z")
LEDGER: Final = """CREATE TABLE IF NOT EXISTS schema_migrations
(version UInt32, name String, digest String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ReplacingMergeTree ORDER BY version"""


class MigrationError(RuntimeError):
    """A migration cannot be applied; the message names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `version` from its name, `digest` of its text."""

    version: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text: tells an applied file that was changed since."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All migrations in order. Raises MigrationError where a number is missing or used twice, or a file has another name."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.match(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: đặt tên NNNN_ten.sql; name it NNNN_name.sql")
        found.append(Migration(int(match[1]), path.stem, path.read_text("utf-8")))
    if [m.version for m in found] != list(range(1, len(found) + 1)):
        raise MigrationError("số thứ tự migration phải liền nhau từ 0001; migration numbers must run from 0001 without gaps")
    return found


def statements(text: str) -> Iterator[str]:
    """The statements of a file: ended by `;` at the end of a line, `--` comment lines left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    for part in re.split(r";[ \t]*(?:\n|\Z)", "\n".join(lines)):
        if part.strip():
            yield part.strip()


def migrate(settings: Settings) -> list[str]:
    """Bring the database to the newest state and load the vocabulary; return the names applied now (empty: nothing to do).

    Raises MigrationError, and sinks.clickhouse.Unavailable where ClickHouse does not answer.
    """
    clickhouse.create_database(settings)
    with clickhouse.connected(settings) as client:
        applied = _apply_all(client, migrations())
    load_vocabulary(settings)
    return applied


def _apply_all(client: Client, wanted: list[Migration]) -> list[str]:
    client.command(LEDGER)
    rows = client.query("SELECT version, name, digest FROM schema_migrations FINAL ORDER BY version").result_rows
    done = {int(version): (str(name), str(digest)) for version, name, digest in rows}
    if done and max(done) > len(wanted):
        raise MigrationError(f"cơ sở dữ liệu ở bước {max(done):04d}, bản cài đặt chỉ biết đến {len(wanted):04d}: hãy cài bản mới hơn; "
                             "the database is newer than this installation: install the newer release")  # fmt: skip
    return [migration.name for migration in wanted if _apply(client, migration, done.get(migration.version))]


def _apply(client: Client, migration: Migration, known: tuple[str, str] | None) -> bool:
    if known is not None:
        if known[1] != migration.digest:
            raise MigrationError(f"{migration.name}: tệp đã áp dụng bị sửa (chữ ký khác): khôi phục tệp, thêm migration mới; "
                                 "an applied file was changed: restore it and add a new migration")  # fmt: skip
        return False
    for number, statement in enumerate(statements(migration.text), 1):
        try:
            client.command(statement)
        except ClickHouseError as error:
            raise MigrationError(f"{migration.name}, câu lệnh {number} (statement {number}): {clickhouse.reason(error)}") from error
    line = {"version": migration.version, "name": migration.name, "digest": migration.digest}
    clickhouse.insert_lines(client, "schema_migrations", [line])
    return True
