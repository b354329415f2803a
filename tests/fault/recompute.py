"""Incremental results against a full recomputation in ClickHouse SQL: `python -m tests.fault.recompute --observations 1000000`.

A year of disbursement entries and plans of every registered project goes through the real stages 1 and 2, a chunk at a time, with
corrections (5 %, some of them deletions), late entries (2 %) and repetitions. The same records lie in ClickHouse: one statement computes
every result from nothing. Each result of the stream must be that of the statement: numerator, denominator, rounded value.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
from clickhouse_connect.driver.client import Client

from indicators.instant import DAY_MS, day_start
from indicators.observation import Observation
from ops.stack.artifacts import cache_dir
from ops.stack.scratch import Scratch
from sinks import clickhouse as ch
from sinks.decode import Decoder
from sinks.migrations import migrate
from sinks.stretch import Stretch
from sinks.tables import routes
from stream_processors.stage1 import Stage1
from tests.sinks.messages import message
from tests.stream_processors.offline import OfflineContext, Record
from tests.stream_processors.results import Bench
from transport.columnar_writer import AvroEncoder
from transport.partitioner import partition_of
from transport.schemas import load
from transport.settings import HOME, Settings
from transport.topics import table

REVISED, LATE, REPEATED = 0.05, 0.02, 0.01
YEAR: Final = 2026
TOPIC: Final = "obs.finance_budget"
PARTITIONS: Final = 2
CHUNK: Final = 20_000
FORMULAS: Final = ("F02.province", "F02.country", "DISBURSED.province")
Key = tuple[str, str, int]
Figures = tuple[Decimal | None, Decimal | None, Decimal | None]
FULL: Final = """
WITH
    records AS
    (
        SELECT territory, figure, argMax(tuple(value, status, event_time), tuple(revision, -offset)) AS best
        FROM observations
        WHERE indicator = 'vn-1012/A.II.3' AND budget_year = {year:Int32}
        GROUP BY territory, figure, series, source_system, source_record_id
    ),
    plans AS (SELECT territory, sum(best.1) AS plan FROM records WHERE figure = 'plan_pm' AND best.2 != 'deleted' GROUP BY territory),
    months AS
    (
        SELECT territory, toStartOfMonth(toTimeZone(best.3, 'Asia/Ho_Chi_Minh')) AS month,
            sumIf(best.1, best.2 != 'deleted') AS paid, countIf(best.2 != 'deleted') AS entries
        FROM records WHERE figure = 'actual'
        GROUP BY territory, month
    ),
    provinces AS
    (
        SELECT m.territory AS territory, month, plan, sum(paid) OVER w AS paid, sum(entries) OVER w AS entries
        FROM months AS m INNER JOIN plans AS p ON p.territory = m.territory
        WINDOW w AS (PARTITION BY m.territory ORDER BY month)
    ),
    country AS
    (
        SELECT 'VN' AS territory, month, (SELECT sum(plan) FROM plans) AS plan, sum(paid) OVER w AS paid, sum(entries) OVER w AS entries
        FROM (SELECT month, sum(paid) AS paid, sum(entries) AS entries FROM months GROUP BY month)
        WINDOW w AS (ORDER BY month)
    )
SELECT formula, territory, toUnixTimestamp(toDateTime(month, 'Asia/Ho_Chi_Minh')) * 1000 AS start, paid, plan,
    intDiv(toInt256(paid * 1000000) * 20000 + toInt256(plan * 1000000), toInt256(plan * 1000000) * 2) AS hundredths
