"""Running totals are not flows: hand-computed months, quarters and years to date, before and after a correction."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from indicators.observation import Observation
from stream_processors.stage1 import Stage1
from tests.stream_processors.offline import OfflineContext, Record
from transport.columnar_writer import AvroDecoder, AvroEncoder

VN = timezone(timedelta(hours=7))


def ms(year: int, month: int) -> int:
    """First instant of a month in Vietnam."""
    return int(datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=VN).timestamp() * 1000)


def total(month: int, value: int, department: str, revision: int = 0, status: str = "official") -> Observation:
    """Spending of a department from January to the end of `month` 2026."""
    return Observation(
        indicator="vn-1012/A.II.2", concept="budget_expenditure", measure_unit="VND", period_type="month", period_start=ms(2026, month),
        period_end=ms(2026, month + 1), event_time=ms(2026, month + 1) - 1, ingested_at=ms(2026, month + 1) + 86_400_000, territory="VN",
        agency="MOF", provider="MOF", source_system="report", source_record_id=f"{department}/{month}", subject_type="department",
        subject_id=department, budget_year=2026, cumulative=True, status=status, revision=revision,
        value=None if status == "deleted" else Decimal(value),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "month", "quarter", "ytd"),
    [
        ([(1, 100)], 100, 100, 100),
        ([(1, 100), (2, 250), (3, 300)], 50, 300, 300),
        ([(1, 100), (2, 250), (3, 300), (4, 340)], 40, 40, 340),
        ([(1, 100), (2, 250), (2, 90, 1)], -10, 90, 90),  # corrected downwards: the month is negative
        ([(1, 100), (3, 300)], 200, 300, 300),  # February is missing: March holds both
        ([(3, 300), (1, 100), (2, 250)], 50, 300, 300),  # late reports
        ([(1, 100), (2, 250), (2, 0, 1, "deleted")], 100, 100, 100),  # withdrawn: January is the newest again
        ([(2, 250), (2, 999, 0)], 250, 250, 250),  # the same revision with another figure does not count
    ],
)
def test_a_running_total_gives_the_months_own_value(sent: list[Any], month: int, quarter: int, ytd: int) -> None:
    context = OfflineContext()
    department = next(iter(context.vocabulary.subjects("department"))).id
    encoder = AvroEncoder("observation", context.registry.id_of("observation"))
    stage = Stage1(context, "finance_budget", 0)
    observations = [total(s[0], s[1], department, *s[2:]) for s in sent]
    records = [Record(i, o.series().key().encode(), encoder.encode(o.record()), i) for i, o in enumerate(observations)]
    rows: dict[bytes, bytes] = {}
    for r in records:  # one by one: the last row must not depend on it
        out = stage.fold([r], r.offset, r.offset + 1)
        rows |= {k: v for k, v in zip(out[0].keys, out[0].values, strict=True) if v is not None}
    row = AvroDecoder("aggregate", context.registry.schema).decode(rows[records[0].key])
    assert [int(row[f"{w}_sum"]) for w in ("month", "quarter", "ytd")] == [month, quarter, ytd]

    at_once = Stage1(context, "finance_budget", 0)
    out = at_once.fold(records, 0, len(records))
    again = AvroDecoder("aggregate", context.registry.schema).decode(dict(zip(out[0].keys, out[0].values, strict=True))[records[0].key])
    assert [again[f"{w}_sum"] for w in ("month", "quarter", "ytd")] == [row[f"{w}_sum"] for w in ("month", "quarter", "ytd")]
