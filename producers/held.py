"""The file of held figures: what was delivered before its publication, durable, in one SQLite file that its owner alone may read (0600).

It lies beside the sources' positions (and goes into the same backup) and is written before a position moves on, so a crash loses nothing
and holds nothing twice: a figure is known by (source_system, source_record_id), of which the highest revision is kept. An amendment that
comes before publication takes the place of what it amends; what was taken back is published as taken back, its value never.

Moves (a publication brought forward or postponed) stand in the same file: whoever may write it is the operator of the installation, and
every move is a line of the audit first. They hold for what is held and for what is still to come of that publication. """

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from indicators.observation import Observation
from indicators.period import Period
from producers import durable
from producers.publisher import NotDelivered

FILE: Final = "held.sqlite"
_SCHEMA: Final = """
PRAGMA secure_delete=ON;
CREATE TABLE IF NOT EXISTS held (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, source_system TEXT NOT NULL, record TEXT NOT NULL, revision INTEGER NOT NULL,
    receipted INTEGER NOT NULL DEFAULT -1, provider TEXT NOT NULL, calendar TEXT NOT NULL, period_type TEXT NOT NULL,
    period_start INTEGER NOT NULL, period_end INTEGER NOT NULL, delivered_at INTEGER NOT NULL, release_at INTEGER NOT NULL,
    body BLOB NOT NULL, release TEXT NOT NULL DEFAULT '', UNIQUE (source_system, record));
CREATE INDEX IF NOT EXISTS held_release ON held (release_at, seq);
CREATE TABLE IF NOT EXISTS moved (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, calendar TEXT NOT NULL, period_type TEXT NOT NULL, period_start INTEGER NOT NULL,
    period_end INTEGER NOT NULL, release_at INTEGER NOT NULL, actor TEXT NOT NULL, authority TEXT NOT NULL, document TEXT NOT NULL,
    why TEXT NOT NULL, at INTEGER NOT NULL, release TEXT NOT NULL DEFAULT '');
"""
_HOLD: Final = """
INSERT INTO held
    (source_system, record, revision, receipted, provider, calendar, period_type, period_start, period_end, delivered_at, release_at, body,
     release)
VALUES (:source, :record, :revision, iif(:later = '', -1, :revision), :provider, :calendar, :type, :start, :end, :now,
    coalesce((SELECT m.release_at FROM moved AS m WHERE m.calendar = :calendar AND m.period_type = :type AND m.period_start = :start
        AND m.release = :later ORDER BY m.seq DESC LIMIT 1), :release), :body, :later)
ON CONFLICT (source_system, record) DO UPDATE SET revision = excluded.revision, provider = excluded.provider, calendar = excluded.calendar,
    period_type = excluded.period_type, period_start = excluded.period_start, period_end = excluded.period_end,
    release_at = excluded.release_at, body = excluded.body, release = excluded.release,
    receipted = iif(excluded.release = '', held.receipted, excluded.revision)
WHERE excluded.revision > held.revision
"""
_OF: Final = "calendar = ? AND period_type = ? AND period_start = ? AND release = ?"
_GROWN: Final = "SELECT count(*) FROM pragma_table_info('held') WHERE name = 'release'"
"""1: the file knows later releases; 0: it was made before them, and all it holds waits for first publications."""
_OBSERVATION: Final = TypeAdapter(Observation)


class HeldError(NotDelivered):
    """The file of held figures cannot be read or written: nothing may be assumed held, the position must not move."""


class Publication(NamedTuple):
    """One publication: a calendar's figures of one period. `release`: id of a later one, empty for the first."""

    calendar: str
    period_type: str
    period_start: int
    period_end: int
    release: str = ""

    @property
    def period(self) -> Period:
        """The period whose figures it brings out."""
        return Period(self.period_type, self.period_start, self.period_end)

    @property
    def name(self) -> str:
        """`thong-ke`, or `thong-ke:chinh-thuc` of a later release: as operators name it."""
        return f"{self.calendar}:{self.release}" if self.release else self.calendar

    @property
    def mark(self) -> tuple[str, str, int, str]:
        """The values of `_OF`."""
        return self.calendar, self.period_type, self.period_start, self.release


class Held(NamedTuple):
    """One figure that waits. `seq` and `revision` tell whether it was amended since it was read; times in epoch ms."""

    seq: int
    revision: int
    observation: Observation
    delivered_at: int
    release_at: int


class Waiting(NamedTuple):
    """What waits of one provider for one publication: how many figures, until when; never which values."""

    provider: str
    publication: Publication
    figures: int
    release_at: int


class Move(NamedTuple):
    """A publication moved to another instant: by whom, on whose authority, by which document, why; times in epoch ms."""

    publication: Publication
    release_at: int
    actor: str
    authority: str
    document: str
    why: str
    at: int


