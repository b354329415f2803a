"""Several writers' schemas in one chunk: each is read with its own, and all come out as the reader has them."""

from __future__ import annotations

from typing import Any

from tests.transport.records import Schemas, alone, changed, encode, observation, rows
from transport.columnar_reader import ColumnarReader
from transport.framing import frame
from transport.records import AvroDecoder
from transport.schemas import load

OBSERVATION = load("observation")
GOOD = [encode(OBSERVATION, observation(number)) for number in range(5)]


def _older(raw: dict[str, Any]) -> None:
    """Before trace_id, price_basis «constant» and the long revision; with a field since removed."""
    raw["fields"] = [f for f in raw["fields"] if f["name"] not in ("trace_id", "component", "published_at")]
    for field in raw["fields"]:
        if field["name"] == "status":
            field["type"]["symbols"] = ["deleted", "official", "preliminary", "estimated"]
    raw["fields"].insert(3, {"name": "since_removed", "type": "string"})


def test_mixed_schema_ids_come_back_in_order_as_the_reader_has_them() -> None:
    older = changed("observation", _older)
    reader = ColumnarReader("observation", Schemas({1: OBSERVATION.raw, 2: older.raw}))
    messages: list[bytes | None] = []
    for number in range(40):
        record = observation(number)
        if number % 3:
            messages.append(encode(OBSERVATION, record))
        else:
            old = {k: v for k, v in record.items() if k not in ("trace_id", "component", "published_at")} | {"since_removed": "x"}
            messages.append(encode(older, old, schema_id=2))
    messages[9] = (messages[9] or b"")[:-1]
    messages[10] = frame(9) + b"abc"
    decoded = reader.read(messages)
    assert [(r.index, r.reason) for r in decoded.refused] == [(9, "truncated"), (10, "schema_unknown")]
    kept = [n for n in range(40) if n not in (9, 10)]
    assert decoded.frame["index"].to_list() == kept
    expected = [observation(n) | ({} if n % 3 else {"trace_id": "", "component": ""}) for n in kept]
    assert rows(decoded) == expected
    decoder = AvroDecoder("observation", Schemas({1: OBSERVATION.raw, 2: older.raw}))
    assert [decoder.decode(messages[n]) for n in kept] == expected


def test_a_writer_that_cannot_be_resolved_is_refused_by_field() -> None:
    def drop(raw: dict[str, Any]) -> None:
        raw["fields"] = [f for f in raw["fields"] if f["name"] != "territory"]

    other = changed("observation", drop)
    reader = ColumnarReader("observation", Schemas({1: OBSERVATION.raw, 2: other.raw}))
    record = {k: v for k, v in observation().items() if k != "territory"}
    decoded = reader.read([GOOD[0], encode(other, record, schema_id=2)])
    assert (alone(decoded, 2, 1), decoded.refused[0].field) == ("contract", "territory")


def test_a_symbol_the_reader_does_not_know_is_refused_alone() -> None:
    def extend(raw: dict[str, Any]) -> None:
        next(f for f in raw["fields"] if f["name"] == "status")["type"]["symbols"].append("rumoured")

    newer = changed("observation", extend)
    reader = ColumnarReader("observation", Schemas({1: newer.raw}))
    decoded = reader.read([encode(newer, observation(n, status="rumoured" if n == 1 else "official")) for n in range(3)])
    assert (alone(decoded, 3, 1), decoded.refused[0].field) == ("contract", "status")


def test_items_of_an_array_that_changed_are_resolved_record_by_record() -> None:
    def extend(raw: dict[str, Any]) -> None:
        items = next(f for f in raw["fields"] if f["name"] == "dimensions")["type"]["items"]
        items["fields"].append({"name": "order", "type": "int"})

    other = changed("observation", extend)
    reader = ColumnarReader("observation", Schemas({1: OBSERVATION.raw, 2: other.raw}))
    record = observation(7)
    wider = record | {"dimensions": [d | {"order": 1} for d in record["dimensions"]]}
    messages = [GOOD[0], encode(other, wider, schema_id=2), encode(other, wider, schema_id=2)[:-4]]
    decoded = reader.read(list(messages))
    assert [r.index for r in decoded.refused] == [2]
    assert rows(decoded)[1] == record
