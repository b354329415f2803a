"""Orders of backtests on the wire: one order, one runner at a time, whatever comes twice, late or broken."""

from __future__ import annotations

from transport.backtest_orders import STALE_MS, BacktestBook, Order, Run, StopOrder
from transport.settings import HOME
from transport.topics import table

NOON = 1_790_830_800_000


def order(name: str = "o1", rule: str = "R1") -> Order:
    return Order(id=name, rule=rule, since=1, until=2, actor="Phân tích", office="phantich", why="thử mức", at=NOON)


def run(state: str = "running", runner: str = "a", name: str = "o1") -> Run:
    return Run.model_validate({"order": name, "runner": runner, "state": state, "at": NOON})


def book(*rows: Order | StopOrder | Run, at: int = NOON) -> BacktestBook:
    made = BacktestBook()
    for n, row in enumerate(rows):
        made.take(row.key, row.body(), at + n)
    return made


def test_the_oldest_order_that_nobody_works_on_is_next() -> None:
    found = book(order(), order("o2"), order(), run())
    assert [one.id for one in found.open()] == ["o1", "o2"]
    assert found.next(NOON) == order("o2")
    assert found.state("o1") == "running"
    done = book(order(), run(), run("done"))
    assert (done.state("o1"), done.next(NOON), done.open()) == ("done", None, [])
    assert [one.id for one in found.of_rule("R1")] == ["o2", "o1"]


def test_the_first_claim_counts_until_its_process_is_silent() -> None:
    both = book(order(), run(runner="a"), run(runner="b"))
    assert both.runs["o1"].runner == "a"
    assert both.next(NOON + STALE_MS) is None
    late = NOON + STALE_MS + 10
    assert both.next(late) == order()
    taken = run(runner="b")
    both.take(taken.key, taken.body(), late)
    assert both.runs["o1"].runner == "b"
    former = run("done", runner="a")
    both.take(former.key, former.body(), late + 1)
    assert both.state("o1") == "running", "who was silent speaks no more"


def test_what_was_given_back_is_taken_at_once_and_what_ended_stays_ended() -> None:
    back = book(order(), run(), run("ordered"))
    assert back.next(NOON) == order()
    assert book(order(), run(), run("done"), run("running", "b")).state("o1") == "done"
    assert book(order(), StopOrder(order="o1", actor="x", office="x", at=NOON)).state("o1") == "stopped"
    stopped = book(order(), run(), StopOrder(order="o1", actor="x", office="x", at=NOON))
    assert (stopped.state("o1"), "o1" in stopped.stops) == ("running", True), "who runs it ends it"


def test_a_row_that_is_none_stops_nobody() -> None:
    found = book(order())
    for key, body in ((b"order|x", b"{"), (b"order|x", order("x").body().replace(b'"until":2', b'"until":1')), (b"run|x", b"[]")):
        found.take(key, body, NOON)
    found.take(None, b"", NOON)
    found.take(b"else|x", b"{}", NOON)
    found.take(b"order|x", None, NOON)
    assert (list(found.orders), found.unreadable) == (["o1"], 3)
    assert Order.model_validate_json(order().body()[:-1] + b',"later":1}') == order(), "a field of a later version is left out"


def test_the_topic_is_kept_for_ever_in_the_brokers_time() -> None:
    topic = table("x.")["x.ops.backtests"]
    assert (topic.partitions, topic.cleanup, topic.append_time) == (1, "compact", True)
    assert (HOME / "catalogue").exists()