class HeldFigures:
    """The file in a folder; safe to use from several threads, and beside another process."""

    def __init__(self, folder: Path) -> None:
        self._file = durable.DurableFile(folder / FILE, _SCHEMA, _failure, private=True)
        if not self._file.rows(_GROWN)[0][0]:
            with self._file.transaction() as db:
                for table in ("held", "moved"):
                    db.execute(f"ALTER TABLE {table} ADD COLUMN release TEXT NOT NULL DEFAULT ''")

    def hold(self, waiting: Iterable[tuple[Observation, Publication, int]], now: int) -> None:
        """Keep figures (each with its publication and the instant of it) in one durable transaction. What waits for a later release asks
        for no receipt: its period was told of when it was first delivered. Raises HeldError."""
        rows = [
            {"source": o.source_system, "record": o.source_record_id, "revision": o.revision, "provider": o.provider,
             "calendar": of.calendar, "later": of.release, "type": o.period_type, "start": o.period_start, "end": o.period_end, "now": now,
             "release": at, "body": _OBSERVATION.dump_json(o)}
            for o, of, at in waiting
        ]  # fmt: skip
        with self._file.transaction() as db:
            db.executemany(_HOLD, rows)

    def release_of(self, o: Observation) -> str | None:
        """For which release a figure of the same record waits, empty for the first; None: none waits."""
        found = self._file.rows("SELECT release FROM held WHERE source_system = ? AND record = ?", (o.source_system, o.source_record_id))
        return str(found[0][0]) if found else None

    def without_receipt(self) -> list[Held]:
        """Figures whose newest revision nobody was told of yet, in the order they came."""
        return self._read("receipted < revision ORDER BY seq LIMIT ?", -1)

    def receipted(self, told: Sequence[Held]) -> None:
        """Receipts were acknowledged. Raises HeldError."""
        with self._file.transaction() as db:
            db.executemany("UPDATE held SET receipted = max(receipted, ?) WHERE seq = ?", [(one.revision, one.seq) for one in told])

    def due(self, now: int, most: int) -> list[Held]:
        """What may be published by now, in the order of publication, then of delivery; at most so many."""
        return self._read("release_at <= ? ORDER BY release_at, seq LIMIT ?", now, most)

    def forget(self, published: Iterable[tuple[int, int]]) -> None:
        """Take out (seq, revision) that were published; what was amended meanwhile stays. Raises HeldError."""
        with self._file.transaction() as db:
            db.executemany("DELETE FROM held WHERE seq = ? AND revision = ?", list(published))

    def move(self, move: Move) -> int:
        """Move a publication; how many held figures it concerns. Raises HeldError."""
        of = move.publication
        with self._file.transaction() as db:
            db.execute("INSERT INTO moved (calendar, period_type, period_start, period_end, release, release_at, actor, authority, "
                       "document, why, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*of, *move[1:]))  # fmt: skip
            return db.execute(f"UPDATE held SET release_at = ? WHERE {_OF}", (move.release_at, *of.mark)).rowcount

    def publications(self) -> list[Publication]:
        """Those of which something waits."""
        query = "SELECT DISTINCT calendar, period_type, period_start, period_end, release FROM held"
        return [Publication(*row) for row in self._file.rows(query)]

    def redate(self, dates: Iterable[tuple[Publication, int]]) -> None:
        """Give publications that nobody moved these instants: the catalogue may have changed since. Raises HeldError."""
        with self._file.transaction() as db:
            for publication, release_at in dates:
                db.execute(f"UPDATE held SET release_at = ? WHERE {_OF} AND NOT EXISTS (SELECT 1 FROM moved WHERE {_OF})",
                           (release_at, *publication.mark, *publication.mark))  # fmt: skip

    def moved(self, publication: Publication) -> int | None:
        """The instant a publication was last moved to; None: it was not."""
        found = self._file.rows(f"SELECT release_at FROM moved WHERE {_OF} ORDER BY seq DESC LIMIT 1", publication.mark)
        return int(found[0][0]) if found else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, where: str, *values: int) -> list[Held]:
        rows = self._file.rows(f"SELECT seq, revision, body, delivered_at, release_at FROM held WHERE {where}", values)
        return [Held(row[0], row[1], _OBSERVATION.validate_json(row[2]), *row[3:]) for row in rows]


def waiting(folder: Path) -> list[Waiting]:
    """What waits, by publication and provider, as another process holds it; changes nothing. Raises HeldError."""
    path = folder / FILE
    if not path.exists():
        return []
    try:
        release = "release" if durable.peek(path, _GROWN)[0][0] else "''"
        query = (f"SELECT provider, calendar, period_type, period_start, period_end, {release}, count(*), min(release_at) FROM held "
                 "GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 8, 1, 6")  # fmt: skip
        return [Waiting(row[0], Publication(*row[1:6]), *row[6:]) for row in durable.peek(path, query)]
    except sqlite3.Error as error:
        raise _failure("read", error) from error


def _failure(act: str, cause: Exception) -> HeldError:
    return HeldError(
        f"không {'ghi' if act == 'write' else 'đọc'} được tệp số liệu chờ công bố {FILE} ({type(cause).__name__}); kiểm tra đĩa và quyền / "
        f"cannot {act} the file of held figures {FILE}: check disk and permissions"
    )
