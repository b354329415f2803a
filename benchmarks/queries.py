"""Every named question of `nhip query` over many rows: milliseconds cold and warm, and whether each is answered in 150 ms, 99 of 100.

    python -m benchmarks.queries --rows 20000000
    python -m benchmarks.queries --rows 1000000 --turns 20

Rows go straight into ClickHouse, made by the server itself from numbers, in the shares of a ministry's year: readings of stations every
ten minutes, customs lines, tax receipts, treasury entries, plans; with what the stream would have made of them for the tables that
questions read (aggregates, results with their history, alerts, refusals); the closed past of `known` and of `quality` is prepared
once, as the sink does on its schedule. Seeded by the row number: equal counts give equal rows. Each question is asked with its
defaults and with the parameters of a person at work. Cold: the first time on a server that was just started on the data. Warm: `--turns`
times. Writes `benchmarks/results/queries.json`; exit status 1 where a question needs longer.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks import machine
from benchmarks.spread import percentile
from ops.stack.artifacts import cache_dir
from ops.stack.scratch import Scratch
from sinks import clickhouse
from sinks.migrations import migrate
from sinks.preparation import turn
from sinks.questions import ask, questions
from transport.settings import HOME, Settings

RESULT: Final = HOME / "benchmarks" / "results" / "queries.json"
LIMIT_MS: Final = 150.0
BLOCK: Final = 1_000_000
UNTIL: Final = "31/12/2026 23:50"
SECONDS: Final = 1_767_200_400
"""01/01/2026 00:00 in Việt Nam, epoch seconds."""

_COMMON: Final = """'official' AS status, 'none' AS price_basis, false AS cumulative, 0 AS access_level, 2026 AS budget_year,
    1 AS territory_version, toDateTime64(at, 3, 'UTC') AS event_time, event_time + 60 AS ingested_at, ingested_at + 1 AS appended,
    concat('R', toString(n)) AS source_record_id, 0 AS revision, intDiv(n, 12) AS offset, toInt32(n % 12) AS partition"""
_TERRITORY: Final = "['01', '31', '48', '79', '92', '24', '36', '40', '22', '19'][1 + cityHash64({0}) % 10] AS territory"
KINDS: Final[dict[str, tuple[float, str]]] = {
    "river": (0.44, f"""'obs.emergency' AS topic, 'vn-1012/D.1' AS indicator,
        ['river_level', 'rain', 'temperature'][1 + n % 3] AS component,
        component AS concept, if(component = 'rain', 'mm', 'm') AS measure_unit, 'actual' AS figure, 'instant' AS period_type,
        if(intDiv(n, 3) % 200 = 0, 'TV-HANOI', concat('ST', toString(intDiv(n, 3) % 200))) AS subject_id, 'station' AS subject_type,
        {_TERRITORY.format("subject_id")},
        toUInt32({SECONDS} + intDiv(n, 600) * (31536000 / (total / 600))) AS at,
        'HYDROMET' AS agency, 'HYDROMET' AS provider, 'hydromet' AS source_system"""),
    "trade": (0.30, f"""'obs.trade' AS topic, 'vn-1012/A.II.5' AS indicator, ['export', 'import'][1 + n % 2] AS component,
        component AS concept, 'USD' AS measure_unit, 'actual' AS figure, 'day' AS period_type, '' AS subject_id, '' AS subject_type,
        {_TERRITORY.format("n")}, toUInt32({SECONDS} + n * (31536000 / total)) AS at,
        'CUSTOMS' AS agency, 'CUSTOMS' AS provider, 'vnaccs' AS source_system"""),
    "tax": (0.15, f"""'obs.finance_budget' AS topic, 'vn-1012/A.II.4' AS indicator, '' AS component, 'tax' AS concept,
        'VND' AS measure_unit, 'actual' AS figure, 'day' AS period_type, '' AS subject_id, '' AS subject_type,
        {_TERRITORY.format("n")}, toUInt32({SECONDS} + n * (31536000 / total)) AS at,
        'TAX' AS agency, 'TAX' AS provider, 'tax' AS source_system"""),
    "treasury": (0.10, f"""'obs.finance_budget' AS topic, 'vn-1012/A.II.3' AS indicator, '' AS component, 'disbursement' AS concept,
        'VND' AS measure_unit, 'actual' AS figure, 'day' AS period_type, concat('DA', toString(n % 600)) AS subject_id,
        'project' AS subject_type, {_TERRITORY.format("subject_id")}, toUInt32({SECONDS} + n * (31536000 / total)) AS at,
        'MOF' AS agency, 'MOF' AS provider, 'tabmis' AS source_system"""),
    "report": (0.01, f"""'obs.annual_plan' AS topic,
        (SELECT groupArray((indicator, component, provider)) FROM obligations WHERE area = 'VN' AND period_type = 'month') AS owed,
        (SELECT groupArray(code) FROM territories) AS codes, intDiv(n, 12) AS series_number,
        owed[1 + series_number % length(owed)] AS item, item.1 AS indicator, item.2 AS component, component AS concept, '%' AS measure_unit,
        'actual' AS figure, 'month' AS period_type, '' AS subject_id, '' AS subject_type,
        codes[1 + intDiv(series_number, length(owed)) % length(codes)] AS territory,
        toUInt32({SECONDS} + n % 12 * 2629800 + (17 + cityHash64(n) % 10) * 86400) AS at,
        item.3 AS agency, agency AS provider, 'intake' AS source_system"""),
}  # fmt: skip
"""Kind → share of the rows, and its columns of row `n` out of `total`."""
_INSERT: Final = """INSERT INTO observations (topic, indicator, component, concept, measure_unit, figure, period_type, subject_id,
    subject_type, territory, agency, provider, source_system, status, price_basis, cumulative, access_level, budget_year,
    territory_version, event_time, ingested_at, appended, source_record_id, revision, offset, partition, series, period_start, period_end,
    value)
