"""The database that is lent from test to test: what one leaves there the next does not find, and the same rows go in again."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from sinks import clickhouse as ch
from tests.fixtures import tables as lending
from tests.fixtures.tables import Tables
from transport.settings import Settings


@pytest.mark.loopback
def test_what_a_test_leaves_is_gone_and_what_it_took_is_back(settings: Settings, database: Client, tables: Tables) -> None:
    lent = tables.name
    before = database.query("SELECT (SELECT count() FROM audit), (SELECT count() FROM territories)").result_rows
    for _ in range(2):
        database.raw_insert("audit", insert_block=b"{}", fmt="JSONEachRow", settings={"insert_deduplication_token": "the same"})
        database.command("ALTER TABLE territories DELETE WHERE code = '31' SETTINGS mutations_sync = 1")
        assert database.query("SELECT count() FROM audit").result_rows == [(1,)], "a token of the test before does not count"
        tables.take_back(settings)
        assert database.query("SELECT (SELECT count() FROM audit), (SELECT count() FROM territories)").result_rows == before
    assert tables.name == lent == settings.clickhouse_database


@pytest.mark.loopback
def test_a_database_with_other_tables_is_not_lent_again(settings: Settings, clickhouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own, made = Tables(), "CREATE TABLE {} (a Int8) ENGINE = MergeTree ORDER BY a"
    mine = settings.model_copy(update={"clickhouse_database": own.name})

    def small(settings: Settings) -> None:
        ch.create_database(settings)
        with ch.connected(settings) as client:
            client.command(made.format("migrated"))

    monkeypatch.setattr(lending, "migrate", small)
    own.ready(mine)
    with ch.connected(mine) as client:
        own.take_back(mine)
        assert own.name == mine.clickhouse_database
        client.command(made.format("left_behind"))
        own.take_back(mine)
    assert own.name != mine.clickhouse_database
    with ch.connected(mine, database="__default__") as client:
        assert mine.clickhouse_database not in [row[0] for row in client.query("SHOW DATABASES").result_rows]
