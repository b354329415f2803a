"""Dimension sets: whatever the chunks, the amendments and the partitions, a sum over dimensions is the sum of the live records."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from indicators.derived.formula_book import FormulaError
from indicators.derived.result import Result
from indicators.dimension_sets import formula_of, pane_of, results_of, sets_of
from indicators.observation import Observation
from indicators.wide import Wide
from stream_processors.set_panes import FORWARD_SECONDS, LONGEST_SECONDS, SetPanes
from stream_processors.stage1 import Stage1
from stream_processors.stage1_rows import POSITION
from stream_processors.stage2 import Stage2
from tests.stream_processors.offline import OfflineContext, Record
from tests.stream_processors.test_stage1_against_oracle import base
from transport.columnar_writer import AvroDecoder, AvroEncoder
from transport.transactions import Rows

DAY = 86_400_000
START = 1_767_225_600_000 - 7 * 3_600_000  # 01/01/2026 00:00 in Vietnam
PARTITIONS = 3
VN = timedelta(hours=7)


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    return OfflineContext()


def exports(seed: int, count: int) -> list[Observation]:
    """Lines of declarations over seven weeks: amended, cancelled, sent twice."""
    dice = random.Random(seed)
    sent: list[Observation] = []
    for number in range(count):
        if sent and dice.random() < 0.15:
            old = dice.choice(sent[-30:])
            gone = dice.random() < 0.4
            more: dict[str, Any] = {"status": "deleted", "value": None} if gone else {"value": Decimal(dice.randrange(10**6))}
            sent.append(replace(old, revision=old.revision + dice.randrange(2), **more))
            continue
        at = START + number * 50 * DAY // count
        dimensions = [("channel", dice.choice("123")), ("hs2", dice.choice(("01", "27", "85"))), ("market", dice.choice(("CN", "US")))]
        sent.append(base(
            event_time=at, indicator="vn-1012/A.II.5", component="export", concept="exports", measure_unit="USD", subject_type="",
            territory=dice.choice(("01", "31")), agency="CUSTOMS", provider="CUSTOMS", source_system="vnaccs", period_type="day",
            source_record_id=f"L{number}", value=Decimal(dice.randrange(10**6)),
            status=dice.choice(("official", "preliminary")), dimensions=tuple(dimensions[: dice.choice((3, 3, 3, 2))]),
        ))  # fmt: skip
    return sent


class Clock:
    """Seconds as the test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def fold(context: OfflineContext, sent: Sequence[Observation], largest: int, seed: int = 1) -> tuple[list[Stage1], list[Record]]:
    """Stage 1 on PARTITIONS partitions in random chunks; the operands of sets in the order they were written."""
    encoder, dice = AvroEncoder("observation", context.registry.id_of("observation")), random.Random(seed)
    clock = Clock()
    stages, operands = [Stage1(context, "trade", p, clock) for p in range(PARTITIONS)], list[Record]()
    queues: list[list[Record]] = [[] for _ in stages]
    for o in sent:
        queue = queues[crc32(o.series().key().encode()) % PARTITIONS]
        queue.append(Record(len(queue), o.series().key().encode(), encoder.encode(o.record()), 1000 + len(queue)))
    at = [0] * PARTITIONS
    while any(n < len(q) for n, q in zip(at, queues, strict=True)):
        p = dice.randrange(PARTITIONS)
        part = queues[p][at[p] : at[p] + dice.randrange(1, largest)]
        if part:
            operands += of_sets(stages[p].fold(part, at[p], at[p] + len(part)))
            at[p] += len(part)
            clock.now += dice.choice((0.0, 1.0, FORWARD_SECONDS))
    clock.now += FORWARD_SECONDS
    for p, stage in enumerate(stages):
        assert (due := stage.due_at()) is None or due <= clock.now
        operands += of_sets(stage.settle(at[p]))
        assert stage.due_at() is None
        assert stage.settle(at[p]) == []
    return stages, [o._replace(offset=n) for n, o in enumerate(operands)]


