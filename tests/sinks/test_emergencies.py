"""Emergencies in ClickHouse: their record (figures at open and at close, alerts meanwhile), and who sees them on the board."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from indicators.emergency import Area, Did, Step
from sinks import clickhouse as ch
from sinks.decode import Decoder
from sinks.questions import ask
from sinks.stretch import Stretch
from tests.sinks.loads import START, observation
from tests.sinks.messages import message, sample
from tests.sinks.test_questions import ROUTES, fill
from transport.emergencies import step_key
from transport.settings import Settings

HOUR = 3_600_000
OPENED, CLOSED = START + HOUR, START + 5 * HOUR


def step(did: Did, units: tuple[str, ...] = ()) -> Step:
    return Step(id=did, emergency="E1", did=did, at=0, actor="lanhdao", why="bão", document="01", scenario="storm-flood", phase="response",
                area=Area(units))  # fmt: skip


def written(database: Client, steps: list[tuple[Step, int]]) -> None:
    """Steps with the time the broker gave them."""
    for n, (one, at) in enumerate(steps):
        block = Decoder(lambda _: {}).block(
            ROUTES["ops.emergency"], Stretch.of([message(n, one.body(), key=step_key(one), topic="ops.emergency")])
        )
        ch.insert(database, "emergency_steps", block.frame.with_columns(pl.lit(at).cast(pl.Datetime("ms", "UTC")).alias("appended")), "")


@pytest.mark.stack
@pytest.mark.timeout(200)
def test_the_record_of_an_emergency_and_who_sees_it(settings: Settings, database: Client) -> None:
    written(database, [(step("open", ("10507",)), OPENED - 10_000), (step("widen", ("22",)), OPENED), (step("close"), CLOSED - 10_000)])
    about = {"component": "rain", "concept": "rain", "measure_unit": "mm", "dimensions": ()}
    told = [(0, 5), (2, 30), (4, 12), (6, 99)]
    readings = [
        observation(0, **about, territory=territory, subject_id=station, source_record_id=f"{station}{hour}", value=Decimal(value),
                    event_time=START + hour * HOUR, ingested_at=START + hour * HOUR)
        for territory, station, times in (("31", "MUA-HAIPHONG", told), ("01", "TV-HANOI", told), ("31", "MUA-CU", [(-960, 7)]))
        for hour, value in times
    ]  # fmt: skip
    fill(database, "obs.emergency", [o.record() for o in readings], [o.series().key().encode() for o in readings])
    alert = sample("alert_event") | {"territory": "31", "severity": 3, "title_vi": "mưa lớn", "mode": "live", "opened_at": START + 2 * HOUR}
    two, three, seven = ({"recorded_at": START + hours * HOUR} for hours in (2, 3, 7))
    events: list[dict[str, Any]] = [{"alert_id": "a1", **two}, {"alert_id": "a1", "severity": 0, **three}, {"alert_id": "a2", **seven}]
    fill(database, "alerts.events", [alert | event for event in (*events, {"alert_id": "a3", "territory": "79", **two})])
    rows = ask(settings, "emergency", {"emergency": "E1", "series": "vn-1012/D.1|rain"}).rows
    assert [(row[0], row[2], row[4], row[5]) for row in rows] == [("vn-1012/D.1", "Thành phố Hải Phòng", Decimal(5), Decimal(12))]
    longer = ask(settings, "emergency", {"emergency": "E1", "days": "45"}).rows
    assert [row[4] for row in longer] == [Decimal(7), Decimal(5)], "what fell forty days before is asked for by name"
    assert ask(settings, "emergency", {"emergency": "E1", "series": "vn-1012/D.2|rain"}).rows == []
    assert [row[1:4] for row in ask(settings, "emergency_alerts", {"emergency": "E1"}).rows] == [(3, "mưa lớn", "Thành phố Hải Phòng")]

    def seen(*territories: str) -> int:
        codes = ", ".join(f"'{code}'" for code in territories)
        return int(database.query(f"SELECT count() FROM board_emergency_steps(territories = [{codes}])").result_rows[0][0])

    assert [seen("VN"), seen("31"), seen("22"), seen("79")] == [3, 3, 3, 0]


PLAIN = f"""SELECT component, subject_id,
    argMaxIf(value, (event_time, revision, -offset), ingested_at <= fromUnixTimestamp64Milli({OPENED})) AS at_open,
    argMaxIf(value, (event_time, revision, -offset), ingested_at <= fromUnixTimestamp64Milli({CLOSED})) AS at_close, max(event_time)
FROM observations
WHERE (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE concept_group = 'emergency')
    AND territory = '31' AND ingested_at <= fromUnixTimestamp64Milli({CLOSED}) AND event_time <= fromUnixTimestamp64Milli({CLOSED})
    AND event_time > fromUnixTimestamp64Milli({OPENED}) - toIntervalDay(400)
    AND (period_type = 'month' OR event_time > fromUnixTimestamp64Milli({OPENED}) - toIntervalDay(35))
    AND figure = 'actual' AND empty(dimensions) AND access_level = 0
GROUP BY indicator, component, territory, subject_type, subject_id, series
ORDER BY component, subject_id"""


@pytest.mark.loopback
def test_figures_at_open_and_close_are_a_plain_fold(settings: Settings, database: Client) -> None:
    """Readings and monthly figures: corrected, late, old, restricted, by dimension, elsewhere, of another indicator."""
    dice = random.Random(5)
    told = []
    for n in range(300):
        monthly = n % 5 == 0
        at = START - dice.choice((1, 20, 60, 390, 420)) * 24 * HOUR if monthly or n % 7 == 0 else START + dice.randrange(7) * HOUR
        told.append(observation(
            0, indicator=dice.choice(("vn-1012/D.1", "vn-1012/D.1", "vn-1012/A.II.5")),
            component=dice.choice(("rain", "temperature", "export")), concept="rain", measure_unit="mm",
            period_type="month" if monthly else "instant", territory=dice.choice(("31", "31", "01")), subject_id=f"S{n % 4}",
            dimensions=dice.choice(((), (), (("channel", "auto"),))), access_level=dice.choice((0, 0, 0, 3)), event_time=at,
            ingested_at=at + dice.randrange(3) * HOUR, revision=dice.randrange(3), source_record_id=f"r{n}", value=Decimal(n),
        ))  # fmt: skip
    fill(database, "obs.emergency", [o.record() for o in told], [o.series().key().encode() for o in told])
    written(database, [(step("open", ("31",)), OPENED - 10_000), (step("close"), CLOSED - 10_000)])
    plain = [tuple(row) for row in database.query(PLAIN).result_rows]
    assert len(plain) == 8
    rows = ask(settings, "emergency", {"emergency": "E1"}).rows
    assert [(row[1], row[3], *row[4:6], row[7]) for row in rows] == plain
