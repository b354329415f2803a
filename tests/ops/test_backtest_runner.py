"""Backtests that were ordered: claimed once, told of as they go, stopped, given back, kept; through the real topic and the real tables."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboards.journal import KafkaJournal
from indicators.instant import DAY_MS
from ops import backtest_runner
from ops.backtest import BacktestError
from ops.backtest_main import serve
from ops.backtest_runner import CLAIM_MS, MOST_ATTEMPTS, TELL_MS, Job, Progress, Runner, Stopped, Watched
from tests.fixtures.stack import prepare
from tests.transport.test_backtest_orders import NOON, order
from transport.audit import Deed
from transport.backtest_follower import BacktestFollower
from transport.backtest_orders import ENDED, STALE_MS, BacktestBook, Order, Run, StopOrder
from transport.registry import Registry
from transport.settings import Settings
from transport.state_reader import read_partition


class Held:
    """A run that ends when it is told to."""

    def __init__(self) -> None:
        self.progress, self.closed = Progress(), False
        self.outcome: dict[str, Any] | None = None

    def ended(self) -> dict[str, Any] | None:
        return {"state": "stopped"} if self.progress.stop.is_set() else self.outcome

    def close(self, seconds: float) -> None:
        self.closed = True


class Wire:
    """One topic that several runners write and read; `lag`: what is written is read only by `read`."""

    def __init__(self) -> None:
        self.rows: list[tuple[bytes, bytes, int]] = []
        self.now = NOON

    def put(self, row: Order | StopOrder | Run) -> None:
        self.rows.append((row.key, row.body(), self.now))

    def runner(self) -> tuple[Runner, Held]:
        book, work = BacktestBook(), Held()
        made = Runner(book, self.put, lambda order: work, lambda: self.now)
        seen = 0
        step = made.step

        def read_and_step() -> None:
            nonlocal seen
            for row in self.rows[seen:]:
                book.take(*row)
            seen = len(self.rows)
            step()

        made.step = read_and_step  # type: ignore[method-assign]
        return made, work

    def runs(self) -> list[tuple[str, str]]:
        found = [Run.model_validate_json(body) for key, body, _ in self.rows if key.startswith(b"run|")]
        return [(run.runner, run.state) for run in found]


def test_two_runners_one_order_one_run() -> None:
    wire = Wire()
    wire.put(order())
    (a, mine), (b, other) = wire.runner(), wire.runner()
    a.step()
    b._book.take(*wire.rows[0])
    b._claim()  # at the same moment: it has not read the other's claim
    for _ in range(4):
        a.step()
        b.step()
    mine.outcome = {"state": "done", "same": 2}
    for _ in range(3):
        a.step()
        b.step()
    assert wire.runs() == [(a.name, "running"), (b.name, "running"), (a.name, "done")]
    assert other.progress.read == 0
    assert b._claimed is None


def test_told_as_it_goes_and_stopped_by_an_order() -> None:
    wire = Wire()
    wire.put(order())
    a, work = wire.runner()
    a.step()
    a.step()
    work.progress.read, work.progress.rows = 40, 100
    a.step()
    assert len(wire.runs()) == 1, "not before its time"
    wire.now += TELL_MS
    a.step()
    last = Run.model_validate_json(wire.rows[-1][1])
    assert (last.read, last.rows, last.state) == (40, 100, "running")
    wire.put(StopOrder(order="o1", actor="x", office="x", at=wire.now))
    a.step()
    assert wire.runs()[-1] == (a.name, "stopped")
    a.step()
    assert wire.runs()[-1] == (a.name, "stopped"), "and nothing more of it"


def test_what_a_stopping_process_gives_back_is_taken_at_once_and_what_a_dead_one_left_after_its_silence() -> None:
    wire = Wire()
    wire.put(order())
    (a, work), (b, _) = wire.runner(), wire.runner()
    a.step()
    a.step()
    a.close(0.0)
    assert (work.closed, wire.runs()[-1]) == (True, (a.name, "ordered"))
    b.step()
    b.step()
    assert (wire.runs()[-1], b._work is None) == ((b.name, "running"), False)
    c, _ = wire.runner()  # b dies without a word
    c.step()
    assert c._claimed is None
    wire.now += STALE_MS + 1
    c.step()
    c.step()
    assert (wire.runs()[-1], c._work is None) == ((c.name, "running"), False)
    wire.now += 1
    b.step()
    assert b._work is None, "it finds that another took over, and ends its own"


def test_a_run_that_takes_its_process_down_is_given_up() -> None:
    wire = Wire()
    wire.put(order())
    a, _ = wire.runner()
    a.step()
    a.step()
    a.close(0.0)  # a restart in good order is no attempt
    for _ in range(MOST_ATTEMPTS):
        dying, _ = wire.runner()
        dying.step()
        dying.step()
        assert dying._work is not None
        wire.now += STALE_MS + 1
    last, _ = wire.runner()
    for _ in range(3):
        last.step()
    assert wire.runs()[-1] == (last.name, "failed")
    assert "choose a shorter stretch" in Run.model_validate_json(wire.rows[-1][1]).said
    assert last._claimed is None


def test_a_claim_that_never_comes_back_is_forgotten() -> None:
    wire = Wire()
    made = Runner(book := BacktestBook(), lambda run: None, lambda order: Held(), lambda: wire.now)
    book.take(order().key, order().body(), NOON)
    made.step()
    wire.now += CLAIM_MS
    made.step()
    assert made._claimed is not None
    wire.now += 1
    made.step()
    assert made._claimed is None


class Rows:
    def rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        return iter([{"n": 3}] if sql.startswith("SELECT count()") else [{"x": n} for n in range(3)])


def test_history_is_counted_and_can_be_left_between_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress()
    found = Watched(Rows(), progress).rows("SELECT x FROM y", {})
    assert next(found) == {"x": 0}
    assert (progress.read, progress.rows) == (1, 3)
    progress.stop.set()
    with pytest.raises(Stopped):
        next(found)
    with pytest.raises(BacktestError, match="choose a shorter stretch"):
        next(Watched(Rows(), Progress(ends=0.0)).rows("SELECT x FROM y", {}))


@pytest.mark.parametrize(("raised", "said"), [
    (BacktestError("không có lịch sử / no history"), "không có lịch sử"), (OSError("đĩa đầy / disk full"), "đĩa đầy"),
    (ZeroDivisionError("x"), "a fault of the program"), (Stopped(), ""),
])  # fmt: skip
def test_whatever_goes_wrong_ends_this_run_alone_and_is_told(monkeypatch: pytest.MonkeyPatch, raised: Exception, said: str) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(backtest_runner, "over_history", fails)
    job = Job(Settings.load(), order(rule="GN-DTC-CHAM-KE-HOACH"))
    job._thread.join(30)
    ended = job.ended()
    assert ended is not None
    assert ended["state"] == ("failed" if said else "stopped")
    assert said in ended.get("said", "")
    gone = Job(Settings.load(), order(rule="KHONG-CO"))
    gone._thread.join(30)
    assert "no more" in (gone.ended() or {})["said"]


def until(true: Callable[[], bool], what: str, seconds: float = 120) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


@pytest.mark.stack
@pytest.mark.loopback
@pytest.mark.timeout(300)
def test_an_order_of_the_board_is_run_over_the_tables_and_kept(settings: Settings, database: Client) -> None:
    """The process itself: from the board's journal to the rows of `backtests`, seen by a board's follower; a second order is stopped."""
    own = settings.model_copy(update={"backtests_metrics_port": 0})
    prepare(own, "ops.backtests", "ops.audit")
    journal, moved, stop = KafkaJournal(own, lambda: Registry(own)), list[str](), threading.Event()
    wanted = order("o1", "GN-DTC-CHAM-KE-HOACH").model_copy(update={"since": NOON - DAY_MS, "until": NOON})
    deed = Deed(at=NOON, actor="phantich", did="rules.backtest", on=wanted.rule, run="o1", via="board")

    async def ordered() -> None:
        await journal.backtest(wanted, deed)
        await journal.backtest(wanted.model_copy(update={"id": "o2"}), deed)
        await journal.backtest(StopOrder(order="o2", actor="phantich", office="phantich", at=NOON), deed)

    asyncio.run(ordered())
    follower = BacktestFollower(own, moved.append)
    follower.start()
    process = threading.Thread(target=serve, args=(own, stop), daemon=True)
    process.start()
    try:
        until(lambda: follower.book.state("o1") in ENDED if follower.whole else False, "the order has not ended")
        run = follower.book.runs["o1"]
        assert (run.state, run.said, run.same, run.only_now) == ("done", "", 0, 0)
        assert (follower.book.state("o2"), "o2" in follower.book.runs) == ("stopped", False), "taken back before its turn"
        kept = database.query("SELECT rule, mark, toUnixTimestamp64Milli(since), toUnixTimestamp64Milli(until) FROM backtests").result_rows
        assert kept == [(wanted.rule, "ran", NOON - DAY_MS, NOON)]
        assert set(moved) == {wanted.rule}
        audited = [m for batch in read_partition(own, f"{own.topic_prefix}ops.audit", 0) for m in batch]
        assert len(audited) == 3
    finally:
        stop.set()
        process.join(30)
        follower.stop()
    assert not process.is_alive()
