"""Columns against records: both readers agree on every list, and every corruption is refused alone while its neighbours survive."""

from __future__ import annotations

import resource
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transport.records import Record, Schemas, alone, encode, observations, records, rows
from transport import avro_container
from transport.avro_container import ContainerError
from transport.body_fault import BodyFault
from transport.columnar_reader import ColumnarReader
from transport.framing import encode_long, encode_string, frame
from transport.message_chunk import Chunk
from transport.records import AvroDecoder, DecodeError
from transport.schemas import Schema, load
from transport.topics import MAX_MESSAGE_BYTES, table

NAMES = sorted({t.schema for t in table().values() if t.schema} | {"dead_letter"})
OBSERVATION = load("observation")


REGISTRY = Schemas({1: OBSERVATION.raw})
READER = ColumnarReader("observation", REGISTRY)
READERS = {name: ColumnarReader(name, Schemas({1: load(name).raw})) for name in NAMES}
DECODERS = {name: AvroDecoder(name, Schemas({1: load(name).raw})) for name in NAMES}
GOOD = observations(5)


def judged(message: bytes) -> tuple[Record | None, DecodeError | None]:
    """What the reader of single records says."""
    try:
        return DECODERS["observation"].decode(message), None
    except DecodeError as error:
        return None, error


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12)
@given(data=st.data())
def test_both_readers_agree_on_every_list(name: str, data: st.DataObject) -> None:
    made = data.draw(st.lists(records(load(name)), max_size=4))
    messages = [encode(load(name), record) for record in made]
    decoded = READERS[name].read(list(messages))
    assert decoded.refused == []
    assert rows(decoded) == [DECODERS[name].decode(m) for m in messages] == made
    assert decoded.frame["index"].to_list() == list(range(len(made)))


@settings(max_examples=250)
@given(data=st.data())
def test_every_corruption_is_judged_alike_and_harms_no_neighbour(data: st.DataObject) -> None:
    body = bytearray(GOOD[2][5:])
    how = data.draw(st.sampled_from(["flip", "cut", "add", "insert", "delete", "replace"]))
    at = data.draw(st.integers(0, len(body) - 1))
    if how == "flip":
        body[at] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "cut":
        del body[at:]
    elif how == "add":
        body += data.draw(st.binary(min_size=1, max_size=9))
    elif how == "insert":
        body[at:at] = data.draw(st.binary(min_size=1, max_size=12))
    elif how == "delete":
        del body[at : at + data.draw(st.integers(1, 12))]
    else:
        body[at : at + 12] = data.draw(st.binary(min_size=12, max_size=12))
    messages = [GOOD[0], GOOD[1], GOOD[2][:5] + bytes(body), GOOD[3], GOOD[4]]
    decoded = READER.read(list(messages))
    record, fault = judged(messages[2])
    if fault is None:  # bytes of a text or a number changed: another good record
        assert decoded.refused == []
        assert repr(rows(decoded)[2]) == repr(record)
    else:
        reason = alone(decoded, 5, 2)
        # Columns find a text that is not UTF-8 after everything else: the reason is the same, the field may be another such text.
        assert reason == fault.reason
        assert decoded.refused[0].field == fault.field or reason == "wrong_encoding"
    survivors = [row for row, i in zip(rows(decoded), decoded.frame["index"], strict=True) if i != 2]
    assert survivors == [DECODERS["observation"].decode(m) for i, m in enumerate(messages) if i != 2]


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 6}
SMALL = {
    "type": "record", "name": "Small", "doc": "d", "fields": [
        {"name": "text", "type": "string"}, {"name": "value", "type": ["null", DECIMAL]}, {"name": "number", "type": "int"},
        {"name": "state", "type": {"type": "enum", "name": "S", "symbols": ["a", "b", "c"]}}, {"name": "yes", "type": "boolean"},
        {"name": "flags", "type": {"type": "array", "items": "string"}}, {"name": "time", "type": "long"},
        {"name": "real", "type": "double"},
    ],
}  # fmt: skip


def small(
    text: bytes = encode_string("x1"), value: bytes = b"\x02\x06\x0f\x42\x40", number: bytes = b"\x04", state: bytes = b"\x02",
    yes: bytes = b"\x01", flags: bytes = b"\x02\x02q\x00", time: bytes = encode_long(1_790_000_000_000), tail: bytes = b"",
) -> bytes:  # fmt: skip
    return frame(1) + text + value + number + state + yes + flags + time + struct.pack("<d", 1.5) + tail


@pytest.fixture
def small_reader(monkeypatch: pytest.MonkeyPatch) -> ColumnarReader:
    from transport import columnar_reader
    from transport.schemas import of

    monkeypatch.setattr(columnar_reader, "load", lambda name: of(name, SMALL))
    return ColumnarReader("small", Schemas({1: SMALL}))


