"""`nhip explain`: observations folded by both stages, stored in ClickHouse, and told again from a result down to each record."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from indicators.instant import day_start
from ops.commands.explain import PeriodUnreadable, period_start, told
from sinks import clickhouse as ch
from stream_processors.stage1 import Stage1
from stream_processors.stage1_rows import POSITION
from tests.sinks.test_questions import fill
from tests.stream_processors.offline import OfflineContext, Record
from tests.stream_processors.results import Bench, month
from tests.stream_processors.test_stage1_against_oracle import base
from transport.columnar_writer import AvroEncoder
from transport.records import AvroDecoder
from transport.settings import Settings

YEAR = 2026


def entries(context: OfflineContext) -> list[Any]:
    """Disbursements of two projects, one corrected, and the plans of both."""
    subjects = list(context.vocabulary.subjects("project"))[:2]
    made = []
    for n, subject in enumerate(subjects):
        common: dict[str, Any] = {
            "indicator": "vn-1012/A.II.3", "component": "", "concept": "public_investment_disbursement", "measure_unit": "VND",
            "territory": subject.territory, "subject_type": "project", "subject_id": subject.id, "agency": "VST", "provider": "VST",
            "source_system": "tabmis", "budget_year": YEAR,
        }  # fmt: skip
        for number in (1, 2):
            at = month(YEAR, number) + 36_000_000
            entry = common | {"period_type": "day", "period_start": at, "period_end": at + 1, "event_time": at}
            made.append(base(**entry, value=Decimal(100 * number), source_record_id=f"e{n}{number}"))
        at = month(YEAR, 1)
        plan = common | {"period_type": "year", "period_start": at, "period_end": month(YEAR + 1, 1), "event_time": at, "figure": "plan_pm"}
        made.append(base(**plan, value=Decimal(1000), source_record_id=f"p{n}"))
    first = made[0]
    made.append(base(**{**{f: getattr(first, f) for f in first.__slots__ if f != "trace_id"}, "value": Decimal(50), "revision": 1}))
    return made


def stored(database: Client, context: OfflineContext) -> list[Any]:
    """Fold the entries and put every row of both stages into their tables."""
    sent, encoder = entries(context), AvroEncoder("observation", context.registry.id_of("observation"))
    stage, bench = Stage1(context, "finance_budget", 0), Bench(context)
    records = [Record(n, o.series().key().encode(), encoder.encode(o.record()), 1000) for n, o in enumerate(sent)]
    out = stage.fold(records, 0, len(records))
    assert not [rows for rows in out if rows.topic.startswith("dead.")]
    pane = AvroDecoder("pane", context.registry.schema)
    panes = [pane.decode(v or b"") for rows in out if rows.topic.startswith("panes.") for v in rows.values]
    handed = [(k, v) for rows in out if rows.topic.startswith("operands.") for k, v in zip(rows.keys, rows.values, strict=True)]
    bench.feed([Record(0, k, v or b"", 0) for k, v in handed if k != POSITION])
    fill(database, "obs.finance_budget", [o.record() for o in sent], [o.series().key().encode() for o in sent])
    fill(database, "panes.finance_budget", panes)
    fill(database, "derived.finance_budget", list(bench.rows.values()))
    return sent


@pytest.mark.loopback
@pytest.mark.timeout(400)
def test_a_figure_is_told_down_to_the_offset_of_each_record(settings: Settings, database: Client) -> None:
    context = OfflineContext()
    sent = stored(database, context)

    def read(sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        return ch.rows(database, sql, parameters)

    corrected = len(sent) - 1
    lines, wrong = told(read, settings, "F02.country", month(YEAR, 2), "VN", 9)
    assert wrong == []
    assert "27,5 %" in lines[0]  # (50 + 200 + 100 + 200) / 2000
    said = "\n".join(lines)
    assert f"obs.finance_budget/3@{corrected} r1" in said
    assert "obs.finance_budget/3@0 r0" not in said, "what the correction replaced is no origin"
    assert sum(line.strip().startswith("obs.finance_budget/3@") for line in lines) == len(sent) - 1
    rank, wrong = told(read, settings, "F02.rank", -1, sent[0].territory, 9)
    assert wrong == []
    assert "hạng trong 1 theo F02.province" in rank[0] or "hạng trong 2 theo F02.province" in rank[0]
    local, wrong = told(read, settings, f"DISBURSED.province|{sent[0].territory}|||{YEAR}", -1, "VN", 1)
    assert wrong == []
    assert any("toán hạng nữa" in line for line in local)
    leaf, _ = told(read, settings, sent[0].series().key(), month(YEAR, 1), "VN", 5)
    assert f"obs.finance_budget/3@{corrected} r1" in "\n".join(leaf)
    database.command(
        "INSERT INTO panes SELECT * REPLACE (sum + 1 AS sum, version + 1 AS version) FROM panes WHERE figure = 'actual' AND kind = 'month'"
    )
    _, wrong = told(read, settings, "F02.country", month(YEAR, 2), "VN", 9)
    assert wrong, "panes that give another figure than the stored one are told"


def test_a_period_is_written_as_people_write_it() -> None:
    from datetime import date

    assert period_start("") == -1
    assert period_start("2026") == day_start(date(2026, 1, 1))
    assert period_start("10/2026") == day_start(date(2026, 10, 1))
    assert period_start("02/10/2026") == day_start(date(2026, 10, 2))
    with pytest.raises(PeriodUnreadable):
        period_start("tháng mười")
