"""Backtests ordered on the board, one at a time: claims an order, judges the rule in a thread, tells how far it is, keeps what it found.

Everything it knows of orders comes from the topic (transport/backtest_orders.py), so a restart or a second process beside it continues
where the topic stands: a run that was cut off is run again from its beginning, for a backtest changes nothing but its own rows.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from indicators.rule import RuleBook
from ops.backtest import BacktestError, History, Outcomes
from ops.backtest_history import over_history
from ops.upkeep.boundary import why
from transport.backtest_orders import BacktestBook, Order, Run
from transport.settings import Settings

TELL_MS: Final = 2_000
CLAIM_MS: Final = 10_000
MOST_ATTEMPTS: Final = 2
"""A run that took its process down as often is given up: history too long for the memory would do it again and again."""
LONGEST_SECONDS: Final = 3_600.0
"""A run that takes longer is given up: one waits for the other."""

log = structlog.get_logger(__name__)


class Stopped(Exception):
    """The run was to end before its end."""


@dataclass(slots=True)
class Progress:
    """How far a run is: rows of history `read` of `rows`. Written by its thread, read by another."""

    read: int = 0
    rows: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    ends: float = field(default_factory=lambda: time.monotonic() + LONGEST_SECONDS)


class Watched:
    """History whose rows are counted ahead and as they are read. Raises Stopped, BacktestError where the run takes too long."""

    def __init__(self, history: History, progress: Progress) -> None:
        self._history, self._progress = history, progress

    def rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """See History."""
        progress = self._progress
        progress.rows += sum(int(row["n"]) for row in self._history.rows(f"SELECT count() AS n FROM ({sql})", values))
        for row in self._history.rows(sql, values):
            if progress.stop.is_set():
                raise Stopped
            if time.monotonic() > progress.ends:
                minutes = int(LONGEST_SECONDS // 60)
                raise BacktestError(f"quá {minutes} phút, dừng; chọn khoảng thời gian ngắn hơn / took too long: choose a shorter stretch")
            progress.read += 1
            yield row


class Work(Protocol):
    """A run under way."""

    @property
    def progress(self) -> Progress:
        """How far it is."""

    def ended(self) -> dict[str, Any] | None:
        """What becomes of the order, as fields of Run; None while it goes on."""

    def close(self, seconds: float) -> None:
        """Ask it to end and wait at most so long."""


class Job:
    """The run of one order in a thread of its own."""

    def __init__(self, settings: Settings, order: Order) -> None:
        self.progress = Progress()
        self._settings, self._order = settings, order
        self._ended: dict[str, Any] | None = None
        self._thread = threading.Thread(target=self._run, name="backtest", daemon=True)
        self._thread.start()

    def ended(self) -> dict[str, Any] | None:
        """See Work."""
        return self._ended

    def close(self, seconds: float) -> None:
        """See Work."""
        self.progress.stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            found = self._found()
            self._ended = {"state": "done", "same": len(found.same), "only_now": len(found.only_now), "only_then": len(found.only_then)}
        except Stopped:
            self._ended = {"state": "stopped"}
        except BacktestError as error:
            self._ended = {"state": "failed", "said": str(error)}
        except Exception as error:
            # The edge of the run: whatever a catalogue, a server or we did wrong ends this run alone, and is told where it was ordered.
            log.exception("a backtest failed", order=self._order.id, rule=self._order.rule)
            fault = f"lỗi của chương trình, xem nhật ký backtests / a fault of the program, see the log: {type(error).__name__}"
            self._ended = {"state": "failed", "said": why(error) or fault}

    def _found(self) -> Outcomes:
        rule = RuleBook.load(self._settings.home).rules.get(self._order.rule)
        if rule is None:
            raise BacktestError(f"{self._order.rule}: không còn quy tắc này / the rule is no more")
        stretch = self._order.since, self._order.until
        return over_history(self._settings, rule, stretch, keep=True, watched=lambda history: Watched(history, self.progress))


class Runner:
    """One step at a time; the caller reads the topic into the book between steps. `tell` writes a row, durable when it returns; `begin`
    starts a run; `clock`: epoch ms."""

    def __init__(
        self, book: BacktestBook, tell: Callable[[Run], None], begin: Callable[[Order], Work], clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._book, self._tell, self._begin, self._clock = book, tell, begin, clock
        self.name = uuid.uuid4().hex
        self._claimed: Order | None = None
        self._work: Work | None = None
        self._told, self._attempt = 0, 1

    def step(self) -> None:
        """Claim an order, begin it once the claim stands, tell of it, end it."""
        if self._claimed is None:
            self._claim()
        elif self._work is not None:
            self._follow(self._claimed, self._work)
        elif self._mine(self._claimed):
            self._start(self._claimed)
        elif self._taken(self._claimed) or self._clock() - self._told > CLAIM_MS:
            self._claimed = None  # another was first, or the claim never came back

    def close(self, seconds: float) -> None:
        """Give back what is under way, so that another process need not wait for silence, then end it."""
        if self._claimed is not None and self._mine(self._claimed):
            self._say(self._claimed, state="ordered")
        if self._work is not None:
            self._work.close(seconds)

    def _claim(self) -> None:
        order = self._book.next(self._clock())
        if order is not None:
            before = self._book.runs.get(order.id)
            self._attempt = 1 if before is None else before.attempt + (before.state == "running")
            self._claimed = order
            self._say(order, state="running")

    def _start(self, order: Order) -> None:
        if self._attempt > MOST_ATTEMPTS:
            self._say(
                order, state="failed", said=f"{MOST_ATTEMPTS} lần làm dừng tiến trình (thường do thiếu bộ nhớ); chọn khoảng ngắn hơn / "
                "it took its process down as often: choose a shorter stretch",
            )  # fmt: skip
            self._claimed = None
            return
        log.info("backtest begins", order=order.id, rule=order.rule, attempt=self._attempt)
        self._work = self._begin(order)

    def _mine(self, order: Order) -> bool:
        run = self._book.runs.get(order.id)
        return run is not None and run.runner == self.name and run.state == "running"

    def _taken(self, order: Order) -> bool:
        """Does another process work on it?"""
        return self._book.state(order.id) != "ordered" and not self._mine(order) and not self._book.silent(order.id, self._clock())

    def _follow(self, order: Order, work: Work) -> None:
        if order.id in self._book.stops or not self._mine(order):
            work.progress.stop.set()
        ended = work.ended()
        if ended is not None:
            if self._mine(order):
                self._say(order, **ended)
            log.info("backtest ended", order=order.id, rule=order.rule, state=ended["state"])
            self._claimed = self._work = None
        elif self._clock() - self._told >= TELL_MS:
            self._say(order, state="running")

    def _say(self, order: Order, **fields: Any) -> None:
        self._told = self._clock()
        progress = self._work.progress if self._work is not None else Progress()
        far = {"read": progress.read, "rows": progress.rows, "attempt": self._attempt}
        self._tell(Run(order=order.id, runner=self.name, at=self._told, **far, **fields))