def of_sets(out: Sequence[Rows]) -> list[Record]:
    """Operands among the rows of a transaction."""
    some = (r for r in out if r.topic.startswith("operands."))
    return [Record(0, k, v or b"", 0) for rows in some for k, v in zip(rows.keys, rows.values, strict=True)]


def derived(context: OfflineContext, operands: list[Record], step: int) -> dict[tuple[str, int], tuple[Decimal | None, str]]:
    """Newest derived rows by result and period."""
    stage, decoder, found = Stage2(context, "trade", 0), AvroDecoder("derived", context.registry.schema), {}
    for at in range(0, len(operands), step):
        part = operands[at : at + step]
        rows: list[Rows] = stage.fold(part, at, at + len(part))
        for value in (v for r in rows if r.topic.startswith("derived.") for v in r.values):
            row = decoder.decode(value or b"")
            if not row["position"]:
                found[row["result"], row["period_start"]] = None if row["deleted"] else row["value"], row["status"]
    return found


def expected(context: OfflineContext, sent: Sequence[Observation]) -> dict[tuple[str, int], tuple[Decimal | None, str]]:
    """The sums, one record at a time."""
    newest: dict[tuple[str, str], Observation] = {}
    spec = context.vocabulary.series_spec("vn-1012/A.II.5", "export")
    assert spec is not None
    sums: dict[tuple[str, int], list[Observation]] = defaultdict(list)
    for o in sent:
        known = newest.get((o.series().key(), o.source_record_id))
        if known is None or o.revision > known.revision:
            newest[o.series().key(), o.source_record_id] = o
    for o in newest.values():
        local = datetime.fromtimestamp(o.event_time / 1000, UTC) + VN
        month = int((datetime(local.year, local.month, 1, tzinfo=UTC) - VN).timestamp() * 1000)
        for _, result in results_of(spec, o.series()):
            sums[result.key(), month].append(o)
    out: dict[tuple[str, int], tuple[Decimal | None, str]] = {}
    for key, of_key in sums.items():
        live = [o for o in of_key if o.status != "deleted"]
        weakest = "preliminary" if any(o.status == "preliminary" for o in live) else "official"
        out[key] = (sum((o.value or Decimal(0) for o in live), Decimal(0)), weakest) if live else (None, "deleted")
    return out


@pytest.mark.parametrize(("seed", "largest", "step"), [(4, 3, 7), (2, 40, 1000), (3, 400, 50)])
def test_a_sum_over_dimensions_is_the_sum_of_the_live_records(context: OfflineContext, seed: int, largest: int, step: int) -> None:
    sent = exports(seed, 300)
    _, operands = fold(context, sent, largest, seed)
    found, wanted = derived(context, operands, step), expected(context, sent)
    assert {k: v for k, v in found.items() if v[0] is not None} == {k: v for k, v in wanted.items() if v[0] is not None}
    assert len(wanted) == 36, "two provinces, nine sums, two months"
    assert {Result.parse(key).dimensions.partition("=")[0] for key, _ in wanted} == {"", "channel", "hs2", "market"}


def test_after_a_restart_the_shares_are_what_they_were(context: OfflineContext) -> None:
    stages, _ = fold(context, exports(4, 300), 50)
    for stage in stages:
        former = shares(stage.sets)
        for table in stage.tables.values():
            n = len(table)
            table.columns.array("told")[:n] = 0
            table.columns.wide("told_number").put(np.arange(n), Wide.zeros(n))
        stage.sets = SetPanes(stage.series, context.formulas, context.registry, "", (stage.topic, stage.partition), Clock())
        stage.sets.restore(stage.tables, floor=stage.folded - 20)
        assert shares(stage.sets) == {key: share for key, share in former.items() if share[1]}
        again = of_sets(stage.sets.parts(stage.folded))
        assert 0 < len(again) < len(former), "what the last twenty inputs touched, not everything"