SELECT topic, indicator, component, concept, measure_unit, figure, period_type, subject_id, subject_type, territory, agency, provider,
    source_system, status, price_basis, cumulative, access_level, budget_year, territory_version, event_time, ingested_at, appended,
    source_record_id, revision, offset, partition,
    concat(indicator, '|', component, '|', territory, '|', if(subject_id = '', '', concat(subject_type, ':', subject_id)), '||actual')
        AS series,
    multiIf(period_type = 'instant', event_time, period_type = 'month',
        toDateTime64(toStartOfMonth(toTimeZone(event_time, 'Asia/Ho_Chi_Minh')), 3, 'Asia/Ho_Chi_Minh'),
        toDateTime64(toStartOfDay(toTimeZone(event_time, 'Asia/Ho_Chi_Minh')), 3)) AS period_start,
    multiIf(period_type = 'instant', event_time, period_type = 'month', addMonths(period_start, 1), period_start + 86400) AS period_end,
    toDecimal128(n % 100000, 6) / 100 AS value
FROM (SELECT n, {columns}, {common} FROM (SELECT number AS n, {total} AS total FROM numbers({first}, {count})))"""
_DERIVED: Final = """INSERT INTO derived (topic, partition, offset, appended, result, formula, kind, indicator, component, territory,
    measure_unit, period_type, period_start, period_end, budget_year, deleted, status, value, numerator, denominator, event_time, caused_at,
    generation, through)
SELECT 'derived.finance_budget', n % 2, n, event_time + 1, concat(formula, '|', territory, '||', part, '|2026'), formula,
    if(formula = 'F02.province', 'ratio', 'sum'), indicator, '', territory, if(formula = 'F02.province', '%', 'VND'), 'month', period_start,
    period_start + 2592000, 2026, false, 'official', toDecimal128(n % 10000, 6) / 100, toDecimal128(n, 6), toDecimal128(1000000000, 6),
    event_time, event_time, 0, n
FROM (
    SELECT number AS n, leftPad(toString(1 + n % 34), 2, '0') AS territory, if(n % 4 = 0, 'F02.province', 'SET.tax') AS formula,
        if(n % 4 = 0, 'vn-1012/A.II.3', 'vn-1012/A.II.4') AS indicator,
        if(n % 4 = 0, '', concat('tax_type=T', toString(intDiv(n, 34) % 12))) AS part,
        toDateTime64({seconds} + intDiv(n, 34) % 12 * 2629800, 3, 'UTC') AS period_start,
        toDateTime64({seconds} + n * (31536000 / {count}), 3, 'UTC') AS event_time
    FROM numbers({count}))"""
_AGGREGATES: Final = """INSERT INTO aggregates (topic, partition, offset, appended, series, latest, latest_time, budget_year, inexact,
    generation, through)
SELECT 'agg', 0, rowNumberInAllBlocks(), max(observations.appended), series, argMax(value, event_time), max(event_time), 2026, 0, 0,
    max(offset)
