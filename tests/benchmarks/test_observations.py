"""The customs load: seeded, full, and its corrections concern the record and the series they name."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.observations import MOST_SERIES, CustomsLoad, template
from indicators.observation import SCALE
from indicators.vocabulary import Vocabulary
from transport.settings import HOME


def test_equal_arguments_give_equal_lines_and_another_seed_others() -> None:
    one, same, other = CustomsLoad(500, 20, 3), CustomsLoad(500, 20, 3), CustomsLoad(500, 20, 4)
    assert [one.observation(i) for i in range(500)] == [same.observation(i) for i in range(500)]
    assert [one.observation(i) for i in range(500)] != [other.observation(i) for i in range(500)]


def test_every_number_is_another_series_of_the_catalogue() -> None:
    spec = Vocabulary.load(HOME).series_spec("vn-1012/A.II.5", "export")
    assert spec is not None
    assert spec.group == "trade"
    assert len({template(n).series().key() for n in range(MOST_SERIES)}) == MOST_SERIES
    with pytest.raises(ValueError, match="58200"):
        CustomsLoad(1, MOST_SERIES + 1)


def test_a_correction_has_series_time_and_id_of_an_earlier_line_and_is_the_only_one_of_it() -> None:
    lines = [load.observation(i) for load in (CustomsLoad(6000, 50, amended=0.3),) for i in range(6000)]
    first = {line.source_record_id: line for line in lines if line.revision == 0}
    corrections = [line for line in lines if line.revision == 1]
    assert len(corrections) > 500
    assert len({line.source_record_id for line in corrections}) == len(corrections)
    for line in corrections:
        former = first[line.source_record_id]
        assert (line.series(), line.event_time, line.period_start) == (former.series(), former.event_time, former.period_start)
        assert line.ingested_at > former.ingested_at
    assert len(first) + len(corrections) == len(lines)


@pytest.mark.parametrize("first", [1500, 6000, None])
def test_what_stands_in_the_end_counts_each_record_once_at_its_last_value(first: int | None) -> None:
    load = CustomsLoad(6000, 50, amended=0.3)
    stands = {line.source_record_id: line.value for line in (load.observation(i) for i in range(first or 6000))}
    assert load.live_count(first) == len(stands)
    assert load.live_sum(first) == sum(int(v.scaleb(SCALE)) for v in stands.values() if v is not None)


def test_some_lines_are_out_of_order_and_days_are_those_of_viet_nam() -> None:
    load = CustomsLoad(6000, 50, days=3)
    lines = [load.observation(i) for i in range(6000)]
    late = sum(a.event_time > b.event_time for a, b in pairwise(lines))
    assert 20 < late < 200
    assert {line.period_start for line in lines} == {load.observation(0).period_start + n * 86_400_000 for n in range(3)}
    assert all(line.period_start <= line.event_time < line.period_end for line in lines)
