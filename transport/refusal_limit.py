"""When refusing must stop: a topic whose records are nearly all refused tells of a wrong catalogue or schema, not of wrong records.

Counted per input partition over a window of the last WINDOW records, and in a row. Records that came too late are left out: a backlog of
them is ordinary, and they are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

WINDOW: Final = 10_000
LEAST: Final = 2_000
"""Records before a share says anything."""
LATE: Final = "too_late"


class TooManyRefused(RuntimeError):
    """The process must stop before it empties the topic into the dead letters; the message says where, why and what to do."""


class RefusalLimit:
    """`share`: of the window, 0 to 1; `run`: refused records in a row. 1 and 0: no limit."""

    def __init__(self, place: str, share: float, run: int) -> None:
        self._place, self._share, self._run = place, share, run
        self._chunks: deque[tuple[int, int]] = deque()
        self._seen = self._refused = self._in_a_row = 0

    def note(self, count: int, refused: Iterable[tuple[int, str]]) -> None:
        """A chunk of `count` records, of which `refused` (index in it, reason). Raises TooManyRefused; then the chunk must not be
        committed."""
        found = sorted((index, reason) for index, reason in refused if reason != LATE)
        self._note_share(count, len(found))
        before = -1
        for index, _ in found:
            self._in_a_row = self._in_a_row + 1 if index == before + 1 else 1
            before = index
            if self._run and self._in_a_row >= self._run:
                raise self._error(f"{self._in_a_row} bản ghi liền nhau / records in a row", found)
        if before != count - 1:
            self._in_a_row = 0
        if self._share < 1 and self._seen >= LEAST and self._refused > self._share * self._seen:
            raise self._error(f"{self._refused} trên / of {self._seen} bản ghi / records", found)

    def _note_share(self, count: int, refused: int) -> None:
        self._chunks.append((count, refused))
        self._seen, self._refused = self._seen + count, self._refused + refused
        while len(self._chunks) > 1 and self._seen - self._chunks[0][0] >= WINDOW:
            old = self._chunks.popleft()
            self._seen, self._refused = self._seen - old[0], self._refused - old[1]

    def _error(self, what: str, found: list[tuple[int, str]]) -> TooManyRefused:
        reasons = [reason for _, reason in found]
        most = max(set(reasons), key=reasons.count) if reasons else ""
        return TooManyRefused(
            f"{self._place}: {what} bị từ chối, chủ yếu vì / refused, mostly for «{most}»; dừng để không đổ cả chủ đề vào dead letters: "
            "sửa danh mục hoặc lược đồ rồi khởi động lại, hoặc nới NHIP_REFUSED_SHARE, NHIP_REFUSED_RUN / stopped: mend the catalogue or "
            "schema and start again, or widen these limits"
        )
