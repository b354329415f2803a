"""Blocks: every schema of every routed topic, what is left out, and what is refused with its reason."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from sinks.decode import Decoder
from sinks.refusals import EARLIEST, LATEST
from sinks.stretch import Stretch
from sinks.tables import routes
from tests.sinks.messages import SCHEMA_ID, encode, message, sample
from transport.schema_ids import SchemaUnknown
from transport.schemas import load
from transport.topics import table

ROUTES = routes(table())


def decoder(schema: str) -> Decoder:
    def resolver(number: int) -> dict[str, Any]:
        if number != SCHEMA_ID:
            raise SchemaUnknown(str(number))
        return load(schema).raw

    return Decoder(resolver)


def observation(**changes: Any) -> bytes:
    return encode("observation", sample("observation") | changes)


def test_every_topic_but_the_work_of_the_workers_has_a_route() -> None:
    left = {name for name in table() if name not in ROUTES}
    assert left == {name for name in table() if name.startswith("operands.")} | {"ops.replay.jobs", "ops.backtests"}


@pytest.mark.parametrize("topic", sorted({next(t for t in ROUTES if ROUTES[t] == r) for r in ROUTES.values() if r.reading == "avro"}))
def test_each_schema_becomes_exactly_the_columns_of_its_route(topic: str) -> None:
    route = ROUTES[topic]
    value = encode(route.schema, sample(route.schema))
    block = decoder(route.schema).block(route, Stretch.of([message(n, value, topic=topic) for n in (5, 9)]))
    assert block.frame.columns == list(route.columns)
    assert block.refused == []
    assert block.frame["offset"].to_list() == [5, 9]
    assert block.frame["partition"].to_list() == [3, 3]
    assert block.frame["topic"].cast(pl.String).to_list() == [topic, topic]


def test_tombstones_and_position_rows_say_nothing() -> None:
    value = encode("aggregate", sample("aggregate"))
    messages = [message(1, None), message(2, value, key=b"\x00pos"), message(3, value), message(4, b"\x00\x00\x00\x00\x07broken")]
    block = decoder("aggregate").block(ROUTES["agg.trade"], Stretch.of(messages))
    assert block.frame["offset"].to_list() == [3]
    assert [r.index for r in block.refused] == [3], "the place in the batch, not among those that say something"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(b"no frame", "decode"), (b"\x00", "truncated"), (b"\x00\x00\x00\x00\x63x", "schema_unknown"), (observation() + b"!", "decode")],
)
def test_a_bad_message_is_refused_alone(bad: bytes, reason: str) -> None:
    block = decoder("observation").block(
        ROUTES["obs.trade"], Stretch.of([message(1, observation()), message(2, bad), message(3, observation())])
    )
    assert block.frame["offset"].to_list() == [1, 3]
    assert [(r.index, r.reason) for r in block.refused] == [(1, reason)]


@pytest.mark.parametrize("key", [None, b"\xff\xfe"])
def test_a_record_of_no_series_is_refused(key: bytes | None) -> None:
    block = decoder("observation").block(
        ROUTES["obs.trade"], Stretch.of([message(1, observation(), key=key), message(2, observation())])
    )
    assert block.frame["series"].to_list() == ["k"]
    assert [(r.index, r.reason, r.field) for r in block.refused] == [(0, "contract", "key")]


@pytest.mark.parametrize("instant", [EARLIEST - 1, LATEST + 1, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("field", ["event_time", "published_at"])
def test_an_instant_clickhouse_would_bend_is_refused(field: str, instant: int) -> None:
    messages = [message(at, observation(**{field: value})) for at, value in ((1, instant), (2, LATEST), (3, EARLIEST))]
    block = decoder("observation").block(ROUTES["obs.trade"], Stretch.of(messages))
    assert block.frame["offset"].to_list() == [2, 3]
    assert [(r.index, r.reason, r.field) for r in block.refused] == [(0, "impossible_date", field)]


def test_a_dead_letter_keeps_its_bytes_even_without_a_readable_header() -> None:
    header = [("nhip-dead-letter", encode("dead_letter", sample("dead_letter")))]
    messages = [
        message(1, b"\xff\x00raw", key=b"\xfe", headers=header, topic="dead.stage1"),
        message(2, b"other", key=None, headers=None, topic="dead.stage1"),
        message(3, None, headers=[("nhip-dead-letter", b"broken")], topic="dead.stage1"),
    ]
    block = decoder("dead_letter").block(ROUTES["dead.stage1"], Stretch.of(messages, letters=True))
    assert block.refused == [], "a dead letter is never refused: it would go round for ever"
    assert block.frame["body"].to_list() == [b"\xff\x00raw", b"other", b""]
    assert block.frame["original_key"].to_list() == [b"\xfe", b"", b"k"]
    assert block.frame["stage"].to_list() == ["a", "stage1", "stage1"]
    assert block.frame["dead_letter_id"].n_unique() == 3
