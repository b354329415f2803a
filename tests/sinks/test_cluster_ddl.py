"""The DDL of a cluster: every statement is one that ClickHouse's own parser takes, and every table of the migrations is placed."""

from __future__ import annotations

import re

import pytest
from clickhouse_connect.driver.client import Client

from sinks import cluster_ddl
from sinks.cluster_ddl import SHARDED, ClusterError, ddl
from sinks.tables import tables

MADE = list(ddl("tinh", "nhip"))


def created(kind: str) -> dict[str, str]:
    """Name → statement, of one kind."""
    found = (re.match(rf"CREATE {kind} (?:IF NOT EXISTS )?nhip\.(\w+) ON CLUSTER tinh", one) for one in MADE)
    return {match[1]: match.string for match in found if match}


def test_every_table_the_sink_writes_is_sharded_and_replicated() -> None:
    made = created("TABLE")
    assert set(tables()) <= set(SHARDED)
    for name in SHARDED:
        assert f"ENGINE = Distributed('tinh', 'nhip', '{name}_local', cityHash64({SHARDED[name]}))" in made[name]
        path = f"MergeTree('/clickhouse/tables/{{shard}}/nhip/{name}', "
        collapses = "" if name == "flow_journal" else "(Replacing|Aggregating)"  # in the journal a row may stand twice
        assert re.search(f"ENGINE = Replicated{collapses}" + re.escape(path), made[f"{name}_local"]), name
    assert "ReplicatedMergeTree('/clickhouse/tables/all/nhip/territories', '{shard}-{replica}')" in made["territories"]
    assert "non_replicated" not in "".join(MADE)
    assert "offset)\nPARTITION BY" not in made["alert_current_local"], "the columns of the table it copies, not its order"
    assert "'{replica}', version)" in made["value_latest_local"]
    assert "TTL toDateTime(appended) + INTERVAL 32 DAY" in made["aggregates_local"]


def test_what_follows_from_a_row_stays_on_its_shard() -> None:
    for statement in created("MATERIALIZED VIEW").values():
        target = re.search(r"TO nhip\.(\w+)_local AS", statement)
        source = re.search(r"FROM nhip\.(\w+)_local", statement)
        assert target
        assert source
        if SHARDED[target[1]] != SHARDED[source[1]]:  # only where nothing is inserted but by the view, on the shard of its source
            assert target[1] not in tables()
            assert f"\n    {SHARDED[source[1]]} " not in created("TABLE")[f"{target[1]}_local"], "the source's column would do"


@pytest.mark.loopback
def test_clickhouse_reads_every_statement(database: Client) -> None:
    for statement in MADE:
        text = database.query("SELECT formatQuerySingleLine({sql:String})", parameters={"sql": statement}).result_rows[0][0]
        assert text.startswith(("CREATE", "ALTER TABLE", "DROP VIEW")), statement
    names = {row[0] for row in database.query("SELECT name FROM system.tables WHERE database = currentDatabase()").result_rows}
    assert names <= created("TABLE").keys() | created("MATERIALIZED VIEW").keys() | created("OR REPLACE VIEW").keys()


def test_a_column_is_added_to_both_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_ddl, "LEDGER", "ALTER TABLE panes ADD COLUMN note String")
    monkeypatch.setattr(cluster_ddl, "migrations", list)
    assert list(ddl("tinh", "nhip"))[1:] == [
        f"ALTER TABLE nhip.{name} ON CLUSTER tinh ADD COLUMN note String" for name in ("panes_local", "panes")
    ]


def test_a_name_that_is_none_and_a_statement_without_a_form_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match="letters"):
        list(ddl("tinh; DROP", "nhip"))
    monkeypatch.setattr(cluster_ddl, "statements", lambda text: iter(["OPTIMIZE TABLE x"]))
    with pytest.raises(ClusterError, match="OPTIMIZE TABLE x"):
        list(ddl("tinh", "nhip"))
