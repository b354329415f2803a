"""Live changes: from messages to what one reader's page is told; and from a topic to the hub, without asking for it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import ExitStack
from decimal import Decimal
from typing import Any, cast

import pytest
from confluent_kafka import Message

from dashboards.accounts import Account
from dashboards.board import Visit
from dashboards.database import Database
from dashboards.events import MOST_OF_ONE, Streams, event, permitted, state, stream
from dashboards.live import MOST_PENDING, Change, Follower, Hub, Reader, Subscriber, _changes, backtest_moved
from dashboards.settings import BoardSettings
from tests.dashboards.conftest import ANALYST, DUTY, LEADER, PROVINCE, Seeded, made
from tests.dashboards.seeds import NOW_MS
from tests.fixtures.stack import prepare
from tests.sinks.messages import encode, message, sample
from transport.kafka_clients import CountingProducer, producer
from transport.records import AvroEncoder
from transport.registry import Registry
from transport.schemas import load
from transport.settings import Settings

STATION = "vn-1012/D.1|river_level|01|station:TV-HANOI||actual"


class Schemas:
    """A registry of our own schemas under one id each message kind."""

    def __init__(self, name: str) -> None:
        self.schema = lambda _number: load(name).raw


def read(topic: str, schema: str, record: dict[str, Any], key: bytes = b"k") -> Change | None:
    return Reader(cast(Registry, Schemas(schema)), "p.").change(message(1, encode(schema, record), key=key, topic=f"p.{topic}"))


def test_messages_become_changes() -> None:
    alert = read(
        "alerts.current", "alert_event", sample("alert_event") | {"alert_id": "a1", "severity": 4, "condition": "active", "territory": "25"}
    )
    assert alert is not None
    assert (alert.kind, alert.key, alert.severity, alert.territory) == ("alert", "alert:a1", 4, "25")
    derived = sample("derived") | {
        "kind": "ratio",
        "formula": "F02.province",
        "territory": "31",
        "subject_type": "",
        "subject_id": "",
        "deleted": False,
    }
    result = read("derived.finance_budget", "derived", derived)
    assert result is not None
    assert (result.kind, result.key, result.depth) == ("result", "F02.province|31|", 0)
    assert read("derived.finance_budget", "derived", derived | {"deleted": True}) is None
    part = read("derived.trade", "derived", derived | {"formula": "SET.x", "result": "SET.x|31||hs2=61|2026"})
    assert part is not None
    assert (part.depth, part.key) == (1, "SET.x|31||hs2=61")
    level = read("agg.emergency", "aggregate", sample("aggregate") | {"latest": Decimal("9.54")}, STATION.encode())
    assert level is not None
    assert (level.kind, level.value, level.depth) == ("series", Decimal("9.54"), 0)
    project = "vn-1012/A.II.3||31|project:DA-1||actual"
    moved = read("agg.finance_budget", "aggregate", sample("aggregate"), project.encode())
    assert moved is not None
    assert (moved.kind, moved.value, moved.indicator) == ("moved", None, "vn-1012/A.II.3"), "of parts only that they moved"


def test_what_cannot_be_read_is_left_out() -> None:
    reader = Reader(cast(Registry, Schemas("derived")), "")
    for value, key in ((None, b"k"), (b"x", b"k"), (b"\0\0\0\0\7x", b"k"), (encode("aggregate", sample("aggregate")), b"\0pos")):
        for topic in ("derived.trade", "agg.trade", "alerts.current"):
            assert reader.change(message(1, value, key=key, topic=topic)) is None
    assert _changes(reader, cast("list[Message]", [])) == []


def test_a_slow_page_keeps_the_newest_of_each_thing() -> None:
    async def talk() -> None:
        hub = Hub()
        hub.publish([])
        with hub.subscribed() as one:
            assert hub.viewers == 1
            for value in (1, 2, 3):
                hub.publish([change("result", "F02.province|31|", value=Decimal(value))])
            await asyncio.sleep(0)
            assert [c.value for c in await one.take(1)] == [Decimal(3)]
            assert await one.take(0.001) == []
        assert hub.viewers == 0
        crowded = Subscriber()
        crowded.give([change("moved", f"k{i}") for i in range(MOST_PENDING + 50)])
        found = await crowded.take(1)
        assert len(found) == MOST_PENDING
        assert found[-1].key == f"k{MOST_PENDING + 49}"

    asyncio.run(talk())


def change(kind: str, key: str, **changes: Any) -> Change:
    base = Change(kind, key, "guide-7146/F02", "31", 0, NOW_MS, measure_unit="percent")
    return dataclasses.replace(base, **changes)


def visit_of(seeded: Seeded, account: Account) -> Visit:
    board = made(seeded.settings)
    return Visit(board, account, board.sessions.begin(account, NOW_MS), "vi", NOW_MS)


@pytest.mark.loopback
def test_a_page_is_told_what_its_reader_may_know(seeded: Seeded) -> None:
    here = change("result", "F02.province|31|", value=Decimal("70.5"))
    there = change("result", "F02.province|25|", territory="25")
    hospital = change("result", "F36.hospital|01|BV", indicator="guide-7146/F36", territory="01", depth=2)
    series = change(
        "series",
        "guide-7146/T14.ICU|occupied|01|hospital:BV-01-5||actual",
        series="guide-7146/T14.ICU|occupied|01|hospital:BV-01-5||actual",
        indicator="guide-7146/T14.ICU",
        territory="01",
        depth=2,
    )
    moved = change("moved", "moved:guide-7146/T14.ICU|01", indicator="guide-7146/T14.ICU", territory="01")
    run = backtest_moved("GN-DTC-CHAM-KE-HOACH", NOW_MS)
    every = [here, there, hospital, series, moved, run, change("moved", "x", territory="99999")]

    async def seen(account: Account) -> list[str]:
        visit = visit_of(seeded, account)
        found = [c.key for c in await permitted(visit, every)]
        await visit.board.database.close()
        return found

    assert asyncio.run(seen(PROVINCE)) == [here.key, run.key], "that a rule is run over history is told to every reader"
    assert asyncio.run(seen(LEADER)) == [here.key, there.key, run.key], "restricted hospitals and what is made of them are withheld"
    assert asyncio.run(seen(DUTY)) == [here.key, there.key, run.key]
    assert asyncio.run(seen(ANALYST)) == [c.key for c in every[:6]]


@pytest.mark.loopback
def test_a_province_hears_of_a_backtest_and_of_nothing_that_was_found(seeded: Seeded) -> None:
    async def talk() -> None:
        visit = visit_of(seeded, PROVINCE)
        told = stream(visit, Streams())
        await anext(told)
        elsewhere = change("moved", "moved:guide-7146/F02|25", territory="25")
        visit.board.hub.publish([backtest_moved("GN-DTC-CHAM-KE-HOACH", NOW_MS), elsewhere])
        events = [json.loads(line[6:]) for line in (await anext(told)).decode().splitlines() if line.startswith("data: ")]
        await told.aclose()
        await visit.board.database.close()
        indicator = "backtest/GN-DTC-CHAM-KE-HOACH"
        assert events == [{"kind": "moved", "key": f"moved:{indicator}", "indicator": indicator, "territory": "VN"}]

    asyncio.run(talk())


@pytest.mark.loopback
def test_a_stream_says_whether_it_is_live_tells_changes_and_ends_with_the_session(seeded: Seeded) -> None:
    async def talk() -> None:
        visit = visit_of(seeded, LEADER)
        streams = Streams()
        told = stream(visit, streams)
        assert b"retry: 2000" in await anext(told)
        visit.board.hub.publish(
            [change("result", "F02.province|31|", value=Decimal("70.5")), change("alert", "alert:a9", title_vi="Dòng\nhai", severity=3)]
        )
        said = (await anext(told)).decode()
        assert '"text": "70,50%"' in said
        assert '"words": "cảnh báo"' in said
        assert "Dòng\\nhai" in said, "one event stays one event"
        assert state(visit.board) == b'event: state\ndata: {"live": false}\n\n'
        visit.board.accounts.put(LEADER.model_copy(update={"clearance": 1}))
        with pytest.raises(StopAsyncIteration):
            await anext(told)
        visit.board.accounts.put(LEADER)
        assert streams.room("lanhdao")
        with ExitStack() as open_ones:
            for _ in range(MOST_OF_ONE):
                open_ones.enter_context(streams.one("lanhdao"))
            assert not streams.room("lanhdao")
        assert event(visit, change("series", STATION, value=Decimal("9.54"), measure_unit=""))
        await visit.board.database.close()

    asyncio.run(talk())


@pytest.mark.loopback
def test_what_cannot_be_judged_now_is_told_later(adrift: BoardSettings, seeded: Seeded) -> None:
    async def talk() -> None:
        board = made(adrift)
        visit = Visit(board, LEADER, board.sessions.begin(LEADER, NOW_MS), "vi", NOW_MS)
        told = stream(visit, Streams())
        await anext(told)
        board.hub.publish([change("result", "F02.province|31|", value=Decimal("70.5"))])
        assert b"event: change" not in await anext(told), "without ClickHouse nobody knows what is withheld"
        board.database, lost = Database(seeded.settings), board.database
        assert "70,50%" in (await anext(told)).decode()
        await told.aclose()
        await lost.close()
        await board.database.close()
        one = Subscriber()
        one.give([change("result", "a", value=Decimal(2))])
        one.put_back([change("result", "a", value=Decimal(1)), change("result", "b")])
        assert [(c.key, c.value) for c in await one.take(1)] == [("a", Decimal(2)), ("b", None)], "the newer one stays"

    asyncio.run(talk())


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_a_change_in_a_topic_reaches_the_pages(settings: Settings) -> None:
    own = BoardSettings.load(**settings.model_dump())
    prepare(settings, "alerts.current", "derived.finance_budget")
    hub = Hub()
    follower = Follower(own, hub, lambda: Registry(own))

    async def talk() -> list[Change]:
        with hub.subscribed() as subscriber, Registry(own) as registry:
            follower.start()
            await asyncio.to_thread(follower.following.wait, 60)
            encoder = AvroEncoder("alert_event", registry.id_of("alerts.current"))
            record = sample("alert_event") | {"alert_id": "a7", "territory": "25", "severity": 4, "condition": "active"}
            out = CountingProducer(producer(own))
            async with asyncio.timeout(60):
                while True:  # the consumer's first position may lie behind the first message
                    out.publish(f"{own.topic_prefix}alerts.current", b"a7", encoder.encode(record))
                    out.flush()
                    found = await subscriber.take(2)
                    if found:
                        return found

    try:
        found = asyncio.run(talk())
    finally:
        follower.stop()
    assert [(c.kind, c.key, c.severity) for c in found] == [("alert", "alert:a7", 4)]
