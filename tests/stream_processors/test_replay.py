"""A replay makes the live stage what a fresh run is: panes, windows, rule states, memory, conditions; and changes nothing that is equal."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from stream_processors.adoption import Adoption, Manner, adopt
from stream_processors.calendar_panes import Kind
from stream_processors.shadow import Shadow
from stream_processors.stage1 import Stage1
from stream_processors.stage1_restore import fill
from stream_processors.stage1_rows import POSITION
from tests.stream_processors.offline import OfflineContext, Record
from tests.stream_processors.test_stage1_against_oracle import load_of, panes_of
from transport.columnar_writer import AvroDecoder, AvroEncoder
from transport.transactions import Rows

HALF, COUNT = 500, 800
Newest = dict[str, dict[bytes, bytes | None]]


class _Narrow:
    """A vocabulary in which river levels above 7 m are refused: the fault in the catalogue that is mended later."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def series_spec(self, indicator: str, component: str) -> Any:
        spec = self._inner.series_spec(indicator, component)
        return replace(spec, maximum=Decimal(7)) if component == "river_level" else spec


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    return OfflineContext()


@pytest.fixture(scope="module")
def records(context: OfflineContext) -> list[Record]:
    stations = [s.id for s in context.vocabulary.subjects("station") if "bd1" in s.limits][:4]
    encoder = AvroEncoder("observation", context.registry.id_of("observation"))
    sent = load_of(11, COUNT, stations, context)
    return [Record(i, o.series().key().encode(), encoder.encode(o.record()), 1000 + i) for i, o in enumerate(sent)]


def folded(stage: Stage1, records: Sequence[Record], newest: Newest, step: int = 97) -> Newest:
    """Fold in chunks; newest row by topic and key, as a compacted topic keeps them."""
    for at in range(0, len(records), step):
        part = records[at : at + step]
        note(newest, stage.fold(part, part[0].offset, part[-1].offset + 1))
    return newest


def note(newest: Newest, rows: Sequence[Rows]) -> None:
    for some in rows:
        newest.setdefault(some.topic, {}).update(zip(some.keys, some.values, strict=True))


def mistaken(context: OfflineContext, records: Sequence[Record]) -> tuple[Stage1, Newest]:
    """A stage of today's catalogue over the rows that one of the wrong catalogue wrote: a worker started again after the fix."""
    wrong = copy.copy(context)
    wrong.vocabulary = _Narrow(context.vocabulary)  # type: ignore[assignment]
    newest = folded(Stage1(wrong, "emergency", 0), records, {})
    live = Stage1(context, "emergency", 0)
    rows = {topic: {k: v for k, v in some.items() if v is not None} for topic, some in newest.items()}
    aggregates = rows["agg.emergency"]
    aggregates.pop(POSITION)
    fill(live, rows["panes.emergency"], aggregates)
    live.sets.restore(live.tables, len(records))
    return live, newest


def replayed(context: OfflineContext, live: Stage1, records: Sequence[Record], newest: Newest, **how: Any) -> tuple[Adoption, Shadow]:
    """Every series of the records rebuilt into `live`."""
    shadow = Shadow(context, "emergency", 0, (0, len(records)), **how)
    for at in range(0, len(records), 61):
        shadow.take(records[at : at + 61])
    decoder = AvroDecoder("condition", context.registry.schema)
    said = [decoder.decode(v) for v in newest.get("alerts.conditions.emergency", {}).values()]
    keys = list(dict.fromkeys(r.key for r in records))
    letters = {r.offset for r in records} if newest.get("dead.stage1") else set()
    return adopt(live, shadow, keys, {c["alert_id"]: c for c in said}, letters, len(records), Manner("job-1")), shadow


def state(stage: Stage1) -> dict[str, Any]:
    """What must be equal: panes that hold something, newest values, marks, rule states, remembered records."""
    out: dict[str, Any] = {str(k): v for k, v in panes_of(stage).items() if v[0]}
    for sid, entry in enumerate(stage.series.entries):
        facts = [int(array[sid]) for array in (stage.newest.time, stage.newest.year, stage.series.watermark, stage.series.first_time)]
        out[f"series {entry.key!r}"] = facts, stage.newest.value.to_ints()[sid], stage.rules.states.get(sid, {})
    memory, n = stage.memory.columns, len(stage.memory)
    keys = [stage.series.entries[s].key for s in memory.array("sid")[:n].tolist()]
    facts_ = (memory.array(name)[:n].tolist() for name in ("hash", "time", "revision", "status", "offset", "budget_year", "alive"))
    out["memory"] = sorted(zip(keys, *facts_, memory.wide("value").to_ints()[:n], strict=True))
    return out


