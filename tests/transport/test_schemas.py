"""Schemas: the rules, the released versions, and what the topic table names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transport.records import encode, records
from transport.compatibility import broken, release
from transport.dead_letters import REASONS
from transport.records import AvroDecoder
from transport.resolution import ResolutionError, check_resolvable
from transport.schemas import DIRECTORY, RELEASED, SchemaError, lint, load, of, read
from transport.topics import table

RELEASES = sorted(RELEASED.glob("*/*.avsc"))


def record(*fields: dict[str, Any], name: str = "R") -> dict[str, Any]:
    return {"type": "record", "name": name, "doc": "d", "fields": list(fields)}


def field(kind: Any, name: str = "a", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 6}
TIME = {"type": "long", "logicalType": "timestamp-millis"}
ENUM = {"type": "enum", "name": "E", "symbols": ["x", "y"]}


def test_present_schemas_keep_every_rule_and_read_every_release() -> None:
    """What `python -m transport.compatibility` checks in the continuous integration."""
    assert broken() == []
    assert {t.schema for t in table().values() if t.schema} <= {p.stem for p in DIRECTORY.glob("*.avsc")}


@pytest.mark.parametrize("path", RELEASES, ids=lambda p: f"{p.parent.name}-{p.stem}")
@settings(max_examples=5)
@given(data=st.data())
def test_what_a_release_wrote_is_still_read(path: Path, data: st.DataObject) -> None:
    released = read(path)
    made = data.draw(records(released))
    decoded = AvroDecoder(path.stem, lambda _: released.raw).decode(encode(released, made))
    assert {name: decoded[name] for name in decoded.keys() & made.keys()} == {n: made[n] for n in decoded.keys() & made.keys()}


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ({"type": "map", "values": "string"}, "no maps"),
        (["null", ENUM], "enum may not be nullable"),
        (["null", {"type": "array", "items": "string"}], "array may not be nullable"),
        (["null", "string", "long"], "only be of null and one type"),
        (["string", "long"], "only be of null and one type"),
        ({"type": "array", "items": ENUM}, "only stand at top level"),
        ({"type": "array", "items": {"type": "array", "items": "string"}}, "may not lie in an array"),
        (record(field("string"), name="Q"), "record may only stand in an array"),
        ({**DECIMAL, "scale": 2}, "precision 38 and scale 6"),
        ({"type": "long", "logicalType": "timestamp-micros"}, "timestamp-micros is not used"),
        ({"type": "fixed", "name": "F", "size": 4}, "fixed is not used"),
    ],
)
def test_each_rule_is_named_with_its_field(kind: Any, advice: str) -> None:
    found = lint(of("r", record(field(kind))))
    assert len(found) == 1
    assert found[0].startswith("r.a: ")
    assert advice in found[0]


def test_constant_fields_come_before_varying_ones() -> None:
    late = record(field(TIME, "event_time"), field("string", "series"), name="Pane")
    assert "series: constant per series but after the varying «event_time»" in lint(of("pane", late))[0]
    assert lint(of("pane", record(field("string", "series"), field(TIME, "event_time"), name="Pane"))) == []


def test_good_types_pass() -> None:
    item = record(field("string"), field(["null", DECIMAL], "b"), name="Q")
    kinds = ["string", "int", "long", "boolean", "double", DECIMAL, TIME, ENUM, ["null", DECIMAL], {"type": "array", "items": item}]
    assert lint(of("r", record(*(field(kind, f"f{at}") for at, kind in enumerate(kinds))))) == []
    assert "no doc" in lint(of("r", {k: v for k, v in record(field("string")).items() if k != "doc"}))[0]
    assert "snake_case" in lint(of("r", record(field("string", "fieldName"))))[0]


ITEMS = {"type": "array", "items": record(field("string"), name="Q")}
MORE_ITEMS = {"type": "array", "items": record(field("string"), field("int", "b"), name="Q")}


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (field("string", "b"), field("string"), "a"),  # a new field without default
        (field("string"), field("long"), "a"),
        (field("long"), field("int"), "a"),
        (field(["null", "string"]), field("string"), "a"),
        (field(ENUM), field({**ENUM, "symbols": ["x"]}), "a"),
        (field(ITEMS), field(MORE_ITEMS), r"a\[\]\.b"),
    ],
)
def test_changes_that_lose_the_past_are_refused(old: Any, new: Any, where: str) -> None:
    with pytest.raises(ResolutionError, match=rf"^{where}: "):
        check_resolvable(record(old), record(new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (field("string", "b"), field("string", default="")),
        (field("int"), field("long")),
        (field("string"), field(["null", "string"])),
        (field(ENUM), field({**ENUM, "symbols": ["x", "z", "y"]})),
        (field(MORE_ITEMS), field(ITEMS)),
    ],
)
def test_changes_that_keep_the_past_pass(old: Any, new: Any) -> None:
    check_resolvable(record(old), record(new))


def test_a_release_is_checked_against_those_before_it(tmp_path: Path) -> None:
    present, released = tmp_path / "avro", tmp_path / "released"
    present.mkdir()

    def write(*fields: dict[str, Any]) -> None:
        (present / "r.avsc").write_text(json.dumps(record(*fields)), "utf-8")

    write(field("string"))
    assert release("1.0.0", present, released) == ["r.avsc"]
    write(field("string"), field("int", "b", default=0))
    assert release("1.1.0", present, released) == ["r.avsc"]
    write(field("string"), field("int", "b"))
    assert broken(present, released) == ["r.b: cannot read what 1.0.0 wrote: the writer has no such field and the reader gives no default; "
                                         "see schemas/README.md"]  # fmt: skip
    with pytest.raises(SchemaError, match=r"1\.0\.0"):
        release("1.2.0", present, released)
    (present / "r.avsc").unlink()
    assert "released in 1.0.0 and now missing" in broken(present, released)[0]
    with pytest.raises(SchemaError, match="three numbers"):
        release("next", present, released)


def test_reasons_of_dead_letters_are_those_of_the_schema() -> None:
    assert load("dead_letter").symbols("reason") == REASONS


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"schema unheard_of: no file unheard_of\.avsc"):
        load("unheard_of")
    broken_file = tmp_path / "x.avsc"
    for text, message in (("{", "not JSON"), ('"string"', "a record with"), ('{"type":"record","name":"X"}', "with fields")):
        broken_file.write_text(text, "utf-8")
        with pytest.raises(SchemaError, match=message):
            read(broken_file)
