"""The writer: waits while a part is away, gives up only when told to, stops where waiting is of no use."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from sinks import writer as writers
from sinks.clickhouse import NotReady, Unavailable
from sinks.decode import Decoder
from sinks.plan import Plan
from sinks.refusals import Refusal
from sinks.stretch import Stretch
from sinks.tables import routes
from sinks.writer import Abandoned, Away, Batch, Writer
from tests.sinks.messages import encode, message, sample
from transport.schemas import load
from transport.topics import table

ROUTE = routes(table())["obs.trade"]


class Server:
    """A ClickHouse that fails as told, one error an attempt, then takes the block."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.tokens = list(errors), list[str]()

    def connect(self) -> Client:
        return cast(Client, self)

    def close(self) -> None:
        """Nothing to close."""

    def raw_insert(self, _table: str, _columns: Any, _block: bytes, settings: dict[str, str], fmt: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        assert fmt == "Arrow"
        self.tokens.append(settings["insert_deduplication_token"])


class Box:
    """Letters that are lost the first `away` times."""

    def __init__(self, away: int = 0) -> None:
        self.away, self.reasons = away, list[str]()

    def refuse(self, _: Stretch, refusals: Sequence[Refusal]) -> None:
        if self.away:
            self.away -= 1
            raise Away("dead.sinks")
        self.reasons += [r.reason for r in refusals]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(writers, "LONGEST_WAIT", 0.002)


def made(server: Server, box: Box) -> Writer:
    return Writer(server.connect, Decoder(lambda _: load("observation").raw), box)


def batch() -> Batch:
    good = encode("observation", sample("observation"))
    return Batch("obs.trade", 3, ROUTE, Plan(1, 3), Stretch.of([message(1, good), message(2, b"bad frame"), message(3, good)]), "token")


def test_what_may_pass_is_waited_for_and_goes_in_once_under_the_planned_token() -> None:
    server, box = Server(DatabaseError("too many parts", code=252), Unavailable("away"), DatabaseError("reset")), Box(away=2)
    written = made(server, box).write(batch())
    assert (written.rows, written.reasons) == (2, ("decode",))
    assert server.tokens == ["token"]
    assert box.reasons == ["decode"], "told once, before the insert"


def test_a_missing_table_stops() -> None:
    with pytest.raises(NotReady, match="60"):
        made(Server(DatabaseError("no table", code=60)), Box()).write(batch())


def test_a_batch_of_a_partition_that_has_gone_is_given_up() -> None:
    server, one = Server(*[DatabaseError("away")] * 10_000), batch()
    timer = threading.Timer(0.05, one.abandoned.set)
    timer.start()
    with pytest.raises(Abandoned):
        made(server, Box()).write(one)
    assert server.tokens == []
