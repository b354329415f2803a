"""Framed observations fast enough to load a broker with millions: what is constant in a series is encoded once, the rest is appended.

The bytes are those that fastavro writes for the same observation; tests/benchmarks/test_series_encoder.py compares them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from indicators.observation import SCALE, Observation
from transport.columnar_writer import AvroEncoder
from transport.framing import encode_long, encode_string

_SET: Final = b"\x02"  # second branch of [null, …]
_NULL: Final = b"\x00"


class Reading(NamedTuple):
    """What differs between the observations of one series. Times in epoch ms UTC; `value` in millionths of the series' unit.

    `series` is the number of the template; `trace` becomes 32 hex digits.
    """

    series: int
    period_start: int
    period_end: int
    event_time: int
    published_at: int | None
    ingested_at: int
    value: int
    record_id: str
    revision: int
    trace: int


def observation_of(template: Observation, reading: Reading) -> Observation:
    """The observation of a reading whose series has this template."""
    return replace(
        template, period_start=reading.period_start, period_end=reading.period_end, event_time=reading.event_time,
        published_at=reading.published_at, ingested_at=reading.ingested_at, value=Decimal(reading.value).scaleb(-SCALE),
        source_record_id=reading.record_id, revision=reading.revision, trace_id=f"{reading.trace:032x}",
    )  # fmt: skip


class SeriesEncoder:
    """Readings as framed messages. `keys[n]` is the Kafka key of series n."""

    def __init__(self, encoder: AvroEncoder, templates: Sequence[Observation]) -> None:
        self.keys = [t.series().key().encode() for t in templates]
        self._heads = [_head(encoder, n, t) for n, t in enumerate(templates)]

    def encode(self, reading: Reading) -> bytes:
        """Frame and body."""
        return self._heads[reading.series] + _tail(reading)


def _head(encoder: AvroEncoder, number: int, template: Observation) -> bytes:
    """Frame and the fields before `value`: what fastavro writes for any reading of the series, without the tail of that reading."""
    probe = Reading(number, 1, 2, 1, None, 3, 0, "", 0, 0)
    whole, tail = encoder.encode(observation_of(template, probe).record()), _tail(probe)
    if not whole.endswith(tail):
        raise ValueError("schema observation: the fields from «value» on are not those of benchmarks/series_encoder.py; mend _tail there")
    return whole[: -len(tail)]


def _tail(r: Reading) -> bytes:
    """The fields from `value` to `trace_id`, in the order of schemas/avro/observation.avsc."""
    number = r.value.to_bytes((r.value.bit_length() + 8) >> 3, "big", signed=True)
    published = _NULL if r.published_at is None else _SET + encode_long(r.published_at)
    return b"".join((
        _SET, encode_long(len(number)), number, _period(r.period_start, r.period_end), encode_long(r.event_time), published,
        encode_long(r.ingested_at), encode_string(r.record_id), encode_long(r.revision), b"\x40%032x" % r.trace,
    ))  # fmt: skip


@functools.lru_cache(maxsize=4096)
def _period(start: int, end: int) -> bytes:
    return encode_long(start) + encode_long(end)
