"""The worker of `nhip run worker`, as it is, on the customs group only, with a clock around it; prints one JSON object and ends.

The clock runs from the start of the first fold to the acknowledgement of the commit that brings the committed inputs to `--records`;
processor time (user and system, all threads) is taken at the same two instants. It starts no earlier because a worker starts once a month.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from stream_processors.main import main as run_worker
from stream_processors.stage1 import Stage1
from transport.columnar_reader import ColumnarReader
from transport.settings import Settings
from transport.transactions import Rows, Transaction

GROUP: Final = "trade"
STEPS: Final[dict[str, tuple[type, str]]] = {
    "decode": (ColumnarReader, "read"), "admit": (Stage1, "admit"), "rows": (Stage1, "_rows"), "fold": (Stage1, "fold"),
}  # fmt: skip
"""What is timed: decode is a part of admit, admit and rows are parts of fold."""


class Instant(NamedTuple):
    """Wall and processor time, seconds."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Instant:
        """Both clocks."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return cls(time.perf_counter(), used.ru_utime + used.ru_stime)


class Meter:
    """What the run costs. `done` is called once, when `wanted` inputs are committed."""

    def __init__(self, wanted: int, done: Callable[[], None]) -> None:
        self._wanted, self._done = wanted, done
        self._positions: dict[tuple[str, int], int] = {}
        self.began: Instant | None = None
        self.ended: Instant | None = None
        self.seconds = dict.fromkeys((*STEPS, "commit"), 0.0)
        self.commits = self.rows = 0

    def watch_stage(self) -> None:
        """Time the steps of stage 1; the clock of the run starts with the first fold."""
        fold = Stage1.fold

        def first_fold(stage: Stage1, records: Sequence[Any], first: int, next_offset: int) -> list[Rows]:
            if self.began is None:
                self.began = Instant.now()
            return fold(stage, records, first, next_offset)

        Stage1.fold = first_fold  # type: ignore[method-assign, assignment]
        for name, (owner, method) in STEPS.items():
            self._time(name, owner, method)

    def _time(self, name: str, owner: type, method: str) -> None:
        inner, seconds = getattr(owner, method), self.seconds

        def timed(*arguments: Any) -> Any:
            started = time.perf_counter()
            found = inner(*arguments)
            seconds[name] += time.perf_counter() - started
            return found

        setattr(owner, method, timed)

    def committed(self, source: tuple[str, int], next_offset: int, rows: int, seconds: float) -> None:
        """One transaction is through; of stage 1 or of stage 2, whose inputs are none of the load's."""
        if source[0].endswith(f"obs.{GROUP}"):
            self._positions[source] = next_offset
        self.commits += 1
        self.rows += rows
        self.seconds["commit"] += seconds
        if self.ended is None and sum(self._positions.values()) >= self._wanted:
            self.ended = Instant.now()
            self._done()

    def report(self) -> dict[str, Any]:
        """Figures of the run; steps in microseconds of wall time per observation."""
        assert self.began is not None, "no input was folded"
        assert self.ended is not None, "the worker stopped before all inputs were committed"
        wall, cpu = self.ended.wall - self.began.wall, self.ended.cpu - self.began.cpu
        seconds = {**self.seconds, "beside folds": wall - self.seconds["fold"]}
        return {
            "records": self._wanted, "seconds": wall, "cpu_seconds": cpu, "commits": self.commits, "rows": self.rows,
            "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "steps_us": {name: s / self._wanted * 1e6 for name, s in seconds.items()},
        }  # fmt: skip


class MeteredTransaction:
    """A lane's transaction that tells the meter."""

    def __init__(self, inner: Transaction, meter: Meter) -> None:
        self._inner, self._meter = inner, meter

    async def start(self) -> None:
        """As the inner one."""
        await self._inner.start()

    async def stop(self) -> None:
        """As the inner one."""
        await self._inner.stop()

    async def commit(self, source: tuple[str, int], next_offset: int, rows: Sequence[Rows]) -> None:
        """As the inner one, timed: the wall time of a commit overlaps other partitions' folds."""
        started = time.perf_counter()
        await self._inner.commit(source, next_offset, rows)
        self._meter.committed(source, next_offset, sum(len(r.keys) for r in rows), time.perf_counter() - started)


def main() -> int:
    """Run the worker until the inputs are committed; exit status of the worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, required=True)
    options = parser.parse_args()
    settings = Settings.load()
    meter = Meter(options.records, lambda: os.kill(os.getpid(), signal.SIGTERM))
    meter.watch_stage()
    status = run_worker(settings, (GROUP,), writer=lambda name, group: MeteredTransaction(Transaction(settings, name, group), meter))
    if status == 0:
        print(json.dumps(meter.report()))
    return status


if __name__ == "__main__":
    sys.exit(main())
