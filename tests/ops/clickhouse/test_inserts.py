"""Every failure of an insert is told, whatever the body's coding; and what comes with a request reaches nothing of the host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from ops.clickhouse.compression import encoder
from ops.clickhouse.statement import parse_insert

pytestmark = pytest.mark.loopback
Make = Callable[[str], str]


@pytest.mark.parametrize("coding", ["", "lz4", "zstd", "gzip"])
@pytest.mark.parametrize("form", ["TSV", "CSV", "Values", "JSONEachRow"])
def test_a_violated_constraint_is_told_and_nothing_goes_in(client: Client, table: Make, form: str, coding: str) -> None:
    name = table("a UInt64, CONSTRAINT small CHECK a < 10")
    rows = {"TSV": b"3\n11\n", "CSV": b"3\n11\n", "Values": b"(3),(11)", "JSONEachRow": b'{"a": 3}\n{"a": 11}\n'}[form]
    body = encoder(coding)
    with pytest.raises(DatabaseError, match="VIOLATED_CONSTRAINT"):
        client.raw_insert(name, ["a"], body.feed(rows) + body.end(), fmt=form, compression=coding or None)
    assert client.command(f"SELECT count() FROM {name}") == 0


def test_a_failing_view_is_told(client: Client, table: Make) -> None:
    name, target = table("a UInt64"), table("a UInt64, CONSTRAINT small CHECK a < 10")
    client.command(f"CREATE MATERIALIZED VIEW feed_{name} TO {target} AS SELECT a FROM {name}")
    with pytest.raises(DatabaseError, match="while pushing to view"):
        client.insert(name, [[11]], column_names=["a"])
    client.command(f"DROP VIEW feed_{name}")


def test_rows_that_cannot_be_read_are_told_without_the_place_they_were_kept_in(client: Client, table: Make) -> None:
    with pytest.raises(DatabaseError, match="at row 2") as refused:
        client.command(f"INSERT INTO {table('a UInt64')} FORMAT TSV", data=b"1\nnonsense\n")
    assert not any(word in str(refused.value) for word in ("/dev/fd", "file/uri", "parsed from file"))


def test_the_settings_of_the_statement_are_in_force(client: Client, table: Make) -> None:
    name = table("a UInt64, settings UInt8 DEFAULT 1")
    for _ in range(2):
        client.command(f"INSERT INTO {name} (a, settings) /* x */ SETTINGS insert_deduplication_token = 't', deduplicate_insert = 'enable' "
                       "FORMAT CSV", data=b"1,2\n")  # fmt: skip
    assert client.command(f"SELECT count() FROM {name}") == 1


@pytest.mark.parametrize(
    ("source", "text", "settings"),
    [
        (b"INSERT INTO t (a, settings) SETTINGS x = 1 FORMAT CSV\n1", b"INSERT INTO t (a, settings)", b"SETTINGS x = 1"),
        (b"INSERT INTO t FORMAT Values (1)", b"INSERT INTO t", b""),
        (b"INSERT INTO settings FORMAT CSV\n1", b"INSERT INTO settings", b""),
        (b"INSERT INTO d.settings SETTINGS y=2 VALUES (1)", b"INSERT INTO d.settings", b"SETTINGS y=2"),
        (b"INSERT INTO t -- settings\n SETTINGS /* a */ x = 1 FORMAT CSV\n", b"INSERT INTO t", b"SETTINGS   x = 1"),
    ],
)
def test_the_settings_clause_stands_apart(source: bytes, text: bytes, settings: bytes) -> None:
    found = parse_insert(source)
    assert found is not None
    assert (found.text, found.settings) == (text, settings)


@pytest.mark.parametrize(
    ("structure", "form", "data"),
    [
        ("a String) AS SELECT * FROM file('/etc/hostname', 'LineAsString', 'a String'", "CSV", b"1\n"),
        ("a String DEFAULT file('/etc/hostname')", "CSV", b"1\n"),
        ("a String", "Values", b"(file('/etc/hostname'))"),
        ("a String", "CSV SETTINGS max_memory_usage = 1", b"1\n"),
        ("a String) -- ", "CSV", b"1\n"),
    ],
)
def test_a_table_that_comes_with_a_request_reaches_nothing_of_the_host(reader: Client, structure: str, form: str, data: bytes) -> None:
    own = ExternalData(file_name="own.csv", fmt=form, structure=structure, data=data)
    with pytest.raises(DatabaseError, match=r"code: (497|62|73)\b"):
        reader.query("SELECT * FROM own", external_data=own)
