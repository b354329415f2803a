"""A lane: one task per stage and input partition, which folds chunks and commits them, exactly.

The order of a lane is the guarantee (docs/guarantees.md repeats the numbers):

1. **fence**: start the transactional producer, which ends or aborts what the former owner left;
2. **restore** the fold's state, read_committed, to the end seen after 1, only from topics that no other transactional id writes;
3. **position**: the row `\\0pos`, written by every transaction, says what is folded: drop inputs below it, stop on a gap;
4. **fold** what lies in the queue, up to `CHUNK_RECORDS`;
5. **wait** for the former commit (fold n+1 overlaps commit n);
6. **commit**: begin, register all partitions, group offset, rows, position row, await every send, commit.

Any exception in 5–6 ends the process without an abort: the next owner's fence aborts.
"""

from __future__ import annotations

import asyncio
import collections
import os
import time
from typing import Any

import structlog

from transport.lane_parts import Fetched, Fold, Interposed, LaneClosed, NotDone, Writer
from transport.refusal_limit import TooManyRefused
from transport.transactions import Rows, is_fenced
from transport.trial import Trial

CHUNK_RECORDS = 20_000
QUEUE_RECORDS = 3 * CHUNK_RECORDS
LANES_AT_ONCE = 2
"""Lanes of a process between the beginning of a fold and the end of its commit. A commit is half a dozen answers of the broker, and each
waits for whatever else the event loop has to do: with every lane folding whenever it can, each answer waits for a dozen folds, and a
reading for six times that. With two, a commit waits for one fold, and one lane still folds while another commits.
"""
DRAIN_SECONDS = 10.0
EXIT_LANE_FAILED = 70
EXIT_REFUSING = 74

log = structlog.get_logger(__name__)


