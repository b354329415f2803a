"""Rows written by column are ordinary Avro: both readers read back what was put in, and so does the writer itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.wide import Wide
from tests.transport.records import EXACT, Record, encode, values
from transport.columnar_reader import ColumnarReader
from transport.columnar_writer import LONG_LIMIT, AvroDecoder, AvroEncoder, EncodeError, FixedTail, RowWriter, TailError, join
from transport.framing import encode_long, frame, schema_id
from transport.schemas import SchemaError, load, of

TAILS = {"pane": ("pane", "through"), "aggregate": ("h1_count", "through")}
WRITERS = {name: RowWriter(load(name), 7, *ends) for name, ends in TAILS.items()}
DECODERS = {name: AvroDecoder(name, lambda _, name=name: load(name).raw) for name in TAILS}  # type: ignore[misc]
READERS = {name: ColumnarReader(name, lambda _, name=name: load(name).raw) for name in TAILS}  # type: ignore[misc]


def cell(kind: str, field: dict[str, Any]) -> st.SearchStrategy[Any]:
    if kind in ("long", "timestamp"):
        return st.one_of(st.integers(-LONG_LIMIT, LONG_LIMIT - 1), st.integers(-70, 70))
    return values(field["type"])


def column(kind: str, field: dict[str, Any], cells: list[Any]) -> Any:
    if kind == "decimal":
        return Wide.from_ints([int(EXACT.scaleb(value, 6)) for value in cells])
    if kind == "enum":
        return np.array([field["type"]["symbols"].index(value) for value in cells])
    return np.array(cells)


@pytest.mark.parametrize("name", TAILS)
@settings(max_examples=25)
@given(data=st.data())
def test_rows_are_read_back_by_both_readers_and_the_writer(name: str, data: st.DataObject) -> None:
    schema, writer = load(name), WRITERS[name]
    tail, fields = writer.tail, {f["name"]: f for f in schema.fields}
    leading = [f for f in schema.fields if f["name"] not in tail.kinds][: schema.index(TAILS[name][0])]
    following = schema.fields[schema.index(TAILS[name][1]) + 1 :]
    made: list[Record] = []
    for _ in range(data.draw(st.integers(1, 4))):
        made.append({f["name"]: data.draw(cell(tail.kinds.get(f["name"], ""), f)) for f in schema.fields})
    prefixes = [writer.prefix({f["name"]: record[f["name"]] for f in leading}) for record in made]
    columns = {n: column(kind, fields[n], [record[n] for record in made]) for n, kind in tail.kinds.items()}
    suffixes = [writer.suffix({f["name"]: record[f["name"]] for f in following}) for record in made]
    messages = writer.rows(prefixes, columns, suffixes)
    decoded = READERS[name].read(list(messages))
    assert decoded.refused == []
    assert decoded.frame.drop("index").to_dicts() == [DECODERS[name].decode(m) for m in messages] == made
    back = tail.unpack(tail.cut(messages, [len(p) for p in prefixes]))
    for n, values_back in back.items():
        given_column = columns[n]
        if isinstance(values_back, Wide):
            assert values_back.to_ints() == given_column.to_ints()
        else:
            assert values_back.tolist() == given_column.tolist()


def columns_of(tail: FixedTail, rows: int = 2) -> dict[str, Any]:
    return {n: Wide.zeros(rows) if kind == "decimal" else np.zeros(rows, np.int64) for n, kind in tail.kinds.items()}


def pane(**changes: Any) -> Record:
    """A pane of zeros, as a record."""
    writer = WRITERS["pane"]
    leading = {"series": "s", "kind": "hour"}
    return DECODERS["pane"].decode(writer.rows([writer.prefix(leading)], columns_of(writer.tail, 1))[0]) | changes


def test_a_tail_without_suffix_is_the_end_of_each_row() -> None:
    tail = WRITERS["pane"].tail
    packed = tail.pack(columns_of(tail) | {"count": np.array([3, 4])})
    rows = join([b"a", b"longer"], packed)
    assert [len(row) for row in rows] == [tail.size + 1, tail.size + 6]
    assert tail.unpack(tail.cut(rows))["count"].tolist() == [3, 4]  # type: ignore[union-attr]
    assert tail.unpack(packed.tobytes())["count"].tolist() == [3, 4]  # type: ignore[union-attr]


def test_arrays_after_the_tail_are_empty_unless_given() -> None:
    writer = WRITERS["aggregate"]
    rows = writer.rows([writer.prefix({"series": "s"})] * 2, columns_of(writer.tail))
    assert [DECODERS["aggregate"].decode(row)["rules"] for row in rows] == [[], []]
    assert schema_id(rows[0]) == 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": np.array([1, LONG_LIMIT])}, "«count» .long. has a value outside"),
        ({"count": np.array([1, -LONG_LIMIT - 1])}, "«count» .long. has a value outside"),
        ({"inexact": np.array([1, 1 << 31])}, "«inexact» .int. has a value outside"),
        ({"count": np.array([1])}, "different lengths"),
        ({"unheard_of": np.array([1, 2])}, "missing or unknown: unheard_of"),
        ({"sum": np.array([1, 2])}, "«sum» takes a Wide"),
        ({"count": Wide.zeros(2)}, "«count» .long. takes an array"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    tail = WRITERS["pane"].tail
    with pytest.raises(EncodeError, match=message):
        tail.pack(columns_of(tail) | changes)


def test_enum_numbers_are_checked() -> None:
    tail = FixedTail(load("pane"), "kind", "pane")
    with pytest.raises(EncodeError, match="«kind»"):
        tail.pack({**columns_of(tail), "kind": np.array([0, 4])})


def test_rows_of_another_writer_are_noticed() -> None:
    """fastavro writes integers as short as they are: such a row is not of fixed width and must not be taken for one."""
    tail = WRITERS["pane"].tail
    good = WRITERS["pane"].rows([WRITERS["pane"].prefix({"series": "s" * 200, "kind": "hour"})], columns_of(tail, 1))[0]
    other = encode(load("pane"), pane(series="s" * 200))
    with pytest.raises(TailError, match="were not written by this writer") as caught:
        tail.unpack(tail.cut([good, other, good]))
    assert caught.value.rows.tolist() == [1]
    with pytest.raises(TailError):
        tail.cut([good, b"short"])


@pytest.mark.parametrize(("name", "first_byte"), [("pane", 0x00), ("inexact", 0x00), ("sum", 30), ("kind", 0x01), ("kind", 0x08)])
def test_each_kind_of_field_is_checked_for_its_layout(name: str, first_byte: int) -> None:
    tail = FixedTail(load("pane"), name, name)
    data = tail.pack(columns_of(tail, 3)).tobytes()
    assert len(tail.unpack(data)[name]) == 3
    broken = data[: tail.size] + bytes([first_byte]) + data[tail.size + 1 :]
    with pytest.raises(TailError) as caught:
        tail.unpack(broken)
    assert caught.value.rows.tolist() == [1]


@pytest.mark.parametrize(("first", "last"), [("series", "through"), ("indicator", "event_time")])
def test_fields_without_fixed_width_cannot_be_in_a_tail(first: str, last: str) -> None:
    name = "pane" if first == "series" else "condition"
    with pytest.raises(SchemaError, match="has no fixed width"):
        FixedTail(load(name), first, last)
    with pytest.raises(SchemaError, match="no field «nothing»"):
        FixedTail(load("pane"), "nothing", "through")


def test_a_record_that_does_not_fit_is_refused_by_field_and_never_by_value() -> None:
    encoder = AvroEncoder("pane", 3)
    with pytest.raises(EncodeError, match="field «kind» is missing"):
        encoder.encode({"series": "a"})
    with pytest.raises(EncodeError, match="no field secret"):
        encoder.encode({"series": "a", "secret": 1})
    with pytest.raises(EncodeError, match="field «sum» does not take a Decimal") as caught:
        encoder.encode(pane(sum=Decimal("1.2345678")))
    assert "1.2345678" not in str(caught.value)
    assert encoder.encode(pane())[:5] == frame(3)


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_integers_of_the_frame_are_avro(value: int) -> None:
    raw = {"type": "record", "name": "R", "doc": "d", "fields": [{"name": "a", "type": "long"}]}
    assert encode(of("r", raw), {"a": value}) == frame(1) + encode_long(value)


def test_integers_over_64_bits_are_refused() -> None:
    with pytest.raises(OverflowError, match="64 bits"):
        encode_long(1 << 63)


@pytest.mark.parametrize("message", [b"", b"\x00\x00\x00\x00", b"\x01\x00\x00\x00\x07x"])
def test_what_is_not_framed_has_no_schema_id(message: bytes) -> None:
    assert schema_id(message) is None
    assert schema_id(frame(0xFFFFFFFF) + b"x") == 0xFFFFFFFF
