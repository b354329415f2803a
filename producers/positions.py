"""Positions: how far each source was delivered, and what its adapter must remember, durable in one file per source.

`<directory>/<source>.sqlite` holds the position and the memory; both change in one transaction with full synchronisation, after Kafka
has acknowledged everything up to the position, so a crash never leaves a position ahead of what was delivered nor a memory beside its
position.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from producers import durable
from producers.contract import Json, Position, Remembered

BACKLOG_MS: Final = 35 * 86_400_000
"""A source that was away for a month is read one family of files after another: what amends a record comes long after it, by the clock."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS position (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS memory_expiry ON memory (expires_at);
"""


class PositionError(RuntimeError):
    """The file of positions cannot be read or written; the message names it and what to do."""


class SourceState:
    """Position and memory of one source. Used by one thread at a time (the source's own); also the `Memory` its adapter reads."""

    def __init__(self, path: Path) -> None:
        self._failure = partial(_failure, path)
        self._read: tuple[str, Position] = "", {}
        self._file = durable.DurableFile(path, _SCHEMA, self._failure)

    def load(self) -> Position:
        """The saved position; empty where none was saved. Asked for five times a second and seldom another: parsed when it changes. Raises
        PositionError."""
        rows = self._file.rows("SELECT value FROM position")
        try:
            if rows and rows[0][0] != self._read[0]:
                self._read = rows[0][0], dict(json.loads(rows[0][0]))
            return self._read[1] if rows else {}
        except (ValueError, TypeError) as e:
            raise self._failure("read", e) from e

    def recall(self, key: str) -> Json:
        """The remembered value or None. Raises PositionError."""
        rows = self._file.rows("SELECT value FROM memory WHERE key = ?", (key,))
        try:
            return json.loads(rows[0][0]) if rows else None
        except ValueError as e:
            raise self._failure("read", e) from e

    def save(self, position: Position, remembered: Mapping[str, Remembered], now: int) -> None:
        """Write position and memory in one transaction and forget what expired BACKLOG_MS before `now` (epoch ms). Raises PositionError."""
        rows = [(k, json.dumps(r.value, ensure_ascii=False), r.expires_at) for k, r in remembered.items()]
        with self._file.transaction() as db:
            db.execute("INSERT OR REPLACE INTO position VALUES (1, ?)", (json.dumps(position, ensure_ascii=False),))
            db.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", rows)
            db.execute("DELETE FROM memory WHERE expires_at < ?", (now - BACKLOG_MS,))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _failure(path: Path, act: str, cause: Exception) -> PositionError:
    return PositionError(
        f"không {'ghi' if act == 'write' else 'đọc'} được vị trí của nguồn trong {path.name} ({type(cause).__name__}); "
        f"kiểm tra đĩa và quyền ghi, hoặc xoá tệp để đọc lại nguồn từ đầu (bản ghi trùng tự bị loại) / "
        f"cannot {act} the position file {path.name}: check disk and permissions, or delete it to read the source again"
    )


def saved_position(directory: Path, source: str) -> Position:
    """The position of a source as another process saved it; empty where there is none yet. Changes nothing. Raises PositionError."""
    path = directory / f"{source}.sqlite"
    if not path.exists():
        return {}
    try:
        rows = durable.peek(path, "SELECT value FROM position")
        return dict(json.loads(rows[0][0])) if rows else {}
    except sqlite3.OperationalError:
        return {}  # made a moment ago, its table not yet
    except (sqlite3.Error, ValueError, TypeError) as e:
        raise _failure(path, "read", e) from e


class PositionStore:
    """The files of all sources in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[str, SourceState] = {}

    def of(self, source: str) -> SourceState:
        """Position and memory of a source, opened once. Raises PositionError."""
        if source not in self._open:
            self._open[source] = SourceState(self._directory / f"{source}.sqlite")
        return self._open[source]

    def close(self) -> None:
        """Close every file."""
        for state in self._open.values():
            state.close()
        self._open.clear()
