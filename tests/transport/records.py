"""Generated records of any of our schemas, and their Avro encoding by fastavro with the schema as released (logical types and all)."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import fastavro
from hypothesis import strategies as st

from transport.columnar_reader import Decoded
from transport.dead_letters import REASONS
from transport.framing import frame
from transport.records import untimed
from transport.schema_ids import SchemaUnknown
from transport.schemas import AvroType, Schema, load, nullable, of, type_name

EXACT = Context(prec=60)
"""The default context of decimal rounds to 28 digits."""

Record = dict[str, Any]


def decimals() -> st.SearchStrategy[Decimal]:
    whole = st.one_of(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-(10**12), 10**12), st.sampled_from([0, -1, 10**26, -(10**26)]))
    return whole.map(lambda number: EXACT.scaleb(Decimal(number), -6))


def values(kind: AvroType) -> st.SearchStrategy[Any]:
    """Values of a type as fastavro takes them with timestamps as longs."""
    name = type_name(kind)
    inner = nullable(kind)
    if inner is not None:
        return st.one_of(st.none(), values(inner))
    if isinstance(kind, dict) and name == "enum":
        return st.sampled_from(kind["symbols"])
    if isinstance(kind, dict) and name == "array":
        return st.lists(values(kind["items"]), max_size=3)
    if isinstance(kind, dict) and name == "record":
        return st.fixed_dictionaries({f["name"]: values(f["type"]) for f in kind["fields"]})
    simple: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "string": lambda: st.text(st.characters(exclude_categories=["Cs"]), max_size=70), "boolean": st.booleans, "decimal": decimals,
        "int": lambda: st.integers(-(1 << 31), (1 << 31) - 1), "long": longs, "timestamp": longs,
        "double": lambda: st.floats(allow_nan=False), "bytes": lambda: st.binary(max_size=70),
    }  # fmt: skip
    return simple[name]()


def longs() -> st.SearchStrategy[int]:
    return st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(1_700_000_000_000, 1_900_000_000_000), st.integers(-70, 70))


def records(schema: Schema) -> st.SearchStrategy[Record]:
    return st.fixed_dictionaries({f["name"]: values(f["type"]) for f in schema.fields})


def encode(schema: Schema, record: Record, schema_id: int = 1) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, untimed(schema), record)
    return frame(schema_id) + out.getvalue()


def observation(number: int = 0, **changes: Any) -> Record:
    """A customs line as the adapter sends it."""
    record: Record = {
        "indicator": "vn-1012/A.II.5", "concept": "external_trade", "component": "export", "measure_unit": "USD", "figure": "actual",
        "period_type": "day", "status": "preliminary", "price_basis": "none", "cumulative": False, "access_level": 1, "budget_year": 2026,
        "territory": "31", "territory_version": 20250701, "agency": "G12", "provider": "customs", "source_system": "vnaccs",
        "subject_type": "", "subject_id": "", "method_version": "1",
        "dimensions": [{"name": "channel", "value": "xanh"}, {"name": "hs2", "value": "85"}, {"name": "market", "value": "KR"}],
        "quality_flags": [], "lon": None, "lat": None, "text": None, "reference": None, "value": Decimal(number) / 8,
        "period_start": 1_790_000_000_000, "period_end": 1_790_086_400_000, "event_time": 1_790_000_000_000 + number * 1000,
        "published_at": None, "ingested_at": 1_790_000_000_500 + number * 1000, "source_record_id": f"305512345670-{number}",
        "revision": 0, "trace_id": f"{number:032x}",
    }  # fmt: skip
    return record | changes


def observations(count: int) -> list[bytes]:
    """Framed observations, schema id 1."""
    schema = load("observation")
    return [encode(schema, observation(number)) for number in range(count)]


def changed(name: str, change: Callable[[Record], None]) -> Schema:
    """Another version of a schema."""
    raw = copy.deepcopy(load(name).raw)
    change(raw)
    return of(name, raw)


class Schemas(dict[int, dict[str, Any]]):
    """A registry of the test's own."""

    def __call__(self, number: int) -> dict[str, Any]:
        if number not in self:
            raise SchemaUnknown(f"the registry has no schema with id {number}")
        return self[number]


def rows(decoded: Decoded) -> list[Record]:
    return decoded.frame.drop("index").to_dicts()


def alone(decoded: Decoded, count: int, bad: int) -> str:
    """Asserts that of `count` messages only `bad` is refused; returns its reason."""
    assert [r.index for r in decoded.refused] == [bad]
    assert decoded.frame["index"].to_list() == [i for i in range(count) if i != bad]
    assert decoded.refused[0].reason in REASONS
    return decoded.refused[0].reason
