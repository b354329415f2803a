"""clickhouse-connect, unchanged and synchronous, against the endpoint: what the sink and the dashboards do with it."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.httpclient import HttpClient

from tests.ops.clickhouse.conftest import READER, READER_PASSWORD, Process, until

pytestmark = pytest.mark.loopback
Make = Callable[[str], str]

EVERYTHING = (
    "id UInt64, at DateTime64(3, 'UTC'), v Decimal(38, 6), lc LowCardinality(String), n Nullable(Int32), "
    "a Array(Tuple(String, Int64)), m Map(String, String)"
)
AT = datetime(2026, 1, 31, 23, 59, 59, 123000)
AMOUNT = Decimal("12345678901234567890123456789012.123456")
ROWS = [[i, AT.replace(tzinfo=UTC), AMOUNT, f"tỉnh {i % 3}", None if i % 2 else -i, [("đ", i)], {"k": str(i)}] for i in range(10)]
EXPECTED = [(i, AT, AMOUNT, f"tỉnh {i % 3}", None if i % 2 else -i, [("đ", i)], {"k": str(i)}) for i in range(10)]


def failure(client: Client, sql: str, **options: object) -> DatabaseError:
    with pytest.raises(DatabaseError) as refused:
        client.query(sql, **options)  # type: ignore[arg-type]
    return refused.value


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_rows_of_every_type_come_back_as_they_went(endpoint: Process, table: Make, compress: str | bool) -> None:
    name = table(EVERYTHING)
    with endpoint.client(compress=compress) as client:
        done = client.insert(name, ROWS)
        assert done.written_rows == 10
        assert client.query(f"SELECT * FROM {name} ORDER BY id").result_rows == EXPECTED


def test_columns_can_be_inserted(client: Client, table: Make) -> None:
    name = table("a UInt8, b String")
    client.insert(name, [[1, 2], ["x", "y"]], column_oriented=True)
    assert client.query(f"SELECT * FROM {name} ORDER BY a").result_columns == [[1, 2], ["x", "y"]]


def test_a_reading_takes_as_many_threads_as_it_asks_for(client: Client) -> None:
    """Not as many as the endpoint's bound of memory has GiB: one, and every large reading took twice as long."""
    planned = client.query("EXPLAIN PIPELINE SELECT sum(number) FROM numbers_mt(100000000) SETTINGS max_threads = 4").result_rows
    assert any("× 4" in line for (line,) in planned), planned


def _frame() -> pl.DataFrame:
    return pl.DataFrame({"a": pl.Series([1, 2], dtype=pl.UInt64), "b": ["một", "hai"]})


