"""Totals of flows as they were known at a moment: what is summed ahead by day of arrival gives what folding every record would."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from indicators.instant import DAY_MS, local
from indicators.observation import Observation
from sinks import flow_preparation
from tests.sinks.loads import START, observation
from tests.sinks.test_known_prepared import put

Key = tuple[str, int, int]
COLUMNS = "territory, month, budget_year, total"
VIEW = (
    "board_known_totals(territories = ['VN'], clearance = 0, moment = {moment:DateTime64(3, 'UTC')}, since = {since:DateTime64(3, 'UTC')})"
)


def told(first: int, end: int) -> list[Observation]:
    """Records first…end-1: amended, withdrawn, sent twice, without a value, moved to another budget year; arriving within ninety days."""
    dice, found = random.Random(7 + first), []
    for n in range(first, end):
        at = START + dice.choice((-20, 3, 40)) * DAY_MS
        for revision in dice.choice(((0,), (0,), (0, 0), (0, 1), (0, 1, 1, 2))):
            found.append(observation(
                0, indicator="vn-1012/A.II.3", component="", measure_unit="VND", subject_type="project", subject_id=f"P{n % 3}",
                period_type="day", dimensions=(), territory=("01", "31")[n % 2], source_record_id=f"e{n}", revision=revision,
                status=dice.choice(("official", "official", "deleted")), value=dice.choice((None, Decimal(n), Decimal(n) / 4)),
                period_start=at, period_end=at + DAY_MS, event_time=at, budget_year=2026 + dice.choice((0, 0, 1)),
                ingested_at=START + (n % 60 + revision * 15) * DAY_MS + dice.randrange(DAY_MS),
            ))  # fmt: skip
    return found


def folded(records: list[Observation], moment: int, since: int) -> dict[Key, Decimal]:
    """(territory, month, budget year) → total, record by record: of a unit the highest revision counts, of equal ones the first."""
    last: dict[tuple[str, str, int], Observation] = {}
    for one in reversed(records):
        key = (one.series().key(), one.source_record_id, one.period_start)
        if one.ingested_at <= moment and (key not in last or last[key].revision <= one.revision):
            last[key] = one
    totals: dict[Key, Decimal] = defaultdict(Decimal)
    for one in last.values():
        start = local(one.period_start)
        if one.status != "deleted" and one.value is not None and one.period_start >= since:
            totals[one.territory, (start.year - 1970) * 12 + start.month - 1, one.budget_year] += one.value
    return dict(totals)


def moment(at: int) -> datetime:
    """Epoch ms as ClickHouse takes it."""
    return datetime.fromtimestamp(at / 1000, UTC)


SINCE = START - 31 * DAY_MS
MOMENTS = [START - 1, START + DAY_MS // 3, *(START + (day * 24 + hour) * 3_600_000 for day in (9, 30, 61, 100) for hour in (0, 7, 23))]
FEW = MOMENTS[3::3]


def held(database: Client, records: list[Observation], moments: list[int]) -> None:
    """Hold the answer of every moment against the plain fold of the records."""
    for at in moments:
        rows = database.query(f"SELECT {COLUMNS} FROM {VIEW}", {"moment": moment(at), "since": moment(SINCE)}).result_rows
        assert {row[:3]: row[3] for row in rows} == folded(records, at, SINCE), at


@pytest.mark.loopback
def test_sums_of_arrivals_give_what_folding_every_record_gives(database: Client) -> None:
    records = told(0, 60)
    put(database, records, 0)
    database.command("INSERT INTO observations SELECT * FROM observations LIMIT 30")  # the same rows once more, under no token
    assert database.query("SELECT sum(times) - uniqExact(topic, partition, offset) FROM flow_records").result_rows == [(30,)]
    held(database, records, MOMENTS)
    for table in ("flow_records", "flow_arrivals"):
        database.command(f"OPTIMIZE TABLE {table} FINAL")
    held(database, records, MOMENTS)
    later = database.query(f"SELECT {COLUMNS} FROM {VIEW}", {"moment": moment(START + 100 * DAY_MS), "since": moment(START)}).result_rows
    assert {row[1] for row in later} == {672, 673}, "January and February 2026: nothing before `since`"


@pytest.mark.loopback
def test_what_was_folded_beforehand_and_what_came_since_give_the_same(database: Client) -> None:
    """Since the folding came: amendments of what was folded, new records, old messages and old rows once more, rows that were late."""
    records, now = told(0, 60), [START / 1000]
    put(database, records[10:], 10)  # what lies before comes in later, behind the others' offsets
    database.command("INSERT INTO observations SELECT * FROM observations LIMIT 20")

    def prepare(margin_seconds: int = 0) -> int:
        now[0] += flow_preparation.REST_MS / 1000 + 1
        return flow_preparation.prepare(database, lambda: now[0], margin_seconds)

    assert prepare(), "the first folding is due at once"
    held(database, records[10:], FEW)
    assert database.query("SELECT count() > 0 FROM flow_corrections").result_rows == [(1,)]
    put(database, records[:10], 0)
    more = told(30, 90)
    put(database, [*more, *records[:5]], len(records))
    records += [*more, *records[:5]]
    database.command("INSERT INTO observations SELECT * FROM observations LIMIT 40")
    held(database, records, FEW)
    assert prepare(margin_seconds=600), "enough came since"
    held(database, records, FEW)  # folded, and yet in the journal's last ten minutes
    assert prepare()
    held(database, records, FEW)
    assert prepare() == 0, "nothing came since"
    assert database.query("SELECT uniqExact(batch) FROM flow_corrections").result_rows == [(1,)], "the replaced are dropped"
    flow_preparation.forget(database, lambda: now[0] + 1)
    held(database, records, FEW)
    assert prepare(), "forgotten, so folded anew"
    held(database, records, FEW)
