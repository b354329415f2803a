"""Reported figures as known at a moment: the newest where it stood already, the history elsewhere: that is a fold of every message."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from indicators.observation import Observation
from tests.sinks.loads import START, observation
from tests.sinks.test_known_prepared import put

DAY = 86_400_000
Key = tuple[str, str, int]
VIEW = """SELECT territory, figure, toUnixTimestamp64Milli(period_start), value, status, revision
FROM board_known_territory_values(territories = ['VN'], clearance = {clearance:Int32}, moment = {moment:DateTime64(3, 'UTC')},
    territory = {territory:String})"""


def told() -> list[Observation]:
    """Monthly figures of two provinces and the country: amended, withdrawn, without a value, restricted, sent again, of two senders."""
    dice, found = random.Random(11), []
    for n in range(120):
        start = START + dice.randrange(4) * 31 * DAY
        whole = dice.random() < 0.9  # a part of a territory is no figure of it
        found.append(observation(
            0, indicator="vn-1012/A.I.2", component="", measure_unit="percent", figure=dice.choice(("actual", "actual", "plan_pm")),
            subject_type="" if whole else "project", subject_id="" if whole else f"P{n % 2}", period_type="month", dimensions=(),
            territory=dice.choice(("VN", "01", "31")), source_record_id=f"e{dice.randrange(6)}", source_system=dice.choice(("a", "b")),
            revision=dice.randrange(4), status=dice.choice(("official", "official", "deleted")), access_level=dice.choice((0, 0, 0, 5)),
            value=dice.choice((None, Decimal(n))), period_start=start, period_end=start + 31 * DAY, event_time=start,
            ingested_at=START + dice.randrange(100 * DAY),
        ))  # fmt: skip
    return found


def folded(records: list[Observation], moment: int, clearance: int, territory: str) -> dict[Key, tuple[Decimal | None, str, int]]:
    """(territory, figure, period) → (value, status, revision): the highest revision that had arrived, of equal ones the first."""
    last: dict[Key, Observation] = {}
    for one in reversed(records):
        key = (one.territory, one.figure, one.period_start)
        if one.subject_id or one.ingested_at > moment or territory not in ("", one.territory):
            continue
        if key not in last or last[key].revision <= one.revision:
            last[key] = one
    seen = {key: one for key, one in last.items() if one.status != "deleted" and one.access_level <= clearance}
    return {key: (one.value, one.status, one.revision) for key, one in seen.items()}


@pytest.mark.loopback
def test_the_newest_and_the_history_of_what_changed_are_a_fold_of_everything(database: Client) -> None:
    records, compared = told(), 0
    put(database, records[:60], 0)
    put(database, records[60:], 60)
    database.command("INSERT INTO observations SELECT * FROM observations LIMIT 30")  # the same rows once more, under no token
    for days, clearance, territory in ((-1, 9, ""), (12, 9, ""), (40, 0, ""), (40, 9, "31"), (75, 0, "VN"), (120, 9, "")):
        moment = START + days * DAY
        asked = {"moment": datetime.fromtimestamp(moment / 1000, UTC), "clearance": clearance, "territory": territory}
        found = {tuple(row[:3]): tuple(row[3:]) for row in database.query(VIEW, parameters=asked).result_rows}
        assert found == folded(records, moment, clearance, territory), (days, clearance, territory)
        compared += len(found)
    assert compared > 30