def _bytes(write: Callable[[pl.DataFrame, io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(_frame(), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("fmt", "data"),
    [
        ("Arrow", _bytes(lambda f, b: f.write_ipc(b))),
        ("Arrow", _bytes(lambda f, b: f.write_ipc(b, compression="lz4"))),
        ("ArrowStream", _bytes(lambda f, b: f.write_ipc_stream(b))),
        ("Parquet", _bytes(lambda f, b: f.write_parquet(b))),
        ("JSONEachRow", '{"a":1,"b":"một"}\n{"a":2,"b":"hai"}\n'.encode()),
        ("CSV", '1,"một"\n2,hai\n'.encode()),
        ("CSVWithNames", '"a","b"\n1,"một"\n2,hai\n'.encode()),
        ("TSV", "1\tmột\n2\thai\n".encode()),
        ("RowBinary", b"\x01" + bytes(7) + b"\x05m\xe1\xbb\x99t" + b"\x02" + bytes(7) + b"\x03hai"),
    ],
)
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_raw_data_of_a_format_is_inserted(client: Client, table: Make, fmt: str, data: bytes, compression: str | None) -> None:
    import zstandard

    name = table("a UInt64, b String")
    body = zstandard.compress(data) if compression else data
    client.raw_insert(name, ["a", "b"], body, fmt=fmt, compression=compression)
    assert client.query(f"SELECT a, b FROM {name} ORDER BY a").result_rows == [(1, "một"), (2, "hai")]


def test_native_data_goes_round(client: Client, table: Make) -> None:
    name = table("a UInt64, b String")
    data = client.raw_query("SELECT number AS a, toString(number) AS b FROM numbers(200000)", fmt="Native")
    client.raw_insert(name, ["a", "b"], data, fmt="Native")
    assert client.query(f"SELECT count(), sum(a), uniqExact(b) FROM {name}").result_rows == [(200_000, 19_999_900_000, 200_000)]


@pytest.mark.parametrize("how", [{}, {"async_insert": 0}, {"async_insert": 1, "wait_for_async_insert": 1}])
def test_a_token_makes_a_repeated_insert_harmless(client: Client, table: Make, how: dict[str, int]) -> None:
    name = table("a UInt64")
    client.command(
        f"CREATE TABLE {name}_v (a UInt64, n UInt64) ENGINE = SummingMergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 9"
    )
    client.command(f"CREATE MATERIALIZED VIEW {name}_m TO {name}_v AS SELECT a, 1 AS n FROM {name}")
    try:
        for token in ("one", "one", "two", "one"):
            client.insert(name, [[1], [2]], column_names=["a"], settings={"insert_deduplication_token": token, **how})
        assert client.command(f"SELECT count() FROM {name}") == 4
        assert client.query(f"SELECT a, sum(n) FROM {name}_v GROUP BY a ORDER BY a").result_rows == [(1, 2), (2, 2)]
    finally:
        client.command(f"DROP TABLE {name}_m")
        client.command(f"DROP TABLE {name}_v")


def test_reads_stream_in_blocks(client: Client) -> None:
    with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(300000)") as rows:
        sizes = [len(block) for block in rows]
    with client.query_column_block_stream("SELECT number FROM numbers(300000)") as columns:
        total = sum(sum(block[0]) for block in columns)
    assert (sum(sizes), total) == (300_000, 300_000 * 299_999 // 2)
    assert len(sizes) > 1


@pytest.mark.parametrize("rows", [0, 3, 200_000])
def test_arrow_comes_back(client: Client, rows: int) -> None:
    read = client.query_arrow(f"SELECT number AS n, toString(number) AS s FROM numbers({rows})")
    assert read.num_rows == rows
    assert read.schema.names == ["n", "s"]
    assert read.column("n").to_pylist() == list(range(rows))


@pytest.mark.parametrize(
    "fmt", ["CSVWithNames", "TSVWithNamesAndTypes", "JSONCompactEachRowWithNames", "JSONCompact", "Parquet", "RowBinaryWithNames"]
)
@pytest.mark.parametrize("rows", [0, 150_000])
def test_a_streamed_document_is_the_engines_own(client: Client, fmt: str, rows: int) -> None:
    sql = f"SELECT number AS n, 'a\nb' AS `tên\"` FROM numbers({rows})"
    with client.raw_stream(sql, fmt=fmt) as stream:
        streamed = stream.read()
    whole = client.raw_query(sql, fmt=fmt, settings={"extremes": 0})  # `extremes` at all: made whole by the engine
    if fmt == "Parquet":
        assert pl.read_parquet(io.BytesIO(streamed)).height == rows
    elif fmt == "JSONCompact":
        assert streamed.split(b'"statistics"')[0] == whole.split(b'"statistics"')[0]
    else:
        assert streamed == whole


def test_parameters_are_bound_on_both_sides(client: Client) -> None:
    nasty = "x'y\t\\ \n đ"
    assert client.query(
        "SELECT {s:String}, {n:Int32}, {l:Array(String)}", parameters={"s": nasty, "n": -4, "l": [nasty, ""]}
    ).result_rows == [(nasty, -4, [nasty, ""])]
    assert client.query("SELECT {at:DateTime64(3)}", parameters={"at": AT}).result_rows == [(AT,)]
    assert client.query("SELECT %(s)s, %(n)s", parameters={"s": nasty, "n": -4}).result_rows == [(nasty, -4)]
    assert client.query("SELECT * FROM system.{t:Identifier} LIMIT 1", parameters={"t": "one"}).result_rows == [(0,)]


def test_parameters_reach_inserts(client: Client, table: Make) -> None:
    name = table("a UInt64, b String")
    nasty = "x'y\t\\ \n đ"
    client.command("INSERT INTO {t:Identifier} VALUES (1 + {n:Int8}, {s:String})", parameters={"t": name, "n": 1, "s": nasty})
    assert client.query(f"SELECT * FROM {name}").result_rows == [(2, nasty)]


def test_settings_hold_for_one_request(client: Client) -> None:
    assert client.command("SELECT getSetting('max_threads')", settings={"max_threads": 1}) == 1
    assert client.command("SELECT getSetting('max_threads')", settings={"max_threads": 3}) == 3
    assert client.command("SELECT value FROM system.settings WHERE name = 'max_threads' AND changed") == ""


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT nope", 47),
        ("SELEC 1", 62),
        ("SELECT * FROM nope", 60),
        ("SELECT * FROM nope.nope", 81),
        ("SELECT 1 SETTINGS nope = 1", 115),
        ("SELECT throwIf(number = 100000) FROM numbers(200000)", 395),
        ("SELECT * FROM file('/etc/passwd')", 497),
        ("SELECT length(groupArray(number)) FROM numbers(300000000)", 241),
        ("SELECT sleep(3) SETTINGS max_execution_time = 1", 159),
    ],
)
def test_errors_keep_the_engines_code(client: Client, sql: str, code: int) -> None:
    error = failure(client, sql)
    assert error.code == code
    assert error.name
    assert f"Code: {code}." in str(error)
    assert client.command("SELECT 1") == 1


def test_an_unknown_setting_of_a_request_is_the_engines_error(endpoint: Process) -> None:
    with endpoint.client(settings={"session_timezone": "Asia/Ho_Chi_Minh"}) as client:
        assert client.command("SELECT timezone()") == "Asia/Ho_Chi_Minh"
        assert isinstance(client, HttpClient)
        client.params["nope"] = "1"
        assert failure(client, "SELECT 1").code == 115


@pytest.mark.filterwarnings("ignore")
def test_an_error_behind_rows_already_sent_reaches_the_reader(client: Client) -> None:
    sql = "SELECT throwIf(number = 3000000), toString(number) FROM numbers(4000000)"
    seen: list[int] = []

    def read() -> None:
        with client.query_row_block_stream(sql) as stream:
            seen.extend(len(block) for block in stream)

    with pytest.raises(StreamFailureError) as broken:
        read()
    assert broken.value.code == 395
    assert 0 < sum(seen) < 3_000_000


def test_sessions_keep_settings_and_temporary_tables(client: Client, endpoint: Process) -> None:
    client.command("SET max_threads = 3")
    client.command("CREATE TEMPORARY TABLE mine (a Int32)")
    client.insert("mine", [[1], [2]], column_names=["a"], column_type_names=["Int32"])
    assert client.command("SELECT sum(a) FROM mine") == 3
    assert client.command("SELECT getSetting('max_threads')", settings={"max_threads": 2}) == 2
    assert client.command("SELECT getSetting('max_threads')") == 3
    assert failure(client, "SELECT nope FROM mine").code == 47
    assert client.command("SELECT getSetting('max_threads')") == 3
    client.command("USE system")
    assert client.command("SELECT currentDatabase()", use_database=False) == "system"
    with endpoint.client() as other:
        assert failure(other, "SELECT * FROM mine").code == 60
        assert other.command("SELECT getSetting('max_threads')") != 3


def test_a_session_in_use_is_locked(endpoint: Process) -> None:
    with endpoint.client(session_id="shared") as first, endpoint.client(session_id="shared") as second:
        busy = threading.Thread(target=first.command, args=("SELECT sleep(2)",))
        busy.start()
        with endpoint.client() as watcher:
            until(lambda: watcher.command("SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleep(2)%'") == 1)
        assert failure(second, "SELECT 1").code == 373
        busy.join(10)
        assert second.command("SELECT 1") == 1


def test_external_tables_come_with_a_query(client: Client, reader: Client) -> None:
    data = ExternalData(file_name="cities.csv", fmt="CSV", structure="id UInt32, name String", data="1,Huế\n2,Cà Mau\n".encode())
    for each in (client, reader):
        assert each.query("SELECT name FROM cities ORDER BY id", external_data=data).result_rows == [("Huế",), ("Cà Mau",)]


def test_several_clients_work_at_once(endpoint: Process, table: Make) -> None:
    name = table("a UInt64")
    problems: list[BaseException] = []

    def work(k: int) -> None:
        try:
            with endpoint.client() as mine:
                for i in range(5):
                    mine.insert(name, [[k * 100 + i]], column_names=["a"])
                    assert mine.command(f"SELECT {k * 100 + i}") == k * 100 + i
        except BaseException as problem:  # a thread's failure belongs to the test
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not problems
    with endpoint.client() as client:
        assert client.query(f"SELECT count(), uniqExact(a) FROM {name}").result_rows == [(30, 30)]


@pytest.mark.parametrize(("user", "password"), [("writer", "wrong"), ("nobody", READER_PASSWORD), (READER, ""), ("", "")])
def test_a_wrong_password_is_refused(endpoint: Process, user: str, password: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        endpoint.client(user or " ", password)
    assert refused.value.code == 516


def test_a_reader_reads_and_changes_nothing(reader: Client, client: Client, table: Make) -> None:
    name = table("a UInt64")
    client.insert(name, [[7]], column_names=["a"])
    assert reader.query(f"SELECT a FROM {name}").result_rows == [(7,)]
    assert reader.command(f"EXISTS TABLE {name}") == 1
    assert reader.command("SELECT getSetting('max_threads')", settings={"max_threads": 1}) == 1
    reader.command("SET max_threads = 1")
    for sql in (
        f"INSERT INTO {name} VALUES (1)",
        f"DROP TABLE {name}",
        f"CREATE TABLE {name}_2 (a Int8) ENGINE = Memory",
        f"ALTER TABLE {name} DELETE WHERE 1",
    ):
        assert failure(reader, sql).code == 164
    assert failure(reader, "SELECT 1 SETTINGS readonly = 0").code == 452
    with pytest.raises(DatabaseError) as refused:
        reader.insert(name, [[1]], column_names=["a"], column_type_names=["UInt64"])
    assert refused.value.code == 164
    assert client.command(f"SELECT count() FROM {name}") == 1