def test_the_floor_rises_when_everything_below_it_is_forwarded(context: OfflineContext) -> None:
    clock, encoder = Clock(), AvroEncoder("observation", context.registry.id_of("observation"))
    stage = Stage1(context, "trade", 0, clock)
    sent = [o for o in exports(5, 40) if o.value is not None]
    records = [Record(n, o.series().key().encode(), encoder.encode(o.record()), 1000) for n, o in enumerate(sent)]

    def floor(out: Sequence[Rows]) -> int:
        rows = {k: v for r in out if r.topic.startswith("agg.") for k, v in zip(r.keys, r.values, strict=True)}
        decoded = AvroDecoder("aggregate", context.registry.schema).decode(rows[POSITION] or b"")
        return int(decoded["position"][0]["floor"])

    assert floor(stage.fold(records[:10], 0, 10)) == 0, "ten are folded, none is forwarded"
    assert floor(stage.fold(records[10:20], 10, 20)) == 0
    clock.now += FORWARD_SECONDS
    assert floor(stage.fold(records[20:30], 20, 30)) == 30
    assert floor(stage.fold(records[30:], 30, len(records))) == 30
    clock.now += FORWARD_SECONDS
    assert floor(stage.settle(len(records))) == len(records)


def shares(sets: SetPanes) -> dict[tuple[str, int], tuple[int, int]]:
    """Sum and number of live panes of every share."""
    c, n = sets._columns, len(sets)
    sums = c.wide("sum").to_ints()[:n]
    names = [sets._results[s].key() for s in c.array("set")[:n].tolist()]
    return {(name, int(c.array("pane")[i])): (sums[i], int(c.array("count")[i])) for i, name in enumerate(names)}


def test_a_backlog_is_not_forwarded_piece_by_piece(context: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_processors.set_panes.BACKLOG_RECORDS", 20)
    clock, encoder = Clock(), AvroEncoder("observation", context.registry.id_of("observation"))
    stage = Stage1(context, "trade", 0, clock)
    records = [Record(n, o.series().key().encode(), encoder.encode(o.record()), 1000) for n, o in enumerate(exports(6, 90))]
    forwarded = []
    for at in range(0, 90, 30):
        forwarded.append(len(of_sets(stage.fold(records[at : at + 30], at, at + 30))))
        clock.now += LONGEST_SECONDS / 2
    assert forwarded[:2] == [0, 0]
    assert forwarded[2] > 0, "after the longest wait, even in a backlog"


def test_a_full_set_takes_no_more_results(context: OfflineContext) -> None:
    spec = context.vocabulary.series_spec("vn-1012/A.II.5", "export")
    assert spec is not None
    sets = SetPanes(Stage1(context, "trade", 0).series, context.formulas, context.registry, "", ("obs.trade", 0))
    small = replace(spec, max_series=2)
    results = [Result(formula_of(spec).id, "01", "", "", 0, f"hs2={n:02}") for n in range(4)]
    assert [sets._number(small, "hs2", r) for r in results] == [0, 1, -1, -1]
    assert [sets._number(small, "hs2", r) for r in results[:2]] == [0, 1], "those that are in stay in"
    assert sets._number(small, "market", results[3]._replace(dimensions="market=CN")) == 2, "each set has its own room"


def test_only_what_adds_up_has_sets_and_every_set_has_its_pane(context: OfflineContext) -> None:
    specs = list(context.vocabulary.series_specs())
    for spec in specs:
        assert spec.additivity in ("flow", "stock") or not sets_of(spec), spec.indicator
        if sets_of(spec):
            assert pane_of(spec) in spec.panes
            assert context.formulas[formula_of(spec).id].kind == "sum"
    export = context.vocabulary.series_spec("vn-1012/A.II.5", "export")
    assert export is not None
    assert sets_of(export) == ((), ("hs2",), ("market",), ("channel",))
    with pytest.raises(FormulaError, match="twice"):
        context.formulas.extended([formula_of(export)])
