"""Reading statements: shape, format, where an INSERT's data begins, what is cut out, what is refused."""

from __future__ import annotations

import pytest

from ops.clickhouse.errors import ServerError
from ops.clickhouse.statement import Shape, complete_insert, parse, parse_insert


@pytest.mark.parametrize(
    ("source", "shape", "text", "fmt"),
    [
        ("SELECT 1", Shape.SELECT, "SELECT 1", None),
        ("select 1\n FORMAT Native", Shape.SELECT, "select 1", "Native"),
        ("SELECT 1 FORMAT JSON SETTINGS max_threads=1;", Shape.SELECT, "SELECT 1   SETTINGS max_threads=1", "JSON"),
        ("SELECT 1 SETTINGS max_threads=1 FORMAT CSV ; ", Shape.SELECT, "SELECT 1 SETTINGS max_threads=1", "CSV"),
        ("(SELECT format FROM t)", Shape.SELECT, "(SELECT format FROM t)", None),
        ("SELECT 'x FORMAT CSV'", Shape.SELECT, "SELECT 'x FORMAT CSV'", None),
        ("WITH a AS (SELECT 1) SELECT * FROM a", Shape.SELECT, "WITH a AS (SELECT 1) SELECT * FROM a", None),
        ("/* why */ SELECT -- one\n 1 // two", Shape.SELECT, "SELECT  \n 1", None),
        ("SELECT '--no', '//no', '/*no*/', `--no`", Shape.SELECT, "SELECT '--no', '//no', '/*no*/', `--no`", None),
        ("SELECT 'it''s; one', 'a\\';b'", Shape.SELECT, "SELECT 'it''s; one', 'a\\';b'", None),
        ("SHOW TABLES", Shape.SHOW, "SHOW TABLES", None),
        ("DESCRIBE TABLE t FORMAT TSV", Shape.SHOW, "DESCRIBE TABLE t", "TSV"),
        ("SET max_threads = 1", Shape.SESSION, "SET max_threads = 1", None),
        ("CREATE TEMPORARY TABLE t (a Int8)", Shape.SESSION, "CREATE TEMPORARY TABLE t (a Int8)", None),
        ("CREATE TABLE t (format String) ENGINE = Memory", Shape.OTHER, "CREATE TABLE t (format String) ENGINE = Memory", None),
        ("INSERT INTO t SELECT 1", Shape.OTHER, "INSERT INTO t SELECT 1", None),
        ("KILL QUERY WHERE query_id = 'a'", Shape.KILL, "KILL QUERY WHERE query_id = 'a'", None),
    ],
)
def test_a_statement_is_read(source: str, shape: Shape, text: str, fmt: str | None) -> None:
    statement = parse(source.encode())
    assert (statement.shape, statement.text.decode(), statement.format) == (shape, text, fmt)


@pytest.mark.parametrize(
    ("source", "text", "fmt", "data"),
    [
        (b"INSERT INTO t (a, `b`) FORMAT Native\n\x02\x00;'", "INSERT INTO t (a, `b`)", "Native", b"\x02\x00;'"),
        (b"INSERT INTO db.t FORMAT CSV\r\n1,2\n", "INSERT INTO db.t", "CSV", b"1,2\n"),
        (b'insert into t format JSONEachRow {"a": 1}', "insert into t", "JSONEachRow", b'{"a": 1}'),
        (b"INSERT INTO t SETTINGS async_insert=0 FORMAT TSV\n\n", "INSERT INTO t SETTINGS async_insert=0", "TSV", b"\n"),
        (b"INSERT INTO values (values) VALUES (1), ('a;b')", "INSERT INTO values (values)", "Values", b"(1), ('a;b')"),
        (b"INSERT INTO TABLE t /* c */ (a) VALUES (1)", "INSERT INTO TABLE t   (a)", "Values", b"(1)"),
        (b"INSERT INTO t FORMAT CSV", "INSERT INTO t", "CSV", b""),
        (b"INSERT INTO format FORMAT format\nx", "INSERT INTO format", "format", b"x"),
    ],
)
def test_the_data_of_an_insert_begins_behind_its_head(source: bytes, text: str, fmt: str, data: bytes) -> None:
    statement = complete_insert(source)
    assert statement is not None
    assert statement.data_at is not None
    said = b" ".join(filter(None, (statement.text, statement.settings)))
    assert (said.decode(), statement.format, source[statement.data_at :]) == (text, fmt, data)


@pytest.mark.parametrize(
    "source", [b"INSERT INTO t SELECT 1", b"INSERT INTO t WITH 1 AS a SELECT a", b"SELECT 1", b"INSERT INTO t (a", b"INSERT INTO `t"]
)
def test_other_statements_and_unfinished_heads_are_no_inserts(source: bytes) -> None:
    assert parse_insert(source) is None


def test_a_format_name_at_the_end_of_a_piece_may_go_on_in_the_next() -> None:
    assert parse_insert(b"INSERT INTO t FORMAT JSON") is None


@pytest.mark.parametrize(
    "source",
    [
        "",
        " ; ",
        "-- only a comment",
        "SELECT 1; SELECT 2",
        "SELECT 'open",
        "SELECT `open",
        "SELECT 1 /* open",
        "SELECT $$a$$",
        "SELECT “file”('x')",
        "SELECT 1\x00",
    ],
)
def test_what_cannot_be_read_for_sure_is_a_syntax_error(source: str) -> None:
    with pytest.raises(ServerError) as refused:
        parse(source.encode())
    assert refused.value.code == 62
