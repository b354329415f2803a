"""A small durable file: SQLite with a rollback journal and full synchronisation, so what a transaction wrote is there after a crash.

The producers keep three: positions.py, held.py and confirmed.py. Whatever goes wrong with the file is raised as its owner's error, which
says what must not be assumed and what to do.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

WAIT_S: Final = 10
Failure = Callable[[str, Exception], Exception]
"""The owner's error for an act («open», «read», «write») and its cause."""


class DurableFile:
    """One open file; safe to use from several threads, and beside another process. `private`: its owner alone may read it."""

    def __init__(self, path: Path, schema: str, failure: Failure, *, private: bool = False) -> None:
        self._failure, self._lock = failure, threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if private:
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
                path.chmod(0o600)  # one that was copied here with wider rights
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=WAIT_S)
            self._db.executescript(f"PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; {schema}")
        except (sqlite3.Error, OSError) as error:
            raise failure("open", error) from error

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """The rows of a question. Raises the owner's error."""
        with self._lock:
            try:
                return self._db.execute(query, tuple(values)).fetchall()
            except sqlite3.Error as error:
                raise self._failure("read", error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing of what is done inside, durable when it ends. Raises the owner's error."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._failure("write", error) from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def peek(path: Path, query: str) -> list[Any]:
    """The rows of a question to a file that another process may hold open; changes nothing. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)) as db:
        return db.execute(query).fetchall()