FROM observations GROUP BY series"""
EMERGENCY: Final = "bao-1"
_EMERGENCY: Final = f"""INSERT INTO emergency_steps (topic, partition, offset, appended, step_key, body)
SELECT 'ops.emergency', 0, 0, toDateTime64('2026-10-15 00:00:00', 3, 'UTC'), 'step|{EMERGENCY}|open',
    '{{"emergency": "{EMERGENCY}", "did": "open", "scenario": "storm-flood", "area": {{"units": ["01", "31"]}}}}'"""
ASKED: Final[dict[str, tuple[dict[str, str], ...]]] = {
    "station": ({"until": UNTIL}, {"until": "30/06/2026", "component": "rain"}),
    "freshness": ({"until": UNTIL}, {"until": UNTIL, "hours": "720"}),
    "latest": ({}, {"indicator": "vn-1012/A.II.5", "component": "export"}, {"indicator": "vn-1012/A.II.3", "territory": "01"}),
    "known": ({"moment": "30/06/2026"}, {"moment": "30/06/2026", "indicator": "vn-1012/A.II.4"}),
    "breakdown": ({}, {"territory": "01", "budget_year": "2026"}),
    "ranking": ({"as_of": UNTIL}, {"as_of": "30/06/2026"}),
    "quality": ({"as_of": UNTIL}, {"as_of": UNTIL, "indicator": "vn-1012/A.IX.1"}),
    "emergency": ({"emergency": EMERGENCY}, {"emergency": EMERGENCY, "series": "vn-1012/D.1|rain,vn-1012/D.1|river_level"}),
    "emergency_alerts": ({"emergency": EMERGENCY},),
}  # fmt: skip
"""Question → the parameters it is asked with; a question that is not named is asked with its defaults."""


def seed(settings: Settings, rows: int) -> None:
    """Fill the installation's database. Raises ClickHouseError."""
    with clickhouse.connected(settings) as client:
        for kind, (share, columns) in KINDS.items():
            total = int(rows * share)
            for first in range(0, total, BLOCK):
                count = min(BLOCK, total - first)
                client.command(_INSERT.format(columns=columns, common=_COMMON, total=total, first=first, count=count))
                _say(f"{kind}: {first + count} / {total}")
        client.command(_EMERGENCY)
        client.command(_AGGREGATES)
        client.command(_DERIVED.format(seconds=SECONDS, count=max(1000, rows // 100)))


def measure(settings: Settings, turns: int, cold: bool) -> dict[str, dict[str, Any]]:
    """Milliseconds of every question as it is asked, the longest over its sets of parameters."""
    found: dict[str, dict[str, Any]] = {}
    for name in questions():
        times: list[float] = []
        rows = 0
        for values in ASKED.get(name, ({},)):
            for _ in range(1 if cold else turns):
                answer = ask(settings, name, values)
                times.append(answer.milliseconds)
                rows = max(rows, len(answer.rows))
        found[name] = {"p50": round(percentile(times, 50), 1), "p99": round(percentile(times, 99), 1), "asked": len(times), "rows": rows}
        _say(f"{'cold' if cold else 'warm'} {name}: {found[name]}")
    return found


def main() -> int:
    """Seed, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--turns", type=int, default=50)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # unwinds, so that no server is left behind
    described = machine.describe()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nhip-queries-", ignore_cleanup_errors=True)))
        parts = stack.enter_context(Scratch(folder, cache_dir(HOME / ".nhip")))
        settings = _settings(parts, folder)
        migrate(settings)
        began = time.monotonic()
        seed(settings, options.rows)
        seeded = round(time.monotonic() - began, 1)
        began = time.monotonic()
        with clickhouse.connected(settings) as client:
            turn(client)
        prepared = round(time.monotonic() - began, 1)
        parts.stop("clickhouse")
        settings = _settings(parts, folder)
        cold, warm = measure(settings, 1, True), measure(settings, options.turns, False)
    slow = sorted(name for name, one in warm.items() if one["p99"] > LIMIT_MS)
    document = {
        "rows": options.rows, "seeded_seconds": seeded, "prepared_seconds": prepared, "limit_ms": LIMIT_MS,
        "slower_than_the_limit": slow, "warm_ms": warm,
        "cold_ms": cold,
        "p99_ms": max(one["p99"] for one in warm.values()), "machine": described,
    }  # fmt: skip
    RESULT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({name: document[name] for name in ("rows", "p99_ms", "slower_than_the_limit", "warm_ms")}))
    return int(bool(slow))


def _settings(parts: Scratch, folder: Path) -> Settings:
    host, _, port = parts.clickhouse().rpartition(":")
    return Settings.load(data_dir=folder, clickhouse_host=host, clickhouse_port=int(port))


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
