"""The worker's part in replay: it follows the jobs and rebuilds, one piece at a time, what lies in the partitions it owns.

1. **follow** `ops.replay.jobs` from its start; a piece is ours while its partition is assigned to this worker;
2. **rebuild** beside the live lane, in a thread, at the job's pace, which yields to live work;
3. **stop the lane** between two commits, catch up to its position, adopt;
4. **commit** the rows in the lane's own transactions, the last with the piece's row: `done`.

Killed before 4 ends: the piece has no row, so the next owner does it again; batches of 4 that were committed are equal then and give no
row. A piece that cannot be rebuilt gets a row that says why; a job that is paused or cancelled ends 2 and nothing was written.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Final, Protocol

import structlog
from confluent_kafka import KafkaException

from stream_processors import snapshot
from stream_processors.context import Context
from stream_processors.rebuild import NEAR, Rebuild
from stream_processors.shadow import ShadowError
from stream_processors.stage1 import Stage1
from stream_processors.stage1_rows import POSITION
from transport.job_follower import JobFollower
from transport.lane_parts import LaneClosed, NotDone
from transport.lanes import Lane
from transport.pace import Pace, Stopped
from transport.replay_jobs import TOPIC, Book, Job, Piece, piece_key
from transport.selection import SelectionError
from transport.state_reader import RestoreError
from transport.tail import Place
from transport.transactions import Rows

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 5.0
OPEN_SECONDS: Final = 120.0


class Owner(Protocol):
    """The worker, as far as replay asks it."""

    context: Context

    def owned(self) -> set[Place]:
        """Input partitions of stage 1 that are assigned to it."""

    def lane_of(self, place: Place) -> Lane:
        """The lane of an owned partition, opened where it is not."""

    def waiting(self) -> int:
        """Live inputs that lie unfolded."""

    keeping: asyncio.Lock
    """Held while a snapshot is taken and saved."""


class Replays:
    """One task of the worker. `clock`: wall time, seconds."""

    def __init__(self, owner: Owner, clock: Callable[[], float] = time.time) -> None:
        self._owner, self._clock = owner, clock
        self._topic = owner.context.prefix + TOPIC
        self._book, self._failed = Book(), dict[bytes, float]()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="replay")
        self._stop = threading.Event()
        self._current: Job | None = None
        self._whole = False

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        follower = loop.create_task(self._follow())
        try:
            while True:
                if follower.done():
                    log.warning("replay jobs are followed anew", why=repr(follower.exception())[:200])
                    await asyncio.sleep(RETRY_SECONDS)
                    follower = loop.create_task(self._follow())
                found = self._next()
                if found is None:
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    await self._piece(*found)
        finally:
            self._stop.set()
            follower.cancel()
            self._pool.shutdown(wait=False)

    async def _follow(self) -> None:
        """Step 1."""
        loop = asyncio.get_running_loop()
        follower = JobFollower(self._owner.context.settings)
        self._book = follower.book
        try:
            while True:
                await loop.run_in_executor(self._pool, follower.look, LOOK_SECONDS)
                self._whole = follower.whole
                job = self._current
                if job is not None and self._book.jobs.get(job.id, job).state != "running":
                    self._stop.set()
        finally:
            follower.close()

    def _next(self) -> tuple[Job, Piece] | None:
        if not self._whole:
            return None
        owned, now = self._owner.owned(), self._clock()
        for job in self._book.running("pipeline"):
            for piece in self._book.open(job):
                if piece.place in owned and self._failed.get(piece_key(job.id, piece), 0.0) <= now:
                    return job, piece
        return None

    async def _piece(self, job: Job, piece: Piece) -> None:
        """Steps 2 to 4. What cannot be done now is tried again after RETRY_SECONDS; what can never be done is said in the piece's row."""
        self._current = job
        self._stop.clear()
        log.info("replay piece begun", job=job.id, topic=piece.topic, partition=piece.partition)
        try:
            report = await self._rebuilt(job, piece)
            self._book.close(job, piece)
            log.info("replay piece done", job=job.id, topic=piece.topic, partition=piece.partition, **report)
        except Stopped:
            log.info("replay piece stopped", job=job.id, topic=piece.topic, partition=piece.partition)
        except (ShadowError, SelectionError) as error:
            await self._said(piece, self._row(job, piece, {"error": str(error)}))
            self._book.close(job, piece)
        except (KafkaException, RestoreError, LaneClosed, TimeoutError) as error:
            log.warning("replay piece later", job=job.id, topic=piece.topic, partition=piece.partition, why=repr(error)[:200])
            self._failed[piece_key(job.id, piece)] = self._clock() + RETRY_SECONDS
        finally:
            self._current = None

    async def _rebuilt(self, job: Job, piece: Piece) -> dict[str, Any]:
        loop, lane = asyncio.get_running_loop(), self._owner.lane_of(piece.place)
        async with asyncio.timeout(OPEN_SECONDS):
            at = await lane.opened()
        began = time.monotonic()  # a worker that has just started restores first, which is no part of the replay
        assert isinstance(lane.fold, Stage1)
        rebuild = Rebuild(self._owner.context, job, piece, lane.fold.poison)
        try:
            return await self._taken_over(job, piece, rebuild, at, began)
        finally:
            task = asyncio.current_task()
            if task is None or not task.cancelling():  # a thread that was left behind still reads
                await loop.run_in_executor(self._pool, rebuild.close)

    async def _taken_over(self, job: Job, piece: Piece, rebuild: Rebuild, at: int, began: float) -> dict[str, Any]:
        """Steps 2 to 4 of an open lane; `at`: its next input offset, `began`: monotonic seconds."""
        loop, lane = asyncio.get_running_loop(), self._owner.lane_of(piece.place)
        pace = Pace(job.rate, self._owner.waiting, job.behind, self._stop)
        while True:
            await loop.run_in_executor(self._pool, rebuild.catch_up, at, pace)
            at = await lane.opened()
            if at - rebuild.at <= NEAR:
                break

        async def adopt(position: int) -> list[list[Rows]]:
            """Step 3, called by the lane, which stands still until it returns."""
            since = time.monotonic()
            stage = lane.fold
            assert isinstance(stage, Stage1)
            try:
                await loop.run_in_executor(self._pool, rebuild.finish, position)
            except (KafkaException, RestoreError, ShadowError, SelectionError) as error:
                raise NotDone from error
            made = await loop.run_in_executor(self._pool, rebuild.adopt, stage)
            # A snapshot from before would bring the old record memory back; without one it is made from the inputs.
            await loop.run_in_executor(self._pool, lambda: shutil.rmtree(snapshot.folder(stage), ignore_errors=True))
            stage.saved = -1
            now = time.monotonic()
            report.update(asdict(made.report), seconds=round(now - began, 3), stood_seconds=round(now - since, 3),
                          yielded_seconds=round(pace.waited, 3), through=position - 1)  # fmt: skip
            made.batches[-1].append(self._row(job, piece, report))
            return made.batches

        await loop.run_in_executor(self._pool, rebuild.look_around)
        report: dict[str, Any] = {}
        async with self._owner.keeping:
            await lane.interpose(adopt)
        return {name: report[name] for name in ("records", "series_changed", "seconds", "stood_seconds")}

    async def _said(self, piece: Piece, row: Rows) -> None:
        """Only the piece's row, through the lane that owns the partition."""
        lane = self._owner.lane_of(piece.place)
        async with asyncio.timeout(OPEN_SECONDS):
            await lane.opened()

        async def told(position: int) -> list[list[Rows]]:
            stage = lane.fold
            assert isinstance(stage, Stage1)
            rows = stage.state_rows({}, [], lambda _: 0)
            rows[0].add(POSITION, stage.position_row(position, position))
            return [[*rows, row]]

        await lane.interpose(told)

    def _row(self, job: Job, piece: Piece, report: dict[str, Any]) -> Rows:
        """The piece's row: it is done, and what it found."""
        row = Rows(self._topic, 0)
        body = {"done": True, "at": int(self._clock() * 1000)} | report
        row.add(piece_key(job.id, piece), json.dumps(body, ensure_ascii=False).encode())
        return row