BROKEN = {
    "trailing bytes": (small(tail=b"\x01\x02\x03"), "decode", ""),
    "trailing continuation bytes": (small(tail=b"\x80\x80"), "decode", ""),
    "truncated": (small()[:-3], "truncated", "real"),
    "empty": (b"", "truncated", ""),
    "a frame alone": (frame(1), "truncated", "text"),
    "no magic byte": (b"\x01" + small()[1:], "decode", ""),
    "length 2^40": (small(text=encode_long(1 << 40)), "truncated", "text"),
    "length 2^62": (small(text=encode_long(1 << 62)), "truncated", "text"),
    "length -5": (small(text=encode_long(-5)), "decode", "text"),
    "not UTF-8": (small(text=b"\x04\xff\xfe"), "wrong_encoding", "text"),
    "a surrogate": (small(text=b"\x06\xed\xa0\x80"), "wrong_encoding", "text"),
    "flag not UTF-8": (small(flags=b"\x02\x02\xff\x00"), "wrong_encoding", "flags"),
    "union index 5": (small(value=encode_long(5) + b"\x06\x0f\x42\x40"), "decode", "value"),
    "union index -1": (small(value=encode_long(-1) + b"\x06\x0f\x42\x40"), "decode", "value"),
    "decimal of 17 bytes": (small(value=b"\x02" + encode_long(17) + b"\x01" + bytes(16)), "out_of_range", "value"),
    "decimal of 39 digits": (small(value=b"\x02" + encode_long(16) + (10**38).to_bytes(16, "big")), "out_of_range", "value"),
    "enum 3 of 3": (small(state=encode_long(3)), "decode", "state"),
    "enum -1": (small(state=encode_long(-1)), "decode", "state"),
    "boolean 2": (small(yes=b"\x02"), "decode", "yes"),
    "int of 36 bits": (small(number=encode_long(1 << 35)), "out_of_range", "number"),
    "int below the least": (small(number=encode_long(-(1 << 31) - 1)), "out_of_range", "number"),
    "integer of 12 bytes": (small(time=b"\xff" * 12), "decode", "time"),
    "integer over 64 bits": (small(time=b"\xff" * 9 + b"\x7f"), "out_of_range", "time"),
    "2^40 items": (small(flags=encode_long(1 << 40) + b"\x00"), "truncated", "flags[1]"),
    "2^33 empty items": (small(flags=encode_long(1 << 33) + bytes(64)), "truncated", "flags[80]"),
    "-2^40 items": (small(flags=encode_long(-(1 << 40)) + encode_long(5) + b"\x00"), "truncated", "flags[1]"),
    "block of another size": (small(flags=encode_long(-1) + encode_long(9) + b"\x02q\x00"), "decode", "flags"),
    "unknown schema": (frame(77) + small()[5:], "schema_unknown", ""),
    "too long": (small(tail=bytes(MAX_MESSAGE_BYTES)), "too_large", ""),
    "tombstone": (None, "decode", ""),
}


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_body_is_refused_alone(what: str, place: int, small_reader: ColumnarReader, capfd: Any) -> None:
    bad, reason, field = BROKEN[what]
    messages: list[bytes | None] = [small(), small()]
    messages.insert(place, bad)
    decoded = small_reader.read(messages)
    assert alone(decoded, 3, place) == reason
    assert decoded.refused[0].field == field or (what == "2^33 empty items" and field.startswith("flags"))
    assert [row["text"] for row in rows(decoded)] == ["x1", "x1"]
    assert capfd.readouterr().err == ""  # no panic of the reader in the log


STRANGE_BUT_GOOD = {
    "two blocks": small(flags=b"\x02\x02q\x02\x02r\x00"),
    "a block with its size": small(flags=encode_long(-1) + encode_long(2) + b"\x02q\x00"),
    "padded integers": small(time=b"\x82\x80\x80\x00", number=b"\x82\x80\x80\x00"),
    "an empty decimal": small(value=b"\x02\x00"),
    "a hundred items": small(flags=encode_long(100) + b"\x02q" * 100 + b"\x00"),
    "the least long": small(time=encode_long(-(1 << 63))),
    "a long text": small(text=encode_string("dòng sông " * 30)),
}


@pytest.mark.parametrize("what", STRANGE_BUT_GOOD)
def test_unusual_but_valid_bodies_are_read(what: str, small_reader: ColumnarReader) -> None:
    decoded = small_reader.read([small(), STRANGE_BUT_GOOD[what], small()])
    assert decoded.refused == []
    expected = {
        "two blocks": ("flags", ["q", "r"]), "a block with its size": ("flags", ["q"]), "padded integers": ("time", 1),
        "an empty decimal": ("value", Decimal(0)), "a hundred items": ("flags", ["q"] * 100), "the least long": ("time", -(1 << 63)),
        "a long text": ("text", "dòng sông " * 30),
    }  # fmt: skip
    column, value = expected[what]
    assert rows(decoded)[1][column] == value


def test_a_claimed_length_allocates_nothing(small_reader: ColumnarReader) -> None:
    small_reader.read([small()])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    small_reader.read([small(text=encode_long(1 << 40)), small(flags=encode_long(1 << 40)), small(text=encode_long(1 << 62))])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


