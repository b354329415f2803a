"""The benchmark of the named questions: shares, parameters that exist, and rows that add up."""

from __future__ import annotations

import math

import pytest
from clickhouse_connect.driver.client import Client

from benchmarks.queries import ASKED, KINDS, measure, seed
from sinks.questions import bind, questions
from transport.settings import Settings

ROWS = 4_000


def test_shares_are_a_whole_and_every_parameter_is_one() -> None:
    assert math.isclose(sum(share for share, _ in KINDS.values()), 1.0)
    known = questions()
    for name, sets in ASKED.items():
        for values in sets:
            assert bind(known[name], values)


@pytest.mark.loopback
def test_every_question_has_an_answer_in_what_is_seeded(settings: Settings, database: Client) -> None:
    seed(settings, ROWS)
    rows, origins = database.query("SELECT count(), uniqExact(topic, partition, offset, indicator) FROM observations").result_rows[0]
    assert rows == origins == ROWS
    found = measure(settings, 1, True)
    assert found.keys() == questions().keys()
    empty = {name for name, one in found.items() if not one["rows"]}
    # Nothing is compared, in conflict or alerted of in what is seeded, and of so few rows no station has any in its last days.
    assert empty <= {"alerts", "refused", "station", "comparisons", "conflicts", "reports", "emergency", "emergency_alerts"}