FROM (SELECT 'F02.province' AS formula, * FROM provinces UNION ALL SELECT 'F02.country', * FROM country)
WHERE entries > 0
"""


class Found(NamedTuple):
    """What a run found. `wrong`: keys of results that differ or stand on one side alone; seconds of each part."""

    observations: int
    revisions: int
    late: int
    results: int
    wrong: list[str]
    stream_seconds: float
    load_seconds: float
    sql_seconds: float


def observations(context: OfflineContext, count: int, seed: int) -> Iterator[tuple[Observation, str]]:
    """Records in order of arrival, each with what it is: plan, entry, late, revision."""
    rnd, subjects = random.Random(seed), list(context.vocabulary.subjects("project"))
    start, kept = day_start(date(YEAR, 1, 1)), list[Observation]()
    for n, subject in enumerate(subjects):
        plan = _record(subject, start, Decimal(rnd.randrange(10**9, 10**12)), f"p{n}")
        plan = replace(plan, figure="plan_pm", period_type="year", period_end=day_start(date(YEAR + 1, 1, 1)))
        kept.append(plan)
        yield plan, "plan"
    for n in range(count - len(subjects)):
        dice = rnd.random()
        if dice < REVISED:
            at = rnd.randrange(len(kept))
            gone = kept[at].figure == "actual" and rnd.random() < 0.1
            value = None if gone else Decimal(rnd.randrange(10**6, 10**9))
            kept[at] = replace(kept[at], revision=kept[at].revision + 1, value=value, status="deleted" if gone else "official")
            yield kept[at], "revision"
            continue
        if dice < REVISED + REPEATED:
            yield rnd.choice(kept), "repeated"
            continue
        day = 360 * n // count + rnd.randrange(4)
        late = dice > 1 - LATE
        moment = start + max(0, day - (rnd.randrange(20, 200) if late else 0)) * DAY_MS + rnd.randrange(DAY_MS)
        made = _record(rnd.choice(subjects), moment, Decimal(rnd.randrange(10**6, 10**9)), f"e{n}")
        if len(kept) < 200_000:
            kept.append(made)
        yield made, "late" if late else "entry"


def run(settings: Settings, client: Client, count: int, seed: int = 1) -> Found:
    """Both computations and what differs."""
    context = OfflineContext()
    encoder, seen = AvroEncoder("observation", context.registry.id_of("observation")), dict.fromkeys(("revision", "late"), 0)
    stages = [Stage1(context, "finance_budget", p) for p in range(PARTITIONS)]
    bench, queues = Bench(context), [list[Record]() for _ in stages]
    offsets, stream, loading = [0] * PARTITIONS, 0.0, 0.0
    batch: list[tuple[bytes, bytes]] = []
    stored = 0
    for one, what in observations(context, count, seed):
        if what in seen:
            seen[what] += 1
        key = one.series().key().encode()
        p = partition_of(key, PARTITIONS)
        value = encoder.encode(one.record())
        queues[p].append(Record(offsets[p] + len(queues[p]), key, value, 1000))
        batch.append((key, value))
        if len(batch) >= CHUNK:
            began = time.monotonic()
            _fold(stages, queues, offsets, bench)
            stream += time.monotonic() - began
            stored, loading = _load(client, batch, stored, loading)
    began = time.monotonic()
    _fold(stages, queues, offsets, bench)
    stream += time.monotonic() - began
    stored, loading = _load(client, batch, stored, loading)
    began = time.monotonic()
    full = recomputed(client)
    sql = time.monotonic() - began
    own = told(bench)
    wrong = sorted(f"{key}: {own.get(key)} ≠ {full.get(key)}" for key in own.keys() | full.keys() if own.get(key) != full.get(key))
    return Found(stored, seen["revision"], seen["late"], len(full), wrong, round(stream, 2), round(loading, 2), round(sql, 2))


def told(bench: Bench) -> dict[Key, Figures]:
    """The newest results of the stream."""
    return {
        (row["formula"], territory, start): (row["numerator"], row["denominator"], row["value"])
        for (_, territory, start), row in bench.rows.items()
        if row["formula"] in FORMULAS and not row["deleted"]
    }  # fmt: skip


def recomputed(client: Client) -> dict[Key, Figures]:
    """The same results, computed from the records by one statement."""
    found: dict[Key, Figures] = {}
    for formula, territory, start, paid, plan, hundredths in client.query(FULL, parameters={"year": YEAR}).result_rows:
        six = Decimal(paid).quantize(Decimal("0.000001"))
        found[formula, territory, start] = six, Decimal(plan), Decimal(hundredths).scaleb(-2)
        if formula == "F02.province":
            found["DISBURSED.province", territory, start] = six, None, six
    return found


def _record(subject: Any, at: int, value: Decimal, id: str) -> Observation:
    return Observation(
        indicator="vn-1012/A.II.3", concept="public_investment_disbursement", measure_unit="VND", period_type="day", period_start=at,
        period_end=at + 1, event_time=at, ingested_at=at + 60_000, territory=subject.territory, agency="VST", provider="VST",
        source_system="tabmis", source_record_id=id, subject_type="project", subject_id=subject.id, status="official", budget_year=YEAR,
        value=value,
    )  # fmt: skip


def _fold(stages: list[Stage1], queues: list[list[Record]], offsets: list[int], bench: Bench) -> None:
    """Fold what waits on each partition; its operands go on to stage 2."""
    for p, stage in enumerate(stages):
        if not queues[p]:
            continue
        out = stage.fold(queues[p], offsets[p], offsets[p] + len(queues[p]))
        assert not [rows for rows in out if rows.topic.startswith("dead.")], "nothing is refused"
        offsets[p] += len(queues[p])
        queues[p].clear()
        some = (rows for rows in out if rows.topic.startswith("operands."))
        bench.feed([Record(0, k, v or b"", 0) for rows in some for k, v in zip(rows.keys, rows.values, strict=True)], CHUNK)


def _load(client: Client, batch: list[tuple[bytes, bytes]], stored: int, seconds: float) -> tuple[int, float]:
    """Put the records into ClickHouse as the sink would; how many are there, and the seconds spent."""
    began, route = time.monotonic(), routes(table())[TOPIC]
    messages = [message(stored + n, value, key=key, topic=TOPIC) for n, (key, value) in enumerate(batch)]
    if messages:
        block = Decoder(lambda _: load("observation").raw).block(route, Stretch.of(messages))
        appended = pl.lit(0, pl.Int64).cast(pl.Datetime("ms", "UTC")).alias("appended")
        ch.insert(client, route.table, block.frame.with_columns(appended), f"{TOPIC}-{stored}")
    batch.clear()
    return stored + len(messages), seconds + time.monotonic() - began


def main() -> int:
    """Run against a ClickHouse of its own and write `benchmarks/results/recompute.json`; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observations", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recompute-") as name, Scratch(Path(name) / "stack", cache_dir(HOME / ".nhip")) as parts:
        host, _, port = parts.clickhouse().rpartition(":")
        settings = Settings.load(data_dir=Path(name), clickhouse_host=host, clickhouse_port=int(port), clickhouse_database="recompute")
        migrate(settings)
        with ch.connected(settings) as client:
            found = run(settings, client, asked.observations, asked.seed)
    document = found._asdict() | {"wrong": len(found.wrong), "examples": found.wrong[:10], "seed": asked.seed}
    (HOME / "benchmarks" / "results" / "recompute.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(document, ensure_ascii=False, indent=1))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
