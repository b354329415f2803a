"""Replay as operators order it: what options mean, what a job's rows say, pace, and copies that are made once however often they die."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # public, but not marked so
from typer.testing import CliRunner

from ops.cli import cli
from ops.commands.options import taking
from ops.replay import copying, ledger, running, words
from ops.replay.order import Range, instant, pieces
from ops.replay.preview import total
from ops.stack.control import StackError
from ops.upkeep import origin
from tests.fixtures.stack import prepare
from transport.kafka_clients import CountingProducer, admin, producer
from transport.pace import Pace, Stopped
from transport.replay_jobs import Book, Job, Piece, piece_key
from transport.selection import Condition, Selection, SelectionError
from transport.settings import Settings
from transport.state_reader import read_partition

PIECE = Piece("obs.trade", 3, 10, 40)
NOW = 1_767_200_400_000


def job(**changes: Any) -> Job:
    """A job for one piece."""
    fields: dict[str, Any] = {"id": "j1", "target": "pipeline", "state": "running", "actor": "an", "why": "w", "created": NOW,
                              "changed": NOW, "pieces": (PIECE,)}  # fmt: skip
    return Job(**fields | changes)


@pytest.mark.parametrize(
    ("text", "holds"),
    [("value>=12.5", True), ("value>12.5", False), ("value!=3", True), ("status=revised", True), ("status < b", False),
     ("reference=", True), ("reference!=x", True), ("cumulative=false", True), ("revision<=1", True)],
)  # fmt: skip
def test_a_condition_compares_numbers_as_numbers_and_text_as_text(text: str, holds: bool) -> None:
    record = {"value": Decimal("12.5"), "status": "revised", "reference": None, "cumulative": False, "revision": 1}
    assert Condition.parse(text).holds(record) is holds


def test_a_condition_that_cannot_be_meant_is_said() -> None:
    with pytest.raises(SelectionError, match=r"value>=12\.5"):
        Condition.parse("value")
    with pytest.raises(SelectionError, match="no such field"):
        Condition.parse("valeu=1").holds({"value": 1})
    with pytest.raises(SelectionError, match="is a number"):
        Condition.parse("value>x").holds({"value": 1})


def test_a_selection_takes_keys_by_their_parts_and_travels_as_json() -> None:
    chosen = Selection(indicators=("vn-1012/D.1",), territories=("01",), where=(Condition("value", ">", "1"),))
    assert chosen.takes_key(b"vn-1012/D.1|rain|01|station:x||actual")
    assert not chosen.takes_key(b"vn-1012/D.1|rain|31|station:x||actual")
    assert not chosen.takes_key(None)
    assert Selection.of(json.loads(json.dumps(chosen.plain()))) == chosen
    assert Selection().takes_key(None)


def test_a_job_comes_back_from_its_row_and_its_pieces_say_how_far_it_is() -> None:
    book, one = Book(), job(selection=Selection(keys=("k",)))
    book.take(one.key, one.body())
    book.take(b"job|x", b"no json")
    book.take(b"other", b"{}")
    assert book.jobs == {"j1": one}
    assert list(book.open(one)) == [PIECE]
    assert book.running("pipeline") == [one]
    book.take(piece_key("j1", PIECE), b'{"done": true, "records": 7}')
    assert book.running("pipeline") == []
    assert book.row("j1", PIECE)["records"] == 7


def test_an_order_is_refused_where_the_state_does_not_allow_it(settings: Settings) -> None:
    with pytest.raises(StackError, match="done"):
        ledger.ordered(settings, job(state="done"), "running", ("an", "w"), NOW)
    with pytest.raises(StackError, match="nhip replay list"):
        ledger.find(Book(), "j")


def test_reports_of_pieces_are_added() -> None:
    one = {"records": 2, "alerts": {"would_fire": 1}, "examples": [["k", [1, 2], [3, 4]]], "done": True}
    found = total([one, one | {"error": "e"}])
    assert (found["records"], found["alerts"], len(found["examples"]), found["error"]) == (4, {"would_fire": 2}, 2, "e")
    said = "\n".join(words.of_report(found | {"stored": None}))
    assert "2 cảnh báo / alerts: sẽ mở" in said
    assert "1 bản ghi, tổng / sum 0,000002 → 3 bản ghi" in said


def test_times_are_those_of_viet_nam() -> None:
    assert instant("01/01/2026 00:00") == 1_767_200_400_000
    assert instant("") == 0
    with pytest.raises(StackError, match="dd/mm/yyyy"):
        instant("yesterday")


class Clock:
    """Goes on by itself a little, and by what is waited."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class Waits(threading.Event):
    """An event on which waiting moves the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now += timeout or 0.0
        return self.is_set()


def test_a_rate_is_kept_and_live_work_goes_first() -> None:
    clock, left = Clock(), [900, 900, 0, 0, 0, 0, 0, 0, 0, 0]
    pace = Pace(100, lambda: left.pop(0) if left else 0, 500, stop := Waits(clock), clock)
    pace.take(50)
    assert pace.waited >= 0.4, "two looks found live work behind"
    pace.take(50)
    assert 1.0 <= clock.now - pace.waited < 1.2
    stop.set()
    with pytest.raises(Stopped):
        pace.take(1)


def test_a_command_of_a_dataclass_needs_one() -> None:
    with pytest.raises(TypeError, match="int is no dataclass"):
        taking(int)


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: settings))
    return lambda *arguments: CliRunner().invoke(cli, ["replay", *arguments], catch_exceptions=False)


@pytest.mark.stack
@pytest.mark.skipif("LONG_TESTS" not in os.environ, reason="long: LONG_TESTS=1, on a quiet machine")
@pytest.mark.timeout(120)
def test_copies_are_made_once_though_the_process_dies_between(
    settings: Settings, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "groups", lambda prefix: {})  # of the product's topics this test has made three
    prepare(settings, "obs.prices", "ops.audit", "ops.replay.jobs")
    new = NewTopic(f"{settings.topic_prefix}copy", 2, 1)
    client = admin(settings)  # one that is let go answers nothing more
    client.create_topics([new])[new.topic].result(30)
    out, full = CountingProducer(producer(settings)), f"{settings.topic_prefix}obs.prices"
    for n in range(60):
        out.publish(full, b"a" if n % 3 else b"b", b"%d" % n, [("h", b"x")], partition=n % 2, timestamp=NOW + n * 1000)
    out.flush()
    assert [p.records for p in pieces(settings, Range(topic="obs.prices", since=NOW + 20_000))] == [20, 20]
    for target, where in (("--to-topic", "copy"), ("--to-file", str(tmp_path / "copy.jsonl"))):
        planned = run("plan", "--topic", "obs.prices", "--since", "01/01/2026 00:00:20", "--key", "a", target, where)
        assert "27 bản ghi được chọn" in planned.stdout, planned.stdout
        identity = re.search(r"replay run (\w{8})", planned.stdout)[1]  # type: ignore[index]
        monkeypatch.setattr(copying, "reach", _dies_once())
        with pytest.raises(_DiedError):
            run("run", identity, "--why", "thử")
        assert run("resume", identity).exit_code == 0
    copies = [m for p in range(2) for batch in read_partition(settings, f"{settings.topic_prefix}copy", p) for m in batch]
    lines = [json.loads(line) for line in (tmp_path / "copy.jsonl").read_text().splitlines()]
    wanted = sorted(n for n in range(20, 60) if n % 3)
    assert sorted(int(m.value() or b"") for m in copies) == wanted
    assert sorted(line["offset"] * 2 + line["partition"] for line in lines) == wanted
    headers: dict[str, Any] = dict(copies[0].headers() or ())
    first = origin.unpack(headers["origin"])
    assert (headers["h"], first.topic, copies[0].timestamp()[1]) == (b"x", full, first.timestamp)
    assert "2 lượt / jobs" in run("list").stdout
    with pytest.raises(StackError, match="done"):
        run("pause", identity)
    assert "27 bản ghi đã chép" in run("show", identity).stdout


class _DiedError(RuntimeError):
    """Stands for a kill: nothing after it is done."""


def _dies_once() -> Callable[[str], None]:
    died: list[str] = []

    def reach(point: str) -> None:
        died.append(point)
        if len(died) == 3:  # the first piece is done; of the second the records are written and its row is not
            raise _DiedError

    return reach

