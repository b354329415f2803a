"""Retention: the policy's file, the TTL it becomes, what differs, and that what is past its time is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from pydantic import ValidationError

from indicators.datafile import DataFileError
from sinks import clickhouse, retention
from sinks.retention import Policy, Rule
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


def test_what_is_as_it_should_be_is_left_alone(settings: Settings) -> None:
    assert retention.apply(settings, None, policy((0, "forever")), [Rule("table", "observations", "a", "a")]) == []  # type: ignore[arg-type]
