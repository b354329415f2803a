"""The fence: every way to the host's files, processes and network is refused, and ordinary statements pass."""

from __future__ import annotations

import pytest

from ops.clickhouse.errors import ServerError
from ops.clickhouse.guard import Guard
from ops.clickhouse.statement import complete_insert, parse

FUNCTIONS = ("file", "url", "s3", "remote", "executable", "python", "mysql", "cluster", "numbers", "values", "merge", "fileCluster", "loop")
ENGINES = ("File", "URL", "S3", "MergeTree", "Kafka", "Overlay", "Filesystem", "Executable", "Distributed", "SomethingNew")
GUARD = Guard.of(FUNCTIONS, ENGINES, 1000)


def code(sql: str, reads_only: bool = False, **params: str) -> int:
    """0 if `sql` passes, else the code of its refusal."""
    source = sql.encode()
    try:
        GUARD.check(complete_insert(source) or parse(source), params, reads_only=reads_only)
    except ServerError as refused:
        return refused.code
    return 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd')",
        "SELECT * FROM `file`('/etc/passwd')",
        "SELECT * FROM \"File\" /* c */ ('/etc/passwd')",
        "SELECT file('/etc/passwd')",
        "SELECT `\\x66ile`('/etc/passwd')",
        "SELECT * APPLY(file) FROM (SELECT '/etc/passwd' AS a)",
        "SELECT * APPLY file FROM (SELECT '/etc/passwd' AS a)",
        "SELECT arrayMap(file, ['/etc/passwd'])",
        "WITH (SELECT * FROM url('http://x/', CSV)) AS a SELECT a",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "INSERT INTO FUNCTION file('/tmp/x', CSV) SELECT 1",
        "INSERT INTO FUNCTION file('/tmp/x', CSV) FORMAT CSV\n1",
        "INSERT INTO TABLE FUNCTION s3('x') VALUES (1)",
        "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
        "CREATE TABLE a AS file('/etc/passwd')",
        "CREATE TABLE a (x String) ENGINE = File(CSV, '/etc/passwd')",
        "CREATE TABLE a (x String) ENGINE File(CSV, '/etc/passwd')",
        "CREATE TABLE a (x String) ENGINE = Kafka SETTINGS kafka_broker_list = 'x'",
        "CREATE TABLE a (x String) ENGINE = NeverHeardOf",
        "CREATE DATABASE a ENGINE = Overlay(x)",
        "CREATE TABLE a (x String) ENGINE = MergeTree ORDER BY x SETTINGS disk = disk(type = local, path = '/')",
        "CREATE FUNCTION f AS x -> file(x)",
        "CREATE VIEW v AS SELECT * FROM executable('sh', TSV, 'a String')",
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'sh' FORMAT TSV)) LAYOUT(FLAT())",
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(HOST 'x' TABLE 't')) LAYOUT(FLAT())",
        "CREATE NAMED COLLECTION c AS a = 1",
        "ALTER NAMED COLLECTION c SET a = 1",
        "BACKUP TABLE t TO Disk('d', 'x')",
        "ATTACH TABLE t FROM '/etc' (a Int8) ENGINE = MergeTree ORDER BY a",
        "SYSTEM SHUTDOWN",
        "SELECT * FROM default.`/etc/passwd`",
        "SELECT * FROM `default` . '/etc/passwd'",
        "USE default",
        "RENAME DATABASE default TO x",
        "SELECT hasColumnInTable('default', '/etc/passwd', 'x')",
    ],
)
def test_the_host_is_out_of_reach(sql: str) -> None:
    assert code(sql) == 497


@pytest.mark.parametrize("value", ["default", "default.x", "`default`.x", "/etc/passwd"])
def test_a_name_given_as_a_parameter_is_no_way_around(value: str) -> None:
    assert code("SELECT * FROM {t:Identifier}", t=value) == 497
    assert code("SELECT {t:String}", t=value) == 0


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET readonly = 0", 452),
        ("SELECT 1 SETTINGS readonly = 0", 452),
        ("SELECT 1 SETTINGS format_template_resultset = '/etc/passwd'", 452),
        ("SELECT 1 SETTINGS format_schema = '/etc/passwd:x'", 452),
        ("SET max_memory_usage = 0", 452),
        ("SET max_memory_usage = 1001", 452),
        ("SET max_memory_usage = '1001'", 452),
        ("SET max_memory_usage = 1000", 0),
        ("SET max_threads = 2", 0),
    ],
)
def test_settings_that_hold_the_fence_stay(sql: str, expected: int) -> None:
    assert code(sql) == expected


def test_settings_of_the_url_are_held_too() -> None:
    GUARD.check_settings({"max_threads": "1", "max_memory_usage": "1000"})
    for name, value in (("readonly", "0"), ("max_memory_usage", "0"), ("max_memory_usage", "x"), ("format_schema_source", "file")):
        with pytest.raises(ServerError, match=name):
            GUARD.check_settings({name: value})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT url, file FROM t WHERE url = 'file(x)' -- file(x)",
        "SELECT t.file, count(t.url) FROM t GROUP BY ALL",
        "INSERT INTO t (file, url) FORMAT CSV\n1,2",
        "INSERT INTO url (s3) VALUES (1)",
        "CREATE TABLE t (file String DEFAULT '', remote UInt8, d Decimal(38, 6) DEFAULT 0) ENGINE = ReplacingMergeTree ORDER BY file",
        "CREATE MATERIALIZED VIEW v TO t AS SELECT engine FROM system.tables WHERE engine = 'File'",
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(FLAT()) LIFETIME(0)",
        "SELECT * FROM merge('nhip', 'x'), numbers(3), values('a Int8', 1)",
        "ALTER TABLE t ADD COLUMN a Int8 DEFAULT 1",
        "SELECT 'default' AS a, 1 AS b SETTINGS max_threads = 1",
    ],
)
def test_ordinary_statements_pass(sql: str) -> None:
    assert code(sql) == 0


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1", "WITH 1 AS a SELECT a", "SHOW TABLES", "DESCRIBE t", "EXISTS t", "EXPLAIN SELECT 1", "SET max_threads = 1", "(SELECT 1)"],
)
def test_a_reader_reads(sql: str) -> None:
    assert code(sql, reads_only=True) == 0


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t SELECT 1",
        "DROP TABLE t",
        "CREATE TEMPORARY TABLE t (a Int8)",
        "KILL QUERY WHERE 1",
        "OPTIMIZE TABLE t",
        "TRUNCATE t",
    ],
)
def test_a_reader_does_nothing_else(sql: str) -> None:
    assert code(sql, reads_only=True) == 164
