"""The fast encoder of the loads writes what fastavro writes, for every kind of reading the loads make."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks.observations import CustomsLoad
from benchmarks.readings import Rivers
from benchmarks.series_encoder import Reading, SeriesEncoder, observation_of
from indicators.vocabulary import Vocabulary
from transport.columnar_writer import AvroEncoder
from transport.settings import HOME

ENCODER = AvroEncoder("observation", 7)


def test_customs_lines_are_the_bytes_of_fastavro() -> None:
    load = CustomsLoad(3000, 200, amended=0.2)
    for i, (key, value) in enumerate(load.messages(SeriesEncoder(ENCODER, load.templates))):
        line = load.observation(i)
        assert (key, value) == (line.series().key().encode(), ENCODER.encode(line.record()))


def test_station_readings_are_the_bytes_of_fastavro() -> None:
    rivers = Rivers(Vocabulary.load(HOME), 1_780_000_000_000)
    encoder = SeriesEncoder(ENCODER, rivers.templates)
    readings = [p.reading for p in islice(rivers.readings(), 500)] + list(rivers.burst(500, 1_800_000))
    for reading in readings:
        whole = observation_of(rivers.templates[reading.series], reading)
        assert encoder.keys[reading.series] == whole.series().key().encode()
        assert encoder.encode(reading) == ENCODER.encode(whole.record())


@pytest.mark.parametrize("value", [0, 1, -1, 127, 128, -128, -129, 2**63, -(10**25), 10**26])
@pytest.mark.parametrize("published", [None, 0, 1_780_000_000_000])
def test_odd_values_are_the_bytes_of_fastavro(value: int, published: int | None) -> None:
    template = CustomsLoad(1, 1).templates[0]
    reading = Reading(0, 0, 86_400_000, -5, published, 2**41, value, "số 1/«a»", 300, 2**128 - 1)
    assert SeriesEncoder(ENCODER, [template]).encode(reading) == ENCODER.encode(observation_of(template, reading).record())
