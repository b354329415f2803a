"""Retention: the policy's file, the TTL it becomes, what differs, and that what is past its time is gone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from pydantic import ValidationError

from indicators.datafile import DataFileError
from indicators.observation import Observation
from sinks import clickhouse, report_preparation, retention
from sinks.retention import Policy, Rule
from tests.sinks.loads import START, observation
from tests.sinks.test_report_preparation import put
from transport.settings import HOME, Settings
from transport.topics import DAY_MS


def policy(*levels: tuple[int, int | str]) -> Policy:
    return Policy.model_validate({"status": "set", "levels": [{"from": start, "days": days} for start, days in levels]})


def test_the_installations_policy_keeps_public_records_for_ever() -> None:
    own = retention.load(HOME)
    assert own.status == "to_be_set_by_owner"
    assert own.clauses() == ((5, 8, 3650), (8, 10, 1825))
    assert own.shortest_ms() == 1825 * DAY_MS
    assert policy((0, "forever")).shortest_ms() is None


@pytest.mark.parametrize(
    "levels", [[(1, 10)], [(0, 10), (0, 5)], [(0, 10), (5, "forever")], [(0, 0)], [(0, 18_251)], [(0, 5), (12, 1)], []]
)
def test_a_policy_that_contradicts_itself_is_refused(levels: list[Any]) -> None:
    with pytest.raises(ValidationError):
        policy(*levels)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / retention.FILE).write_text("status: set\nlevels: [{from: 1, days: 3}]\n")
    with pytest.raises(DataFileError, match=r"retention\.yaml"):
        retention.load(tmp_path)


@pytest.mark.loopback
def test_rows_past_their_time_are_gone_and_others_stay(settings: Settings, database: Client) -> None:
    names = ["indicator", "offset", "access_level", "appended", "event_time", "period_start", "period_end", "ingested_at"]
    old, new = "2020-01-01 00:00:00", "2026-01-01 00:00:00"
    rows = [[f"i{n}", n, level, *[at] * 5] for n, (level, at) in enumerate([(0, old), (4, old), (5, old), (9, old), (9, new)])]
    values = ", ".join(str(tuple(row)) for row in rows)
    database.command(f"INSERT INTO observations ({', '.join(names)}) VALUES {values}")
    chosen = policy((0, "forever"), (5, 18_000), (8, 1_000))
    rules = retention.of_tables(database, chosen)
    assert [(one.name, one.differs, one.found) for one in rules] == [(name, True, "mãi mãi / forever") for name in retention.CLOCKS]
    assert retention.apply(settings, database, chosen, rules) == rules
    assert not any(one.differs for one in retention.of_tables(database, chosen)), "what is applied is found again"
    database.command("OPTIMIZE TABLE observations FINAL")
    left = database.query("SELECT offset FROM observations ORDER BY offset").result_rows
    assert left == [(0,), (1,), (2,), (4,)]
    clickhouse.check_ready(database, ["observations"])
    everything = policy((0, "forever"))
    retention.apply(settings, database, everything, retention.of_tables(database, everything))
    assert [one.found for one in retention.of_tables(database, everything)] == ["mãi mãi / forever"] * len(rules)


KEPT = {
    "territory_values": "SELECT * FROM territory_values FINAL ORDER BY ALL",
    "flow_records": "SELECT * FROM flow_records FINAL ORDER BY ALL",
    "flow_arrivals": "SELECT * FROM flow_arrivals FINAL ORDER BY ALL",
    "report_units": "SELECT * FROM report_units FINAL ORDER BY ALL",
    "totals": """SELECT * FROM board_known_totals(territories = ['VN'], clearance = 9, moment = toDateTime64('2026-12-31', 3, 'UTC'),
        since = toDateTime64('2000-01-01', 3, 'UTC')) ORDER BY ALL""",
}
"""What stands in the tables that follow from records, and what the board adds up of them."""


def records(day: int, level: int) -> list[Observation]:
    """Of one day and access level: a flow by project that is amended, one by territory; a report of a series that others report too, and
    one of a series of its own."""
    at, tag = START + day * DAY_MS, f"{day}/{level}"
    flow: dict[str, Any] = {"indicator": "vn-1012/A.II.3", "component": "", "measure_unit": "VND", "period_type": "day", "dimensions": (),
                            "access_level": level, "period_start": at, "period_end": at + DAY_MS, "event_time": at}  # fmt: skip
    entries = [observation(0, **flow, subject_type="project", subject_id="P1", source_record_id=tag, value=Decimal(100 + level),
                           revision=n, ingested_at=at + n * 1000) for n in range(2)]  # fmt: skip
    whole = observation(0, **flow, subject_type="", subject_id="", territory="01", source_record_id=tag, value=Decimal(7), ingested_at=at)
    month = {"subject_type": "", "subject_id": "", "indicator": "vn-1012/A.XI.7", "period_type": "month", "provider": "MPS"}
    reports = [observation(0, **flow | month, territory=place, source_record_id=tag, value=Decimal(day), ingested_at=at + 5)
               for place in ("VN", ("01", "31")[level > 0])]  # fmt: skip
    return [*entries, whole, *reports]


def stands(database: Client) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that follows from the records."""
    return {name: [tuple(row) for row in database.query(asked).result_rows] for name, asked in KEPT.items()}


@pytest.mark.loopback
@pytest.mark.timeout(200)
def test_what_follows_from_records_past_their_time_is_gone_and_nothing_else(settings: Settings, database: Client) -> None:
    gone = records(0, 8)
    allowed = [*records(0, 0)[:2], *records(1, 0), *records(2, 0), *records(20_000, 8)[:4]]
    emptied = ("observations", "value_latest", "reports", "restricted_series", *tuple(KEPT)[:4])
    put(database, allowed, len(gone))
    expected = stands(database)
    for table in emptied:
        database.command(f"TRUNCATE TABLE {table}")
    put(database, gone + allowed, 0)
    everything = stands(database)
    assert all(everything[name] != expected[name] for name in KEPT), "each tells of what is to go"
    assert report_preparation.settle_beginnings(database) == 0
    chosen = policy((0, "forever"), (5, 30))
    retention.apply(settings, database, chosen, retention.of_tables(database, chosen))
    for table in retention.CLOCKS:
        database.command(f"OPTIMIZE TABLE {table} FINAL")
    assert report_preparation.settle_beginnings(database) == 2, "one begins later, one never: none of its reports is left"
    assert report_preparation.settle_beginnings(database) == 1, "which is gone at the next turn"
    assert report_preparation.settle_beginnings(database) == 0
    assert stands(database) == expected


def test_what_is_as_it_should_be_is_left_alone(settings: Settings) -> None:
    assert retention.apply(settings, None, policy((0, "forever")), [Rule("table", "observations", "a", "a")]) == []  # type: ignore[arg-type]
