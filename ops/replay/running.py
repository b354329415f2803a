"""Running a job. What goes to the pipeline is done by the workers that own its partitions: it is ordered here and followed. Copies are made
by this process, which looks whether somebody pauses or cancels them and waits while live work is behind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

from ops.replay import ledger
from ops.replay.copying import copy
from ops.replay.preview import total
from ops.stack.control import StackError
from ops.upkeep.lag import groups
from sinks.clients import GROUP as SINK
from stream_processors.context import GROUP as WORKER
from transport.job_follower import JobFollower
from transport.pace import Pace, Stopped
from transport.replay_jobs import Book, Job
from transport.settings import Settings
from transport.tail import Tail

LOOK_SECONDS: Final = 0.5
Say = Callable[[str], None]
Clock = Callable[[], int]


def now_ms() -> int:
    """Wall time, epoch ms."""
    return time.time_ns() // 1_000_000


def follow(settings: Settings, job: Job, by: tuple[str, str], say: Say, patience: float) -> Job:
    """Wait until the workers have done a job; writes the result. Raises StackError where no piece was done for `patience` seconds."""
    with closing(JobFollower(settings)) as jobs:
        left, since = len(job.pieces), time.monotonic()
        while True:
            jobs.look(LOOK_SECONDS)
            known = jobs.book.jobs.get(job.id)
            if known is None or not jobs.whole:
                continue
            open_ = len(list(jobs.book.open(known)))
            if open_ != left:
                say(f"{len(job.pieces) - open_}/{len(job.pieces)}")
                left, since = open_, time.monotonic()
            if not open_:
                return finished(settings, known, report_of(jobs.book, known), by)
            if known.state != "running":
                return known
            if time.monotonic() - since > patience:
                raise StackError(
                    f"Chưa phân vùng nào xong trong {patience:g} giây; lượt {job.id[:8]} vẫn chạy: `nhip replay show {job.id[:8]}`, "
                    "`nhip status` (tiến trình worker) / no partition was done; the job goes on where a worker runs"
                )


def report_of(book: Book, job: Job) -> dict[str, Any]:
    """What the rows of a job's pieces say together."""
    places = ("at", "next", "through", "bytes")
    return total([{k: v for k, v in book.row(job.id, piece).items() if k not in places} for piece in job.pieces])


def finished(settings: Settings, job: Job, report: dict[str, Any], by: tuple[str, str]) -> Job:
    """Write that a job has ended, with what it did."""
    done = replace(job.moved("failed" if report.get("error") else "done", now_ms()), report=report)
    ledger.keep(settings, done, "ended", *by)
    return done


def copied(settings: Settings, job: Job, by: tuple[str, str], say: Say) -> Job:
    """Make the copies of a job, here. Raises StackError, RestoreError, DeliveryError, KafkaException."""
    stop = threading.Event()
    with closing(Watch(settings, job, stop)) as watch:
        pace = Pace(job.rate, watch.behind, job.behind, stop)
        try:
            report = copy(settings, job, ledger.read(settings), pace, say)
        except Stopped:
            return watch.known
    return finished(settings, job, report, by)


class Watch:
    """Looks, a few times a second, whether a job may go on, and how far live work is behind. For one thread."""

    def __init__(self, settings: Settings, job: Job, stop: threading.Event) -> None:
        self.known, self._stop = job, stop
        self._jobs = JobFollower(settings)
        self._tails = [(Tail(settings, name), topics) for name, topics in groups(settings.topic_prefix).items() if name in (WORKER, SINK)]

    def behind(self) -> int:
        """Records that the slower of worker and sink is behind; sets `stop` where the job is no longer to run."""
        self._jobs.look(0.0)
        self.known = self._jobs.book.jobs.get(self.known.id, self.known)
        if self.known.state != "running":
            self._stop.set()
        return max((sum(tail.unfolded(tail.ends(topics)).values()) for tail, topics in self._tails), default=0)

    def close(self) -> None:
        """Close the connections."""
        self._jobs.close()
        for tail, _ in self._tails:
            tail.close()
