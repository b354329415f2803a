"""Series that are ordered for a time, in stage 1: taken in from the order's effect on, until its end date, by the record alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from indicators.adhoc import AdhocSet, read_set
from indicators.observation import Observation
from indicators.period import period_of
from indicators.rule import RuleBook
from indicators.rules.cases import instant
from indicators.vocabulary import Vocabulary
from tests.indicators.test_adhoc import written
from tests.stream_processors.offline import OfflineContext
from tests.stream_processors.test_stage1_against_oracle import base
from tests.stream_processors.test_stage1_rules import Works
from transport.partitioner import partition_of
from transport.settings import HOME
from transport.topics import GROUPS

OPENS = instant("2026-11-03T08:00")


def told(content: AdhocSet, day: str, value: int, appended: int) -> tuple[int, Observation]:
    period = period_of("day", instant(day))
    return appended, base(
        event_time=period.start_ms, indicator=f"{content.catalogue}/C1", component="", concept=content.specs()[0].concept,
        measure_unit="ha",
        period_type="day", period_start=period.start_ms, period_end=period.end_ms, subject_type="", subject_id="", territory="31",
        agency="MAE", provider="PPC-31", source_system="intake", source_record_id=f"{day}", value=Decimal(value), ingested_at=appended,
    )  # fmt: skip


@pytest.mark.parametrize("early", [True, False])
def test_a_series_counts_from_the_order_until_its_end_whenever_it_became_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    content = read_set(written(tmp_path))
    context = OfflineContext(RuleBook([]))
    context.vocabulary = Vocabulary(HOME)
    if early:
        context.vocabulary.adopt(content.specs(OPENS), content.rows())
    first = told(content, "2026-11-02", 7, OPENS - 1)
    key = first[1].series().key()
    works = Works(context, "emergency", partition_of(key.encode(), GROUPS["emergency"]), monkeypatch)
    works.bring([first])
    context.vocabulary.adopt(content.specs(OPENS), content.rows())
    days = ("2026-11-03", "2026-12-31", "2027-01-01")
    works.bring([told(content, day, 8 + n, instant(f"{day}T09:00")) for n, day in enumerate(days)])
    stage = works.stage
    (sid,) = stage.series.numbers([key.encode()])
    assert stage.newest.value.take(stage.series.numbers([key.encode()])).to_ints() == [9_000_000]
    assert stage.series.first_time[sid] == instant("2026-11-03"), "what came before the order is in the dead letters alone"
    assert works._written.newest("dead.stage1", works.partition % 2), "what was refused is there"
