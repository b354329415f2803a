"""Folder: files dropped into a directory, delivered in the order of their names.

Writers put a file under another name (`.part`, `.tmp` or a leading dot) and rename it when it is whole. The mark of a file is
[size, mtime_ns, digest, end, lines]: the first two spare reading it again, the digest (SHA-256, 16 hex digits) tells a changed file, and
`end` and `lines` are what lies before its last line end, where a file that only grew is taken up.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from producers.contract import Json, SourceUnavailable
from producers.documents import MAX_BATCH_BYTES, MAX_BATCH_DOCUMENTS, MAX_DOCUMENT_BYTES, Document, Listing
from producers.reject import Refused

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
BY_LINES = (".csv", ".jsonl", ".txt")
KEPT_OF_TOO_LARGE = 4096


class Folder:
    """One directory as a transport of documents; sub-directories are not read. Created where it does not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def changed(self, marks: Mapping[str, Json]) -> Listing:
        """Files that are new or differ from their mark, a bounded batch of them. Raises SourceUnavailable."""
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            entries = sorted((e for e in os.scandir(self._path) if _finished(e)), key=lambda e: e.name)
        except OSError as e:
            raise SourceUnavailable(f"folder {self._path.name} cannot be read ({e.strerror}); check that it exists and may be read") from e
        documents: list[Document] = []
        total = 0
        for entry in entries:
            if total >= MAX_BATCH_BYTES or len(documents) >= MAX_BATCH_DOCUMENTS:
                return Listing(documents, frozenset(e.name for e in entries), more=True)
            document = _read(entry, marks.get(entry.name))
            if document:
                documents.append(document)
                total += len(document.data)
        return Listing(documents, frozenset(e.name for e in entries), more=False)

    def close(self) -> None:
        """Nothing is held open."""


def _finished(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and not entry.name.endswith(UNFINISHED) and entry.is_file(follow_symlinks=False)


def _read(entry: os.DirEntry[str], mark: Json) -> Document | None:
    """The document where it is new or changed; None where it is as marked, or vanished between listing and reading."""
    try:
        status = entry.stat(follow_symlinks=False)
        if isinstance(mark, list) and mark[:2] == [status.st_size, status.st_mtime_ns]:
            return None
        with open(entry.path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(MAX_DOCUMENT_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as e:
        raise SourceUnavailable(f"file {entry.name} cannot be read ({e.strerror}); check its permissions") from e
    return document_of(entry.name, data, (status.st_size, status.st_mtime_ns), mark)


def document_of(name: str, data: bytes, stamp: tuple[int, int], before: Json) -> Document:
    """The document with its mark; taken up after its last complete line where it only grew since `before`."""
    if len(data) > MAX_DOCUMENT_BYTES:
        refused = Refused("too_large", "", f"a file of at most {MAX_DOCUMENT_BYTES >> 20} MiB is expected; split it")
        return Document(name, data[:KEPT_OF_TOO_LARGE], [*stamp, digest_of(data), 0, 0], refused=refused)
    digest = digest_of(data)
    by_lines = name.lower().endswith(BY_LINES)
    end = data.rfind(b"\n") + 1 if by_lines else 0
    mark: list[Json] = [*stamp, digest, end, data.count(b"\n", 0, end), digest_of(data[:end])]
    from_line = 0
    if isinstance(before, list) and len(before) == 6:
        _, _, _, old_end, old_lines, old_prefix = before
        grew = by_lines and isinstance(old_end, int) and isinstance(old_lines, int) and 0 < old_end <= end
        if grew and digest_of(data[: int(str(old_end))]) == old_prefix:
            from_line = int(str(old_lines))
    return Document(name, data, mark, from_line)


def digest_of(data: bytes) -> str:
    """Sixteen hex digits of SHA-256."""
    return hashlib.sha256(data).hexdigest()[:16]
