"""The plan of the latency measurement is what the rule on river levels does with its readings."""

from __future__ import annotations

from itertools import islice, pairwise

from benchmarks.readings import CYCLE, Rivers
from benchmarks.series_encoder import SeriesEncoder
from indicators.vocabulary import Vocabulary
from tests.benchmarks.folding import fold
from transport.columnar_writer import AvroEncoder
from transport.settings import HOME

START = 1_780_000_000_000
COUNT = 2 * 14 * 3 * CYCLE


def test_each_planned_change_is_the_rules_and_there_is_no_other() -> None:
    rivers = Rivers(Vocabulary.load(HOME), START)
    encoder = SeriesEncoder(AvroEncoder("observation", 1), rivers.templates)
    load = list(islice(rivers.readings(), COUNT))
    planned = [(i, one.change) for i, one in enumerate(load) if one.change]
    _, conditions = fold("emergency", [(encoder.keys[p.reading.series], encoder.encode(p.reading)) for p in load])
    assert [(row["source_offset"], row["transition"]) for row in conditions] == planned
    changes = [change for _, change in planned]
    assert {change for change in ("opened", "worse", "cleared") if changes.count(change) > 30} == set(changes)


def test_changes_are_spread_over_the_cycle() -> None:
    load = list(islice(Rivers(Vocabulary.load(HOME), START).readings(), COUNT))
    places = [i for i, one in enumerate(load) if one.change]
    gaps = [b - a for a, b in pairwise(places[40:])]
    assert max(gaps) < 2 * 14 * CYCLE / 10


def test_a_burst_is_late_ordered_in_each_series_and_of_its_length() -> None:
    rivers = Rivers(Vocabulary.load(HOME), START)
    burst = list(rivers.burst(3000, 1_800_000))
    assert len(burst) == 3000
    assert len({(r.series, r.record_id) for r in burst}) == 3000
    assert all(START - 1_800_000 <= r.event_time < START for r in burst)
    assert all("late_burst" in rivers.templates[r.series].quality_flags for r in burst)
    for series in {r.series for r in burst}:
        times = [r.event_time for r in burst if r.series == series]
        assert times == sorted(set(times))