class Lane:
    """One stage on one input partition. `turns`: LANES_AT_ONCE of them for all lanes of the process, given out in the order of asking.
    `dense`: the input holds no control records, so a missing offset is a gap and ends the process; elsewhere a fetch that follows one which
    never came (`Fetched`) does. `trial`: finds messages that end it.
    """

    def __init__(
        self, place: tuple[str, int], fold: Fold, writer: Writer, turns: asyncio.Semaphore, *, dense: bool, trial: Trial | None = None
    ) -> None:  # fmt: skip
        self.topic, self.partition = place
        self.folded = 0
        self.commits = 0
        self.last_progress = time.monotonic()
        self.fold, self._writer, self._turns, self._dense = fold, writer, turns, dense
        self._trial = trial
        self._queue: collections.deque[list[Any]] = collections.deque()
        self._queued = 0
        self._arrived = asyncio.Event()
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._space = asyncio.Event()
        self._space.set()
        self._flight: asyncio.Task[None] | None = None
        self._position: int | None = None
        self._open = asyncio.Event()
        self._closing = False
        self._interposed: collections.deque[tuple[Interposed, asyncio.Future[None]]] = collections.deque()
        self._task = asyncio.create_task(self._run(), name=f"lane {self.topic}-{self.partition}")
        self._task.add_done_callback(self._ended)

    @property
    def waiting(self) -> int:
        """Records that lie in the queue."""
        return self._queued

    @property
    def allowed(self) -> bool:
        """May the lane begin a transaction now? Not during a rebalance."""
        return self._allowed.is_set()

    @property
    def is_open(self) -> bool:
        """Is its state restored?"""
        return self._open.is_set()

    async def put(self, records: list[Any]) -> None:
        """Queue fetched records; waits while the lane is far behind."""
        if not self._queued:
            self.last_progress = time.monotonic()
        self._queue.append(records)
        self._queued += len(records)
        self._arrived.set()
        if self._queued > QUEUE_RECORDS:
            self._space.clear()
            await self._space.wait()

    async def opened(self) -> int:
        """Wait until the lane is restored; returns the next input offset that it will fold."""
        await self._open.wait()
        assert self._position is not None
        return self._position

    async def interpose(self, work: Interposed) -> None:
        """Do something between two commits, while no fold runs; returns when its rows are committed. Raises the cause of
        the NotDone that `work` raised, and LaneClosed where the partition is given up; any other error ends the process."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._interposed.append((work, done))
        self._arrived.set()
        await done

    def hold(self) -> None:
        """A rebalance began: start no new transaction until `release`."""
        self._allowed.clear()

    def release(self) -> None:
        """The partition is still ours."""
        self._allowed.set()
        self.last_progress = time.monotonic()

    async def drain(self) -> None:
        """Wait for the transaction in flight, at most ten seconds."""
        if self._flight is not None:
            await asyncio.wait([self._flight], timeout=DRAIN_SECONDS)

    async def close(self) -> None:
        """Let the commit in flight end, then give the partition up. Who waits in `put` goes on: what it brings is of
        no use here any more.

        The task has ended before its trial and its way out are closed: a cancellation that comes together with what was waited for may be
        swallowed on its way (`asyncio.wait_for` in Python 3.11 does), and then `_closing` ends the lane.
        """
        self._closing = True
        self._task.cancel()
        self._space.set()
        for _, done in self._interposed:
            if not done.done():
                done.set_exception(LaneClosed(f"{self.topic} [{self.partition}]"))
        await asyncio.wait([self._task], timeout=DRAIN_SECONDS)
        await self.drain()
        if self._trial is not None:
            self._trial.close()
        await self._writer.stop()

    async def _run(self) -> None:
        started = time.monotonic()
        await self._writer.start()  # 1
        self._position = await asyncio.get_running_loop().run_in_executor(None, self.fold.restore)  # 2, 3
        log.info(
            "lane open", topic=self.topic, partition=self.partition, position=self._position, seconds=round(time.monotonic() - started, 3)
        )
        if self._trial is not None:
            self._trial.begin_at(self._position)
        self._open.set()
        while True:
            await self._wait_for_work()
            await self._allowed.wait()
            if self._interposed:
                await self._interpose()
            await self._turns.acquire()
            try:
                began = not self._closing and await self._turn()
            except BaseException:  # whoever ends this lane: the others go on
                self._turns.release()
                raise
            if not began:
                self._turns.release()
            if self._closing:
                return
            await asyncio.sleep(0)

    async def _turn(self) -> bool:
        """Fold what is there and begin its commit, which gives the turn back when it ends; False: there was nothing to commit."""
        position = self._position or 0
        if self._trial is not None and self._trial.careful(position):
            await self._former_commit()
        records = self._before_poison(self._take())  # 3
        if records:
            following = records[-1].offset + 1
            rows = self._fold(records, position, following)  # 4
        else:
            following = position
            rows = self.fold.settle(position)
            if not rows:
                return False
        await self._former_commit()  # 5
        await self._allowed.wait()  # a rebalance may have begun meanwhile: then this partition may be lost, and nothing may be written
        self._position = following
        self._begin(rows, len(records))  # 6
        return True

    def _before_poison(self, records: list[Any]) -> list[Any]:
        """The records before the first that is poison, or that one alone; the rest goes back."""
        poison = self._trial.poison if self._trial is not None else ()
        at = next((i for i, r in enumerate(records) if r.offset in poison), -1) if poison else -1
        if at < 0 or len(records) == 1:
            return records
        rest = records[max(1, at) :]
        if rest:
            self._queue.appendleft(rest)
            self._queued += len(rest)
            self._arrived.set()
        return records[: max(1, at)]

    def _fold(self, records: list[Any], first: int, following: int) -> list[Rows]:
        """Fold; a trial knows meanwhile what is folded. Raises what the fold raises, which ends the process."""
        trial = self._trial
        if trial is None:
            return self.fold.fold(records, first, following)
        if records[0].offset in trial.poison:
            log.error("message ends the process, sent to the dead letters", topic=self.topic, partition=self.partition, offset=first)
            return self.fold.refuse(records[0], first, following)
        trial.folding(records[0].offset, len(records))
        rows = self.fold.fold(records, first, following)
        trial.folded()
        return rows

    async def _interpose(self) -> None:
        """What was interposed, after the former commit and before the next fold; the rows as any others, by step 6."""
        await self._former_commit()
        work, done = self._interposed[0]
        assert self._position is not None
        try:
            batches = await work(self._position)
        except NotDone as error:
            self._interposed.popleft()
            if not done.done():
                done.set_exception(error.__cause__ or error)
            return
        for rows in batches:
            await self._allowed.wait()
            await self._turns.acquire()
            self._begin(rows, 0)
            await self._former_commit()
        self._interposed.popleft()
        if not done.done():
            done.set_result(None)

    async def _former_commit(self) -> None:
        """Wait for the commit in flight. Not awaited as a task: cancelling this lane must not cancel a commit half way."""
        if self._flight is not None:
            await asyncio.wait([self._flight])
            self._flight.result()

    def _begin(self, rows: list[Rows], count: int) -> None:
        """Commit these rows up to the present position, beside the fold of what follows."""
        assert self._position is not None
        self._flight = asyncio.create_task(self._commit(self._position, rows, count))
        self._flight.add_done_callback(self._ended)

    async def _commit(self, following: int, rows: list[Rows], count: int) -> None:
        try:
            await self._writer.commit((self.topic, self.partition), following, rows)
        finally:
            self._turns.release()
        self.folded += count
        self.commits += 1
        self.last_progress = time.monotonic()

    async def _wait_for_work(self) -> None:
        due = self.fold.due_at()
        if due is None:
            await self._arrived.wait()
            return
        try:
            async with asyncio.timeout(max(0.0, due - time.monotonic())):  # wait_for may swallow a cancellation
                await self._arrived.wait()
        except TimeoutError:
            return

    def _take(self) -> list[Any]:
        """What lies in the queue, without what the position row covers; raises on a gap in a dense input."""
        taken: list[Any] = []
        at = self._position or 0
        most = CHUNK_RECORDS
        if self._trial is not None and self._trial.suspects:
            head = next((r.offset for part in self._queue for r in part if r.offset >= at), at)
            most = self._trial.most(head, CHUNK_RECORDS)
        while self._queue and len(taken) < most:
            part = self._queue.popleft()
            self._queued -= len(part)
            if isinstance(part, Fetched) and part.follows > at:
                what = f"what follows offset {part.follows} where {at} is next"
                raise RuntimeError(f"{self.topic}-{self.partition}: {what}: inputs are missing")
            if part[0].offset < at:
                part = [r for r in part if r.offset >= at]
            if not part:
                continue
            if self._dense and part[0].offset > at:
                raise RuntimeError(f"{self.topic}-{self.partition}: offset {part[0].offset} where {at} is next: inputs are missing")
            room = most - len(taken)
            if len(part) > room:
                self._queue.appendleft(part[room:])
                self._queued += len(part) - room
                part = part[:room]
            taken += part
            at = part[-1].offset + 1
        if not self._queue and not self._interposed:
            self._arrived.clear()
        if self._queued <= QUEUE_RECORDS:
            self._space.set()
        return taken

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A lane or commit that failed ends the process at once: no abort, no retry, the next owner's fence cleans up."""
        if task.cancelled() or task.exception() is None:
            return
        error = task.exception()
        if isinstance(error, TooManyRefused):
            log.error("too many dead letters", topic=self.topic, partition=self.partition, why=str(error))
            os._exit(EXIT_REFUSING)
        said = "fenced: another process owns the partition" if is_fenced(error) else "lane failed"
        log.error(said, topic=self.topic, partition=self.partition, error=repr(error)[:500], exc_info=error)
        os._exit(EXIT_LANE_FAILED)
