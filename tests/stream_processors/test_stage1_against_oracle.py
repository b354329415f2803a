"""Stage 1 against the oracle: whatever the chunks, the corrections, the lateness, every row is what one record at a time gives."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from indicators.observation import Observation
from stream_processors.calendar_panes import Kind
from stream_processors.stage1 import Stage1
from tests.stream_processors.offline import OfflineContext, Record
from tests.stream_processors.oracle import DAY, Oracle
from transport.columnar_writer import AvroDecoder, AvroEncoder

START = 1_767_225_600_000 + 30 * DAY - 7 * 3_600_000
HOUR = 3_600_000


def base(**fields: Any) -> Observation:
    """A valid observation with these fields."""
    at = fields["event_time"]
    defaults: dict[str, Any] = {
        "indicator": "vn-1012/D.1",
        "component": "river_level",
        "concept": "river_level",
        "measure_unit": "m",
        "period_type": "instant",
        "period_start": at,
        "period_end": at + 1,
        "ingested_at": at + 60_000,
        "territory": "01",
        "agency": "HYDROMET",
        "provider": "HYDROMET",
        "source_system": "telemetry",
        "subject_type": "station",
    }
    return Observation(**(defaults | fields))


def load_of(seed: int, count: int, stations: list[str], context: OfflineContext) -> list[Observation]:
    """Readings, entries, plans: amended, deleted, repeated, late, out of order."""
    rnd = random.Random(seed)
    projects = list(context.vocabulary.subjects("project"))[:6]
    sent: list[Observation] = []
    for i in range(count):
        at = START + i * 400_000 + rnd.randrange(-6, 6) * HOUR
        if rnd.random() < 0.02:
            at -= rnd.randrange(1, 8) * DAY
        draw = rnd.random()
        if sent and draw < 0.12:
            old = rnd.choice(sent[-200:])
            deleted = rnd.random() < 0.3 and old.figure == "actual"
            change: dict[str, Any] = {"revision": old.revision + rnd.choice((-1, 0, 1, 1, 2)), "ingested_at": old.ingested_at + HOUR}
            change["revision"] = max(0, change["revision"])
            change |= (
                {"status": "deleted", "value": None}
                if deleted
                else {"status": "revised", "value": Decimal(rnd.randrange(-400, 2000)) / 100}
            )
            if old.component == "river_level" and rnd.random() < 0.3:
                at = old.event_time + rnd.randrange(-3, 3) * HOUR
                change |= {"event_time": at, "period_start": at, "period_end": at + 1, "ingested_at": at + HOUR}
            if old.indicator != "vn-1012/D.1" and not deleted:
                change["value"] = Decimal(rnd.randrange(0, 10**13))
            o = Observation(**({n: getattr(old, n) for n in old.__slots__} | change))
        elif draw < 0.2:
            o = base(
                event_time=at,
                indicator="vn-1012/A.II.3",
                component="",
                concept="public_investment_disbursement",
                measure_unit="VND",
                subject_type="project",
                subject_id=rnd.choice(projects).id,
                territory=projects[0].territory,
                budget_year=2026,
                period_type="day",
                source_record_id=f"E{i}",
                source_system="tabmis",
                value=Decimal(rnd.randrange(-(10**9), 10**14)),
            )
        elif draw < 0.24:
            o = base(
                event_time=START,
                indicator="vn-1012/A.II.3",
                component="",
                concept="public_investment_disbursement",
                measure_unit="VND",
                figure=rnd.choice(("plan_pm", "plan_local")),
                subject_type="",
                territory="01",
                budget_year=2026,
                period_type="year",
                source_record_id="P",
                source_system="tabmis",
                value=Decimal(rnd.randrange(10**12, 10**14)),
                revision=rnd.randrange(4),
            )
        else:
            o = base(event_time=at, subject_id=rnd.choice(stations), source_record_id=f"R{i}", value=Decimal(rnd.randrange(0, 1500)) / 100)
        sent.append(o)
    return sent


def run(
    context: OfflineContext, sent: list[Observation], seed: int, largest: int
) -> tuple[Stage1, dict[str, list[tuple[bytes, bytes | None]]]]:
    """The stage fed in random chunks; returns it and all rows by topic."""
    encoder = AvroEncoder("observation", context.registry.id_of("observation"))
    records = [Record(i, o.series().key().encode(), encoder.encode(o.record()), 1000 + i) for i, o in enumerate(sent)]
    stage, rnd, at = Stage1(context, "emergency", 0), random.Random(seed), 0
    rows: dict[str, list[tuple[bytes, bytes | None]]] = {}
    while at < len(records):
        part = records[at : at + rnd.randrange(1, largest)]
        for some in stage.fold(part, at, at + len(part)):
            rows.setdefault(some.topic, []).extend(zip(some.keys, some.values, strict=True))
        at += len(part)
    return stage, rows


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    """Shared: it holds no state."""
    return OfflineContext()


@pytest.mark.parametrize(("seed", "largest", "count"), [(1, 2, 500), (2, 30, 1500), (3, 400, 1500), (4, 5000, 1500), (5, 90, 1500)])
def test_panes_windows_and_newest_values_equal_the_oracle(context: OfflineContext, seed: int, largest: int, count: int) -> None:
    """`largest` 2: every record a chunk of its own, so fewer of them: what a chunk costs hardly depends on its size."""
    stations = [s.id for s in context.vocabulary.subjects("station") if "bd1" in s.limits][:4]
    sent = load_of(seed, count, stations, context)
    stage, rows = run(context, sent, seed, largest)
    oracle = Oracle(context.vocabulary, context.rules)
    for offset, o in enumerate(sent):
        oracle.add(o, offset)
    assert oracle.late > 0, "the load must hold late records"
    expected = oracle.panes()
    assert set(panes_of(stage)) == set(expected)
    wrong = {k: (v, expected[k]) for k, v in panes_of(stage).items() if v != expected[k]}
    assert not wrong, dict(list(wrong.items())[:3])
    decoder = AvroDecoder("aggregate", context.registry.schema)
    newest = {k: v for k, v in rows["agg.emergency"] if v is not None}
    checked = 0
    for key, value in newest.items():
        row = decoder.decode(value)
        series = key.decode()
        if series.startswith("\x00") or series.endswith(("plan_pm", "plan_local")) or oracle.newest(series) is None:
            continue
        for name, (number, total, low, high) in oracle.windows(series).items():
            assert (row[f"{name}_count"], int(row[f"{name}_sum"].scaleb(6))) == (number, total), (series, name)
            if name != "ytd":
                assert (int(row[f"{name}_min"].scaleb(6)), int(row[f"{name}_max"].scaleb(6))) == (low, high), (series, name)
            checked += 1
        latest = oracle.newest(series)
        assert latest is not None
        assert (row["latest_time"], int(row["latest"].scaleb(6))) == (latest.time, latest.value)
    assert checked > 30


def panes_of(stage: Stage1) -> dict[tuple[str, str, int], tuple[int, ...]]:
    """Every pane the stage holds."""
    out = {}
    for kind in Kind:
        table = stage.tables[kind]
        c, n = table.columns, len(table)
        wides = [c.wide(name).to_ints()[:n] for name in ("sum", "min", "max", "last")]
        for row in range(n):
            series = stage.series.entries[c.array("sid")[row]].key.decode()
            numbers = [int(c.array("count")[row]), *(w[row] for w in wides)]
            out[series, kind.name.lower(), int(c.array("pane")[row])] = tuple(numbers)
    return out


def test_conditions_do_not_depend_on_chunks(context: OfflineContext) -> None:
    stations = [s.id for s in context.vocabulary.subjects("station") if "bd1" in s.limits][:4]
    sent = load_of(7, 900, stations, context)
    decoder = AvroDecoder("condition", context.registry.schema)
    stories = []
    for seed, largest in ((1, 8), (2, 17), (3, 400), (4, 5000)):
        _, rows = run(context, sent, seed, largest)
        story = [decoder.decode(v) for _, v in rows.get("alerts.conditions.emergency", []) if v is not None]
        stories.append(sorted((c["through"], c["series"], c["transition"], c["severity"], c["alert_id"], c["value"]) for c in story))
    assert len(stories[0]) > 20
    assert {c[2] for c in stories[0]} >= {"opened", "cleared", "worse", "better"}
    for other in stories[1:]:
        assert other == stories[0]
