"""Questions answered from small tables beside the large give what the large would, whatever came twice, late or was taken back."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from indicators.observation import Observation
from sinks.questions import ask
from tests.sinks.loads import START, observation
from tests.sinks.messages import sample
from tests.sinks.test_questions import RESULT, fill
from transport.settings import Settings

MINUTE = 60_000


@pytest.mark.loopback
def test_freshness_has_the_edges_of_the_window_and_nothing_twice(settings: Settings, database: Client) -> None:
    """Events around 01:00 and 02:00 in Vietnam, inserted again under the same token: as the rows themselves are counted."""
    edges = [START + hour * 60 * MINUTE + shift for hour in (1, 2) for shift in (-1, 0, 1, MINUTE, MINUTE + 1)]
    told = [observation(n, event_time=at, period_start=at, period_end=at, ingested_at=at + n) for n, at in enumerate(edges)]
    for _ in range(2):
        fill(database, "obs.emergency", [o.record() for o in told], [o.series().key().encode() for o in told])
    window = " AND ".join(f"event_time {edge}" for edge in (f"> fromUnixTimestamp64Milli({START + 60 * MINUTE})",
                                                              f"<= fromUnixTimestamp64Milli({START + 120 * MINUTE})"))  # fmt: skip
    rows = f"""SELECT source_system, uniqExact(topic, partition, offset), max(event_time), max(ingested_at) FROM observations
        WHERE {window}
        GROUP BY source_system"""
    expected = [tuple(row) for row in database.query(rows).result_rows]
    assert expected[0][1] == 5
    assert ask(settings, "freshness", {"until": "01/01/2026 02:00", "hours": "1"}).rows == expected
    within = ask(settings, "freshness", {"until": "01/01/2026 02:00:30", "hours": "1"}).rows
    assert within == ask(settings, "freshness", {"until": "01/01/2026 02:01", "hours": "1"}).rows, "within a minute: its end"


@pytest.mark.loopback
def test_a_ranking_takes_the_newest_result_and_none_that_was_taken_back(settings: Settings, database: Client) -> None:
    """By generation and what was read, not by arrival; a result that was taken back has no place."""
    result = sample("derived") | {"formula": "F02.province", "period_start": START, "budget_year": 2026, "deleted": False}
    states = [("31", "40.5", 0, 9, False), ("31", "71.5", 1, 3, False), ("31", "50", 0, 10, False), ("01", "62.25", 0, 2, False),
              ("48", "90", 0, 1, False), ("48", "90", 0, 2, True)]  # fmt: skip
    records = [result | {"result": RESULT.format(code), "territory": code, "value": Decimal(value), "generation": generation,
                         "through": through, "deleted": deleted} for code, value, generation, through, deleted in states]  # fmt: skip
    for _ in range(2):
        fill(database, "derived.finance_budget", records)
    database.command("INSERT INTO derived SELECT * FROM derived")
    ranked = [row[:3] for row in ask(settings, "ranking", {"as_of": "02/01/2026"}).rows]
    assert ranked == [(1, "Thành phố Hải Phòng", Decimal("71.5")), (2, "Thành phố Hà Nội", Decimal("62.25"))]


@pytest.mark.loopback
def test_known_sorts_what_was_told_again_and_adds_up_the_rest(settings: Settings, database: Client) -> None:
    """Amended, withdrawn, repeated, moved to another month or territory, without a value: as record by record."""
    dice, day = random.Random(9), 86_400_000
    told = []
    for n in range(60):
        for revision in range(dice.choice((1, 1, 2, 3))):
            at = START + dice.choice((3, 3, 40)) * day
            value = dice.choice((None, Decimal(n), Decimal(n) / 4))
            told += [observation(
                0, indicator="vn-1012/A.II.3", component="", measure_unit="VND", subject_type="project", subject_id=f"P{n % 3}",
                period_type="day", dimensions=(), territory=dice.choice(("01", "31")), source_record_id=f"e{n}", revision=revision,
                status=dice.choice(("official", "official", "deleted")), value=value, period_start=at, period_end=at + day, event_time=at,
                ingested_at=START + (n + revision * 30) * day,
            )] * dice.choice((1, 1, 2))  # fmt: skip
    fill(database, "obs.finance_budget", [o.record() for o in told], [o.series().key().encode() for o in told])
    database.command("INSERT INTO observations SELECT * FROM observations LIMIT 20")
    moment = START + 45 * day
    then: dict[tuple[str, bool, str, str], Observation] = {}
    now = dict(then)
    for one in reversed(told):  # of equal revisions the first that came counts
        key = (one.territory, one.period_start > START + 31 * day, one.series().key(), one.source_record_id)
        for known in (then, now) if one.ingested_at <= moment else (now,):
            if key not in known or known[key].revision <= one.revision:
                known[key] = one

    def summed(known: dict[tuple[str, bool, str, str], Observation], place: str, late: bool) -> tuple[Decimal | None, int]:
        live = [o for (territory, later, *_), o in known.items() if (territory, later) == (place, late) and o.status != "deleted"]
        values = [o.value for o in live if o.value is not None]
        return (sum(values, Decimal(0)) if values else None), len(live)

    expected = [(*summed(then, place, late), *summed(now, place, late)) for place in ("31", "01") for late in (False, True)]
    rows = ask(settings, "known", {"moment": "15/02/2026"}).rows
    assert sorted((row[2], row[5], row[3], row[6]) for row in rows) == sorted(expected)