def test_after_a_fix_of_the_catalogue_everything_equals_a_fresh_run(context: OfflineContext, records: list[Record]) -> None:
    live, newest = mistaken(context, records[:HALF])
    fresh = Stage1(context, "emergency", 0)
    expected = folded(fresh, records[:HALF], {})
    assert state(live) != state(fresh)
    made, _ = replayed(context, live, records[:HALF], newest)
    assert state(live) == state(fresh)
    assert made.report.panes_changed > 10
    assert made.report.alerts.keys() & {"would_fire", "would_have_fired", "would_change"}
    for batch in made.batches:
        note(newest, batch)
    assert alerts_of(context, newest) == alerts_of(context, expected)
    # what comes afterwards is folded as if nothing had ever been wrong: the record memory is right as well
    folded(live, records[HALF:], newest, 40)
    folded(fresh, records[HALF:], expected, 53)
    assert state(live) == state(fresh)
    assert alerts_of(context, newest) == alerts_of(context, expected)


def alerts_of(context: OfflineContext, newest: Newest) -> set[tuple[str, int, Decimal]]:
    """Open alerts: id, severity, value."""
    decoder = AvroDecoder("condition", context.registry.schema)
    rows = [decoder.decode(v) for v in newest["alerts.conditions.emergency"].values()]
    return {(c["alert_id"], c["severity"], c["value"]) for c in rows if c["severity"]}


def test_rows_win_over_what_they_replace_and_restore_to_the_same(context: OfflineContext, records: list[Record]) -> None:
    live, newest = mistaken(context, records[:HALF])
    made, _ = replayed(context, live, records[:HALF], newest)
    for batch in made.batches:
        note(newest, batch)
    pane, condition = (AvroDecoder(name, context.registry.schema) for name in ("pane", "condition"))
    changed = [pane.decode(v) for rows in made.batches for r in rows if r.topic == "panes.emergency" for v in r.values]
    assert changed
    assert {row["generation"] for row in changed} == {1}
    said = [condition.decode(v) for rows in made.batches for r in rows if r.topic.startswith("alerts.") for v in r.values]
    assert said
    assert {(c["mode"], c["generation"]) for c in said} == {("replay", 1)}
    again = Stage1(context, "emergency", 0)
    rows = {topic: {k: v for k, v in some.items() if v is not None} for topic, some in newest.items()}
    rows["agg.emergency"].pop(POSITION)
    fill(again, rows["panes.emergency"], rows["agg.emergency"])
    ours, theirs = state(live), state(again)
    del ours["memory"], theirs["memory"]
    assert theirs == ours
    # a second replay finds nothing to change
    second, _ = replayed(context, live, records[:HALF], newest)
    assert second.report.changes == 0
    assert [some.keys for some in second.batches[0] if some.keys] == [[POSITION]]
    assert second.report.alerts.keys() <= {"already_fired"}


def test_what_a_fresh_run_never_had_is_emptied_and_its_alert_cancelled(context: OfflineContext, records: list[Record]) -> None:
    right = folded(live := Stage1(context, "emergency", 0), records[:HALF], {})
    del right["dead.stage1"]
    wrong = copy.copy(context)
    wrong.vocabulary = _Narrow(context.vocabulary)  # type: ignore[assignment]
    made, _ = replayed(wrong, live, records[:HALF], right)
    assert made.report.alerts.get("would_cancel", 0) + made.report.alerts.get("would_change", 0) + made.report.alerts["unfounded"] > 0
    assert made.report.refused["out_of_range"] > 0
    letters = [key for rows in made.batches for r in rows if r.topic == "dead.stage1" for key in r.keys]
    assert len(letters) == sum(made.report.refused.values()) > 0
    fresh = Stage1(wrong, "emergency", 0)
    folded(fresh, records[:HALF], {})
    assert {k: v for k, v in state(live).items() if k != "memory"} == {k: v for k, v in state(fresh).items() if k != "memory"}


def test_late_records_are_taken_in_where_that_is_asked(context: OfflineContext, records: list[Record]) -> None:
    newest = folded(live := Stage1(context, "emergency", 0), records[:HALF], {})
    assert sum(int(live.tables[kind].columns.array("inexact").sum()) for kind in Kind) > 0
    made, shadow = replayed(context, live, records[:HALF], newest, late=True)
    assert made.report.panes_changed > 0
    assert "too_late" not in made.report.refused
    late = [r for r in made.report.examples if r[1] != r[2]]
    assert late
    assert shadow.live > 0


def test_only_some_series_change(context: OfflineContext, records: list[Record]) -> None:
    live, newest = mistaken(context, records[:HALF])
    before = state(live)
    key = next(r.key for r in records if b"river_level" in r.key)
    mine = [r for r in records[:HALF] if r.key == key]
    shadow = Shadow(context, "emergency", 0, (0, HALF))
    shadow.series.numbers([r.key for r in records[:HALF]])
    shadow.take(mine)
    made = adopt(live, shadow, [key], {}, set(), HALF, Manner("job-2"))
    assert made.report.panes_changed + made.report.panes_new > 0
    after = state(live)
    differing = {k for k in before if k != "memory" and before[k] != after.get(k)}
    assert differing
    assert all(key.decode() in k for k in differing)
    assert newest
