"""The database as migrated: columns as the routes name them, DEFAULTs as Avro's, windows everywhere, migrations that may be repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from sinks import clickhouse as ch
from sinks import migrations
from sinks.generation import raise_generation
from sinks.migrations import Migration, MigrationError, migrate, statements
from sinks.tables import routes, tables
from sinks.vocabulary import load_vocabulary
from transport.schemas import load
from transport.settings import Settings
from transport.topics import table

pytestmark = pytest.mark.loopback


def test_the_migrated_database_is_what_the_sink_needs(settings: Settings, database: Client) -> None:
    ch.check_ready(database, tables())
    assert migrate(settings) == [], "a second time there is nothing to do"
    found = {(t, c): (str(kind), str(default)) for t, c, kind, default in database.query(
        "SELECT table, name, default_kind, default_expression FROM system.columns WHERE database = currentDatabase()"
    ).result_rows}  # fmt: skip
    for route in set(routes(table()).values()):
        for name in route.columns:
            assert (route.table, name) in found, f"{route.table} lacks {name}"
        fields = {f["name"]: f for f in load(route.schema).fields} if route.schema else {}
        for name in route.fields:
            wanted = _literal(fields[name]["default"]) if "default" in fields[name] else ("",)
            assert found[route.table, name][1] in wanted, f"{route.table}.{name}: DEFAULT differs from Avro's"
    _check_vocabulary(settings, database)
    _check_generations(database)
    _check_windows(database)


def _literal(default: object) -> tuple[str, ...]:
    """How ClickHouse writes an Avro default."""
    return ("NULL",) if default is None else (f"'{default}'",) if isinstance(default, str) else (json.dumps(default),)


def _check_vocabulary(settings: Settings, database: Client) -> None:
    before = load_vocabulary(settings)
    again = load_vocabulary(settings)
    assert before == again
    assert before["territories"] > 3000
    names = database.query("SELECT name_vi FROM territories WHERE code = '31'").result_rows
    assert names == [("Thành phố Hải Phòng",)]
    left = database.query("SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%\\_next'").result_rows
    assert left == [(0,)]


def _check_generations(database: Client) -> None:
    assert raise_generation(database, "observations", "rebuilt") == 2
    assert raise_generation(database, "observations", "rebuilt again") == 3


def _check_windows(database: Client) -> None:
    database.command("ALTER TABLE value_latest MODIFY SETTING non_replicated_deduplication_window = 0")
    with pytest.raises(ch.NotReady, match="value_latest"):
        ch.check_ready(database, tables())
    database.command("DROP TABLE audit")
    with pytest.raises(ch.NotReady, match="audit"):
        ch.check_ready(database, tables())


def test_an_applied_migration_that_was_changed_is_refused(settings: Settings, clickhouse: str) -> None:
    ch.create_database(settings)
    with ch.connected(settings) as client:
        first = Migration(1, "0001_a", "CREATE TABLE a (x Int8) ENGINE = Memory;\n")
        assert migrations._apply_all(client, [first]) == ["0001_a"]
        with pytest.raises(MigrationError, match="0001_a"):
            migrations._apply_all(client, [Migration(1, "0001_a", "CREATE TABLE b (x Int8) ENGINE = Memory;\n")])
        with pytest.raises(MigrationError, match="newer"):
            migrations._apply_all(client, [])
        with pytest.raises(MigrationError, match="0002_b, câu lệnh 1"):
            migrations._apply_all(client, [first, Migration(2, "0002_b", "CREATE x;")])
        client.command(f"DROP DATABASE {settings.clickhouse_database}")


def test_numbers_run_without_gaps(tmp_path: Path) -> None:
    (tmp_path / "0002_b.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="0001"):
        migrations.migrations(tmp_path)
    (tmp_path / "c.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"c\.sql"):
        migrations.migrations(tmp_path)


def test_statements_end_with_their_line() -> None:
    assert list(statements("-- a;\nSELECT ';' AS x;\n\nSELECT 2\n;\n")) == ["SELECT ';' AS x", "SELECT 2"]