def test_no_messages_are_no_rows_with_all_columns() -> None:
    decoded = READER.read([])
    assert decoded.frame.columns == [f["name"] for f in OBSERVATION.fields] + ["index"]
    assert decoded.frame.schema == READER.read(list(GOOD)).frame.schema
    assert READER.read([b"", None]).frame.schema == decoded.frame.schema
    assert decoded.frame.schema["status"] == pl.Enum(OBSERVATION.symbols("status"))
    assert decoded.frame.schema["value"] == pl.Decimal(38, 6)
    assert decoded.frame.schema["event_time"] == pl.Int64


@settings(max_examples=15)
@given(data=st.data())
def test_records_read_one_by_one_make_the_same_frame(data: st.DataObject) -> None:
    """The last resort, with every type at its limits, gives what columns give."""
    made = data.draw(st.lists(records(OBSERVATION), min_size=1, max_size=4))
    messages = [encode(OBSERVATION, record) for record in made]
    source = READER._source(1)
    chunk = Chunk(list(messages), np.arange(len(messages)))
    assert source._one_by_one(chunk).equals(READER.read(list(messages)).frame)
    assert chunk.refused == []


@pytest.mark.parametrize("bad", [0, 100, 299])
def test_should_polars_refuse_a_whole_body_it_is_found_by_halves(bad: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second line: a body the walk lets through and polars does not is left to fastavro, its neighbours to polars."""
    messages = observations(300)
    reads: list[int] = []
    real = avro_container.Container.read

    def refusing(self: avro_container.Container, joined: avro_container.Joined) -> pl.DataFrame:
        reads.append(len(joined.ends))
        if messages[bad] in joined.data:
            raise ContainerError("refused by the test")
        return real(self, joined)

    monkeypatch.setattr(avro_container.Container, "read", refusing)
    decoded = READER.read(list(messages))
    assert decoded.refused == []
    assert decoded.frame["source_record_id"].to_list() == [f"305512345670-{n}" for n in range(300)]
    assert len(reads) == 7  # 300, 150, 75 and 37 or 38 on the way to the bad one, and the good halves beside it


@pytest.mark.parametrize(
    "spoil",
    [lambda b: b + b"\x80", lambda b: b[:-2], lambda b: b[:-1] + encode_long(9)[:1] + b"abcdefghijk"],
    ids=["longer", "shorter", "shifted"],
)
def test_guards_and_sentinel_catch_what_the_walk_would_miss(spoil: Any) -> None:
    """Each line holds alone: with the walk left out, no container with a broken body is accepted."""
    source = READER._source(1)
    for at in range(5):
        messages = list(GOOD)
        messages[at] = spoil(messages[at])
        with pytest.raises(ContainerError):
            source._container.read(source._container.join(messages, np.array([len(m) for m in messages])))


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, method: str) -> list[str]:
    """Grows by one entry at each call of a method."""
    calls: list[str] = []
    real = getattr(owner, method)

    def count(*arguments: Any) -> Any:
        calls.append(method)
        return real(*arguments)

    monkeypatch.setattr(owner, method, count)
    return calls


POISON: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda m: m[:-3],
    "longer": lambda m: m + b"x",
    "not UTF-8": lambda m: m.replace(b"vnaccs", b"vn\xff\xffcs"),
    "enum": lambda m: m.replace(b"\x06USD\x00", b"\x06USD\x66"),
    "empty": lambda m: b"",
    "noise": lambda m: bytes(range(1, 60)),
}


@pytest.mark.parametrize("what", POISON)
def test_one_percent_of_poison_costs_one_reading_and_one_exact_walk_each(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spread evenly, so that no half is clean. The cost is counted, not timed: one read by polars, no more exact walks than bad bodies."""
    messages: list[bytes] = observations(2000)
    for at in range(50, 2000, 100):
        messages[at] = POISON[what](messages[at])
    reads = counted(monkeypatch, avro_container.Container, "read")
    walks = counted(monkeypatch, BodyFault, "find")
    decoded = READER.read(list(messages))
    assert [r.index for r in decoded.refused] == list(range(50, 2000, 100))
    assert decoded.frame.height == 1980
    assert len(reads) == 1
    assert len(walks) <= 20


def test_long_arrays_are_read_by_column() -> None:
    """A parent of a thousand communes lists a thousand operands: walked alone, then read with the others."""
    mark = {"role": "part", "series": "s", "topic": "t", "partition": 1, "generation": 0, "through": 5, "value": Decimal("1.5")}
    derived: Schema = load("derived")
    record = {f["name"]: _plain_value(f["type"]) for f in derived.fields} | {"operands": [mark] * 1000}
    decoded = READERS["derived"].read([encode(derived, record | {"operands": []}), encode(derived, record)])
    assert decoded.refused == []
    assert [len(row["operands"]) for row in rows(decoded)] == [0, 1000]


def _plain_value(kind: Any) -> Any:
    if isinstance(kind, list):
        return None
    if isinstance(kind, dict):
        return {"enum": kind.get("symbols", [""])[0], "array": [], "long": 0}[kind["type"]]
    return {"string": "", "int": 0, "long": 0, "boolean": False}[kind]
