"""Stock Faust is measured at the worker's job: its rows are the worker's rows, and it refuses what the worker refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.observations import CustomsLoad
from benchmarks.series_encoder import SeriesEncoder
from benchmarks.stock_job import StockJob
from indicators.vocabulary import Vocabulary
from tests.benchmarks.folding import fold
from transport.columnar_writer import AvroDecoder, AvroEncoder
from transport.schemas import load as schema_of
from transport.settings import HOME

LOAD = CustomsLoad(6000, 40, days=40, amended=0.1)
ENCODER = AvroEncoder("observation", 1)


@pytest.fixture(scope="module")
def job() -> StockJob:
    return StockJob(Vocabulary.load(HOME), 3)


def test_its_aggregate_rows_are_those_of_the_worker(job: StockJob) -> None:
    messages = list(LOAD.messages(SeriesEncoder(ENCODER, LOAD.templates)))
    expected, _ = fold("trade", messages)
    decoder = AvroDecoder("aggregate", lambda number: schema_of("aggregate").raw)
    states: dict[bytes, dict[str, Any]] = {}
    found: dict[bytes, dict[str, Any]] = {}
    for offset, (key, value) in enumerate(messages):
        record = job.decode(value)
        assert not job.problem(key, record, states[key]["watermark"] if key in states else 0)
        states[key] = job.fold(key, states.get(key), record, offset)
        found[key] = decoder.decode(job.encode(job.aggregate(key, states[key])))
    assert len(found) == 40
    assert found == expected


BROKEN: Mapping[str, Mapping[str, Any]] = {
    "unknown_indicator": {"indicator": "vn-1012/X"}, "contract": {"measure_unit": "VND"}, "validation": {"source_record_id": ""},
    "impossible_date": {"event_time": 4_200_000_000_000}, "out_of_range": {"value": Decimal(-1)},
    "too_late": {"event_time": 1_700_000_000_000},
}  # fmt: skip


@pytest.mark.parametrize("reason", BROKEN)
def test_it_refuses_for_each_reason(job: StockJob, reason: str) -> None:
    line = LOAD.observation(0)
    key = line.series().key().encode()
    assert not job.problem(key, job.decode(ENCODER.encode(line.record())), line.event_time)
    broken = replace(line, **BROKEN[reason])
    assert job.problem(key, job.decode(ENCODER.encode(broken.record())), line.event_time) == reason
