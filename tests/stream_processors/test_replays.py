"""The worker's part in replay: which piece comes next."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from stream_processors.replays import Replays
from transport.replay_jobs import Job, Piece, piece_key
from transport.selection import SelectionError

PIECES = tuple(Piece("obs.trade", partition, 0, 100) for partition in range(2))
JOB = Job(id="one", target="pipeline", state="running", actor="op", why="a test", created=1, changed=1, pieces=PIECES)


class Asked(Replays):
    """Rebuilds nothing; `answers` are what its pieces end in, one after another: a report, or an error."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        owner: Any = SimpleNamespace(context=SimpleNamespace(prefix=""), owned=lambda: {piece.place for piece in PIECES})
        super().__init__(owner, lambda: 1000.0)
        self._book.take(b"job|one", JOB.body())
        self._whole, self._answers = True, list(answers)

    async def _rebuilt(self, job: Job, piece: Piece) -> dict[str, Any]:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _said(self, piece: Piece, row: object) -> None:
        """Its row is committed."""

    def worked(self) -> list[int]:
        """Partitions of its pieces, in the order they are taken, until none is left."""
        found: list[int] = []
        while (taken := self._next()) is not None and len(found) < 10:
            asyncio.run(self._piece(*taken))
            found.append(taken[1].partition)
        return found


@pytest.mark.parametrize("answer", [{"records": 5}, SelectionError("no such field")])
def test_a_piece_is_done_once_though_its_row_is_read_back_later(answer: dict[str, Any] | Exception) -> None:
    """Begun again it would find nothing to change, and its row would say so: what the replay did would be lost."""
    assert Asked(answer, {"records": 5}).worked() == [0, 1]


def test_a_piece_that_could_not_be_done_now_is_tried_again() -> None:
    replays = Asked(TimeoutError(), {"records": 5}, {"records": 5})
    assert replays.worked() == [0, 1]
    assert replays._failed[piece_key("one", PIECES[0])] > 1000.0
    replays._failed.clear()  # its time has come
    assert replays.worked() == [0]


def test_what_another_worker_has_done_is_left_alone() -> None:
    replays = Asked({"records": 5})
    replays._book.take(piece_key("one", PIECES[0]), b'{"done": true}')
    assert replays.worked() == [1]
