"""The question `known` over a folded past gives what a plain fold of every record gives, whatever came after it, again or late."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from indicators.observation import Observation
from sinks import clickhouse, preparation
from sinks.decode import Decoder
from sinks.questions import ask, bind, questions
from sinks.stretch import Stretch
from tests.sinks.loads import START, observation
from tests.sinks.messages import encode, message
from tests.sinks.test_questions import ROUTES
from transport.schemas import load
from transport.settings import Settings

DAY = 86_400_000
TOPIC = "obs.finance_budget"
ASKED = (("15/02/2026 09:30:15", "0"), ("20/03/2026 23:59", "2026"), ("31/12/2026", "0"))
"""Moments and budget years."""
EVENTS, REPORTED = {"indicator": "vn-1012/A.II.3", "figure": "actual"}, {"indicator": "vn-1012/A.II.3", "figure": "plan_pm"}
FOLDED_HERE = """SELECT t.name_vi, known.period,
    if(countIf(then.2 = 2) = 0, NULL, sumIf(then.1, then.2 = 2)), if(countIf(now.2 = 2) = 0, NULL, sumIf(now.1, now.2 = 2)),
    countIf(then.2 > 0), countIf(now.2 > 0)
FROM
(
    WITH toDate(toTimeZone(period_start, 'Asia/Ho_Chi_Minh')) AS day
    SELECT
        territory, if(figure = 'actual', toStartOfMonth(day), day) AS period,
        argMaxIf((ifNull(value, 0), multiIf(status = 'deleted', 0, value IS NULL, 1, 2)), (revision, -offset),
            ingested_at <= {moment:DateTime64(3, 'UTC')}) AS then,
        argMax((ifNull(value, 0), multiIf(status = 'deleted', 0, value IS NULL, 1, 2)), (revision, -offset)) AS now
    FROM observations
    WHERE indicator = {indicator:String} AND figure = {figure:String} AND ({budget_year:Int32} = 0 OR budget_year = {budget_year:Int32})
    GROUP BY territory, period, series, source_system, source_record_id
) AS known
INNER JOIN territories AS t ON t.code = known.territory
GROUP BY t.name_vi, known.period
ORDER BY t.name_vi, known.period"""


def amended(dice: random.Random, figure: str, first: int, count: int) -> list[Observation]:
    """Records told once, amended, withdrawn, sent again, late, without a value, moved to another month, territory or budget year."""
    told = []
    for n in range(first, first + count):
        for revision in range(dice.choice((1, 1, 1, 2, 3))):
            start = START + dice.choice((3, 3, 3, 40)) * DAY
            told += [observation(
                0, indicator="vn-1012/A.II.3", component="", figure=figure, measure_unit="VND", subject_type="project",
                subject_id=f"P{n % 3}", period_type="day", dimensions=(), territory=dice.choice(("01", "31")), source_record_id=f"e{n}",
                revision=revision,
                status=dice.choice(("official", "official", "official", "deleted")), value=dice.choice((None, Decimal(n), Decimal(n) / 4)),
                budget_year=dice.choice((2026, 2026, 2026, 2027)), period_start=start, period_end=start + DAY, event_time=start,
                ingested_at=START + dice.randrange(100 * DAY),
            )] * dice.choice((1, 1, 2))  # fmt: skip
    dice.shuffle(told)
    return told


def put(database: Client, told: list[Observation], first: int) -> None:
    """Rows at the offsets `first` and on of two partitions."""
    messages = [message(first + n, encode("observation", o.record()), key=o.series().key().encode(), topic=TOPIC,
                        partition=int(o.subject_id[1:] or 0) % 2) for n, o in enumerate(told)]  # fmt: skip
    block = Decoder(lambda _: load("observation").raw).block(ROUTES[TOPIC], Stretch.of(messages))
    assert not block.refused
    appended = pl.lit(START, pl.Int64).cast(pl.Datetime("ms", "UTC")).alias("appended")
    clickhouse.insert(database, "observations", block.frame.with_columns(appended), f"{first}")


def same(settings: Settings, database: Client) -> int:
    """Hold every answer against the plain fold; returns how many rows were compared."""
    compared = 0
    for asked in (EVENTS, REPORTED):
        for moment, year in ASKED:
            values = asked | {"moment": moment, "budget_year": year}
            plain = database.query(FOLDED_HERE, parameters=bind(questions()["known"], values)).result_rows
            found = [(row[0], row[1].date(), row[2], row[3], row[5], row[6]) for row in ask(settings, "known", values).rows]
            assert found == [tuple(row) for row in plain], values
            compared += len(found)
    return compared


@pytest.mark.loopback
@pytest.mark.timeout(200)
def test_a_folded_past_and_what_came_after_it_are_a_plain_fold(settings: Settings, database: Client) -> None:
    dice, now = random.Random(12), [START / 1000]
    first = [o for figure in ("actual", "plan_pm") for o in amended(dice, figure, 0, 40)]
    put(database, first, 0)
    assert same(settings, database) > 20, "without a batch"
    folded = preparation.prepare(database, lambda: now[0], least_rows=1)
    assert [(one.figure, one.by_month) for one in sorted(folded, key=lambda one: one.figure)] == [("actual", True), ("plan_pm", False)]
    same(settings, database)
    # Amendments of what was folded, new records, the same records again, the same rows again under no token.
    put(database, [o for figure in ("actual", "plan_pm") for o in amended(dice, figure, 20, 40)] + first[:10], len(first))
    database.command("INSERT INTO observations SELECT * FROM observations LIMIT 60")
    same(settings, database)
    assert preparation.prepare(database, lambda: now[0], least_rows=1) == [], "not so soon again"
    now[0] += preparation.REST_MS / 1000 + 1
    assert len(preparation.prepare(database, lambda: now[0], least_rows=1)) == 2
    same(settings, database)
    assert preparation.prepare(database, lambda: now[0], least_rows=1) == []
    batches = "SELECT uniqExact(batch), (SELECT uniqExact(batch) FROM known_steps) FROM known_hours"
    assert database.query(batches).result_rows == [(2, 2)], "the replaced are dropped, for they are older than a question lasts"
    database.command("ALTER TABLE observations DELETE WHERE source_record_id IN ('e7', 'e8', 'e9') SETTINGS mutations_sync = 1")
    now[0] += preparation.REST_MS / 1000 + 1
    assert len(preparation.prepare(database, lambda: now[0], least_rows=1)) == 2, "fewer rows than were folded: some were past their time"
    same(settings, database)
    preparation.forget(database, lambda: now[0] + 1)
    same(settings, database)


@pytest.mark.loopback
@pytest.mark.timeout(200)
def test_a_folding_that_began_before_it_was_to_be_forgotten_does_not_count(settings: Settings, database: Client) -> None:
    """A repair puts rows behind the offsets of a folding that is under way, and then lets what was folded be forgotten."""
    told, now = amended(random.Random(3), "actual", 0, 20), START / 1000
    put(database, told[30:], 30)  # a gap: what lies before comes in later
    with pytest.MonkeyPatch.context() as patch:

        def repaired(client: Client, *line: Any) -> None:
            patch.undo()
            put(database, told[:30], 0)
            preparation.forget(database, lambda: now + 1)
            preparation._count(client, *line)

        patch.setattr(preparation, "_count", repaired)
        assert len(preparation.prepare(database, lambda: now, least_rows=1)) == 1
    same(settings, database)
    assert len(preparation.prepare(database, lambda: now + 2, least_rows=1)) == 1, "it is folded anew at the next turn"
    same(settings, database)
