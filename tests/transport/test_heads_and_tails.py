"""Read with keys, messages come out as without: cold, warm, broken, of several schemas, in a table of heads that begins anew."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transport.records import Record, Schemas, changed, encode, observation, observations, records, rows
from tests.transport.test_columnar_reader import BROKEN, NAMES, SMALL, STRANGE_BUT_GOOD, small
from transport import arrow_buffers, body_source, heads
from transport.columnar_reader import ColumnarReader, Decoded
from transport.framing import frame
from transport.schemas import load

OBSERVATION = load("observation")
GOOD = observations(6)


def reader(name: str = "observation", more: dict[int, dict[str, Any]] | None = None) -> ColumnarReader:
    """A reader that knows no head yet; `more`: further schemas by id."""
    return ColumnarReader(name, Schemas({1: load(name).raw} | (more or {})))


def same(one: Decoded, other: Decoded) -> None:
    """Rows, types, places and refusals are equal."""
    assert one.frame.schema == other.frame.schema
    assert repr(rows(one)) == repr(rows(other))  # repr: a nan equals itself
    assert one.frame["index"].to_list() == other.frame["index"].to_list()
    assert [(r.index, r.reason) for r in one.refused] == [(r.index, r.reason) for r in other.refused]
    for row in range(one.frame.height):
        assert repr({name: one.record(row)[name] for name in one.frame.columns if name != "index"}) == repr(rows(other)[row])


def keyed(one: ColumnarReader, messages: list[bytes | None], keys: list[bytes]) -> None:
    """Cold, then warm, then in another order: as without keys."""
    plain = one.read(list(messages))
    same(one.read(list(messages), keys), plain)
    same(one.read(list(messages), keys), plain)
    same(one.read(messages[::-1], keys[::-1]), one.read(messages[::-1]))


READERS = {name: reader(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6)
@given(data=st.data())
def test_every_list_of_every_schema(name: str, data: st.DataObject) -> None:
    made: list[Record] = data.draw(st.lists(records(load(name)), max_size=4))
    more = [data.draw(st.sampled_from(made)) | {f["name"]: draw[f["name"]] for f in load(name).fields[2:]}
            for draw in data.draw(st.lists(records(load(name)), max_size=2))] if made else []  # fmt: skip
    messages: list[bytes | None] = [encode(load(name), record) for record in made + more]
    keys = data.draw(st.lists(st.sampled_from([b"a", b"b"]), min_size=len(messages), max_size=len(messages)))
    keyed(READERS[name], messages, keys)


@settings(max_examples=50)
@given(data=st.data())
def test_every_corruption_is_judged_as_without_keys(data: st.DataObject) -> None:
    message = bytearray(GOOD[2])
    at = data.draw(st.integers(0, len(message) - 1))
    end = min(len(message), at + data.draw(st.integers(0, 12)))
    message[at:end] = data.draw(st.one_of(st.binary(max_size=12), st.just(bytes([message[at] ^ 1 << data.draw(st.integers(0, 7))]))))
    one = READERS["observation"]
    one._heads = one._new_heads()
    if data.draw(st.booleans()):
        one.read(list(GOOD), [b"k"] * 6)
    keyed(one, [GOOD[0], GOOD[1], bytes(message), GOOD[3], GOOD[4]], [b"k"] * 5)


@pytest.fixture
def small_reader(monkeypatch: pytest.MonkeyPatch) -> ColumnarReader:
    from transport import columnar_reader
    from transport.schemas import of

    monkeypatch.setattr(columnar_reader, "load", lambda name: of(name, SMALL))
    return ColumnarReader("small", Schemas({1: SMALL}))


@pytest.mark.parametrize("what", [*BROKEN, *STRANGE_BUT_GOOD])
def test_broken_and_unusual_bodies(what: str, small_reader: ColumnarReader, capfd: Any) -> None:
    message = BROKEN[what][0] if what in BROKEN else STRANGE_BUT_GOOD[what]
    empty = small(flags=b"\x00")
    keyed(small_reader, [empty, message, small(), empty], [b"k"] * 4)
    assert capfd.readouterr().err == ""  # no panic of the reader in the log


NUMBERS = [0, 1, -1, 127, -128, 255, 1 << 31, -(1 << 31), (1 << 55) - 1, 1 << 63, -(1 << 63), -(1 << 63) - 1, (1 << 64) - 1, 1 << 64,
           10**26, -(10**26), 10**38 - 1, 1 - 10**38]  # fmt: skip


def test_decimals_of_every_length(small_reader: ColumnarReader) -> None:
    """Written as short as possible, and in sixteen bytes as the state rows have them."""
    messages: list[bytes | None] = []
    for number in NUMBERS:
        for size in {(number.bit_length() + 8) // 8, 16}:
            digits = number.to_bytes(size, "big", signed=True)
            messages.append(small(value=b"\x02" + bytes([2 * size]) + digits, flags=b"\x00"))
    messages.append(small(value=b"\x00", flags=b"\x00"))
    keyed(small_reader, messages, [b"k"] * len(messages))
    keyed(small_reader, messages[:3], [b"k"] * 3)


def test_texts_of_every_length_at_the_end_of_the_chunk() -> None:
    for size in (0, 1, 3, 4, 5, 11, 12, 13, 40, 64, 700):
        message = encode(OBSERVATION, observation(source_record_id="ổ" * (size // 3) + "x" * (size % 3), trace_id="y" * size, text=None))
        keyed(reader(), [GOOD[0], message], [b"k", b"k"])


def test_a_known_head_is_neither_walked_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    one = reader()
    one.read(list(GOOD), [b"k"] * 6)
    monkeypatch.setattr(body_source.BodySource, "read", _fail)
    decoded = one.read(list(observations(50)), [b"k"] * 50)
    assert decoded.frame["value"].to_list() == [Decimal(number) / 8 for number in range(50)]
    assert len(decoded.heads) == 1
    assert decoded.head.tolist() == [0] * 50


def _fail(*_: object) -> None:
    raise AssertionError("a message with a known head was read whole")


def test_several_schemas_and_refusals_beside_each_other() -> None:
    def older(raw: dict[str, Any]) -> None:
        raw["fields"] = [f for f in raw["fields"] if f["name"] not in ("trace_id", "component")]
        next(f for f in raw["fields"] if f["name"] == "status")["type"]["symbols"] = ["deleted", "preliminary", "rumoured"]

    def moved(raw: dict[str, Any]) -> None:
        raw["fields"].insert(0, raw["fields"].pop([f["name"] for f in raw["fields"]].index("event_time")))

    schemas = {2: changed("observation", older), 3: changed("observation", moved)}
    old = {k: v for k, v in observation(3).items() if k not in ("trace_id", "component")}
    messages: list[bytes | None] = [
        GOOD[0], encode(schemas[2], old, 2), None, encode(schemas[3], observation(4), 3), GOOD[1][:-1], b"\x07" + GOOD[2][1:],
        encode(schemas[2], old | {"status": "rumoured"}, 2), frame(9) + b"abc", GOOD[2].replace(b"vnaccs", b"vn\xff\xffcs"),
        GOOD[3].replace(b"305512345670-3", b"3055123456\xff\xff-3"), GOOD[4], b"",
    ]  # fmt: skip
    one = reader(more={number: schema.raw for number, schema in schemas.items()})
    keyed(one, messages, [b"k"] * len(messages))
    assert [r.reason for r in one.read(list(messages), [b"k"] * len(messages)).refused] == [
        "decode", "truncated", "decode", "contract", "schema_unknown", "wrong_encoding", "wrong_encoding", "truncated",
    ]  # fmt: skip


def test_a_table_of_heads_that_is_full_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "LIMIT", 3)
    one = reader()
    messages: list[bytes | None] = [encode(OBSERVATION, observation(n, provider=f"p{n}")) for n in range(4)]
    first = one.read(list(messages), [b"%d" % n for n in range(4)])
    again = one.read(list(messages), [b"%d" % n for n in range(4)])
    assert again.heads is not first.heads
    same(again, first)


def test_columns_give_the_joined_messages_back() -> None:
    one = reader()
    one.read(list(GOOD), [b"k"] * 6)
    before = arrow_buffers.lent()
    decoded = one.read(list(GOOD), [b"k"] * 6)
    column = decoded.frame["source_record_id"]
    del decoded
    assert arrow_buffers.lent() > before
    assert column.to_list() == [f"305512345670-{n}" for n in range(6)]
    del column
    assert arrow_buffers.lent() == before
    assert pl.Series(arrow_buffers.decimals(np.array([-1]), np.array([(1 << 64) - 1], np.uint64), None)).to_list() == [Decimal("-0.000001")]
