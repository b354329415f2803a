"""The interface itself, byte by byte: paths, headers, credentials, encodings, limits, what happens when a client leaves."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

import lz4.frame  # type: ignore[import-untyped]
import pytest
from clickhouse_connect.driver.client import Client

from ops.clickhouse.blocks import block, unframed
from tests.ops.clickhouse.conftest import READER, READER_PASSWORD, WRITER, WRITER_PASSWORD, Process, until

pytestmark = pytest.mark.loopback
Make = Callable[[str], str]
BASIC = {"Authorization": "Basic " + base64.b64encode(f"{WRITER}:{WRITER_PASSWORD}".encode()).decode()}


class Answer:
    """A response, read."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def code(self) -> str | None:
        return self.headers["X-ClickHouse-Exception-Code"]


class Caller:
    """Requests over one kept connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def __call__(
        self, body: bytes | str | None = None, method: str = "POST", path: str = "/", headers: dict[str, str] | None = None, **query: str
    ) -> Answer:
        url = f"{path}?{urlencode(query)}" if query else path
        self.connection.request(method, url, body.encode() if isinstance(body, str) else body, BASIC if headers is None else headers)
        return Answer(self.connection.getresponse())


@pytest.fixture
def call(endpoint: Process) -> Iterator[Caller]:
    with Caller(endpoint.port) as caller:
        yield caller


@pytest.mark.parametrize("path", ["/", "/ping", "/replicas_status"])
def test_health_needs_no_password(call: Caller, path: str) -> None:
    answer = call(method="GET", path=path, headers={})
    assert (answer.status, answer.body) == (200, b"Ok.\n")


def test_a_result_says_what_it_is(call: Caller) -> None:
    answer = call("SELECT number FROM numbers(1000)", query_id="mine", default_format="CSV")
    summary = json.loads(answer.headers["X-ClickHouse-Summary"])
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine"
    assert answer.headers["X-ClickHouse-Format"] == "CSV"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["X-ClickHouse-Server-Display-Name"]
    assert (summary["read_rows"], summary["result_rows"], summary["result_bytes"]) == ("1000", "1000", "3890")
    assert int(summary["elapsed_ns"]) > 0


def test_a_statement_without_rows_has_no_format(call: Caller) -> None:
    answer = call("CREATE TABLE IF NOT EXISTS none (a Int8) ENGINE = Null")
    assert (answer.status, answer.body, answer.headers["X-ClickHouse-Format"]) == (200, b"", None)


def test_the_query_may_come_in_the_url_in_the_body_or_in_both(call: Caller) -> None:
    assert call(method="GET", query="SELECT 1").body == b"1\n"
    assert call("SELECT 1").body == b"1\n"
    assert call("+ 1", query="SELECT 1").body == b"2\n"
    parts = (("query", "SELECT {a:Int8}"), ("param_a", "7"))
    form = "".join(f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts) + "--x--\r\n"
    assert call(form, headers={**BASIC, "Content-Type": "multipart/form-data; boundary=x"}).body == b"7\n"


def test_get_only_reads(call: Caller) -> None:
    answer = call(method="GET", query="CREATE TABLE g (a Int8) ENGINE = Memory")
    assert (answer.status, answer.code) == (500, "164")


@pytest.mark.parametrize(
    ("headers", "query", "status", "code"),
    [
        ({"X-ClickHouse-User": WRITER, "X-ClickHouse-Key": WRITER_PASSWORD.encode().decode("latin-1")}, {}, 200, None),
        ({}, {"user": READER, "password": READER_PASSWORD}, 200, None),
        ({}, {"user": READER, "password": "no"}, 403, "516"),
        ({}, {"user": "", "password": ""}, 403, "516"),
        ({}, {}, 401, "194"),
        ({"Authorization": "Bearer x"}, {}, 403, "516"),
        ({"Authorization": "Basic ???"}, {}, 403, "516"),
        (BASIC, {"user": WRITER}, 403, "516"),
    ],
)
def test_credentials(call: Caller, headers: dict[str, str], query: dict[str, str], status: int, code: str | None) -> None:
    answer = call("SELECT 1", path=f"/?{urlencode(query)}", headers=headers)
    assert (answer.status, answer.code) == (status, code)
    assert READER_PASSWORD.encode() not in answer.body


def test_an_error_has_clickhouses_shape(call: Caller) -> None:
    answer = call("SELECT * FROM nope")
    assert (answer.status, answer.code) == (404, "60")
    assert answer.body.startswith(b"Code: 60. DB::Exception: ")
    assert b"(UNKNOWN_TABLE) (version " in answer.body


@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ({"role": "admin"}, "SELECT 1", 404, "511"),
        ({"client_protocol_version": "54480"}, "SELECT 1", 501, "48"),
        ({"session_timeout": "99999"}, "SELECT 1", 501, "48"),
        ({"session_id": "never seen", "session_check": "1"}, "SELECT 1", 404, "372"),
        ({"database": "default"}, "SELECT 1", 403, "497"),
        ({"database": "nope"}, "SELECT 1", 404, "81"),
        ({"max_memory_usage": "0"}, "SELECT 1", 500, "452"),
        ({"a b": "1"}, "SELECT 1", 404, "115"),
        ({"query_id": "a\r\nb"}, "SELECT 1", 400, "36"),
        ({}, b"SELECT '\xff'", 400, "62"),
        ({}, b"", 400, "62"),
        ({}, "SELECT 1; SELECT 2", 400, "62"),
    ],
)
def test_what_is_not_served_is_refused_in_words(call: Caller, query: dict[str, str], body: bytes | str, status: int, code: str) -> None:
    answer = call(body, path=f"/?{urlencode(query)}")
    assert (answer.status, answer.code) == (status, code), answer.body
    assert answer.body.startswith(f"Code: {code}. DB::Exception: ".encode())


def test_other_paths_and_methods(call: Caller) -> None:
    assert call(method="GET", path="/play").status == 404
    assert call("SELECT 1", method="PUT").status == 501


def test_encodings_are_used_only_when_asked_for(call: Caller) -> None:
    asked = {**BASIC, "Accept-Encoding": "br, lz4"}
    assert call("SELECT 1", headers=asked).body == b"1\n"
    answer = call("SELECT 1", headers=asked, enable_http_compression="1")
    assert answer.headers["Content-Encoding"] == "lz4"
    assert lz4.frame.decompress(answer.body) == b"1\n"
    error = call("SELECT nope", headers=asked, enable_http_compression="1")
    assert (error.headers["Content-Encoding"], error.code) == (None, "47")
    assert call(b"x", headers={**BASIC, "Content-Encoding": "br"}).code == "48"
    assert call(b"x", headers={**BASIC, "Content-Encoding": "gzip"}).code == "271"


def test_blocks_of_the_native_protocol(call: Caller, table: Make) -> None:
    name = table("a UInt32")
    rows = b"".join(b"%d\n" % i for i in range(200_000))
    assert call(block(rows[:700_000]) + block(rows[700_000:]), query=f"INSERT INTO {name} FORMAT TSV", decompress="1").status == 200
    answer = call(f"SELECT a FROM {name} ORDER BY a", compress="1")
    assert b"".join(unframed([answer.body])) == rows


def test_checksums_of_blocks_are_those_of_the_engines_own_files(call: Caller, table: Make, endpoint: Process) -> None:
    name = table("a UInt32")
    call(f"INSERT INTO {name} SELECT 305419896 FROM numbers(1000)")
    path = call(f"SELECT path FROM system.parts WHERE table = '{name}' AND active").body.decode().strip()
    stored = [p.read_bytes() for p in (endpoint.data_dir / path).glob("*.bin")]
    assert stored
    assert any(b"\x78\x56\x34\x12" * 1000 in b"".join(unframed([data])) for data in stored)


def test_a_damaged_body_inserts_nothing(call: Caller, table: Make) -> None:
    name = table("a UInt32, s String")
    query = f"INSERT INTO {name} FORMAT CSV"
    good = lz4.frame.compress(b"".join(b"%d,x\n" % i for i in range(100_000)))
    assert call(good[:-9], query=query, headers={**BASIC, "Content-Encoding": "lz4"}).code == "271"
    assert call(b"1,x\nnot a number,y\n", query=query).code == "27"
    assert call(f"SELECT count() FROM {name}").body == b"0\n"


def test_a_body_that_breaks_off_inserts_nothing(endpoint: Process, call: Caller, table: Make) -> None:
    name = table("a UInt32")
    with socket.create_connection(("127.0.0.1", endpoint.port), 10) as broken:
        target = urlencode({"query": f"INSERT INTO {name} FORMAT CSV"})
        head = f"POST /?{target} HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC['Authorization']}\r\n"
        broken.sendall(f"{head}Content-Length: 1000\r\n\r\n1\n2\n".encode())
    assert call(f"SELECT count() FROM {name}").body == b"0\n"


def test_expressions_in_values_do_not_reach_the_host(call: Caller, table: Make) -> None:
    name = table("a String")
    assert call(f"INSERT INTO {name} VALUES (upper('x')), ('file(y)')").status == 200
    assert call(f"INSERT INTO {name} VALUES (file('/etc/hostname'))").code == "497"
    padding = "'" + "x" * (1 << 20) + "'"
    assert call(f"INSERT INTO {name} VALUES ({padding}), (file('/etc/hostname'))").status >= 400
    assert call(f"SELECT count() FROM {name} WHERE a IN ('X', 'file(y)')").body == b"2\n"


def test_a_held_result_that_fails_late_still_has_its_status(call: Caller) -> None:
    sql = "SELECT throwIf(number = 3000000), toString(number) FROM numbers(4000000)"
    held = call(sql, wait_end_of_query="1")
    assert (held.status, held.code) == (500, "395")
    whole = call("SELECT number, toString(number) FROM numbers(1500000)", wait_end_of_query="1")
    assert whole.body.count(b"\n") == 1_500_000
    assert json.loads(whole.headers["X-ClickHouse-Summary"])["result_rows"] == "1500000"


def test_a_result_that_fails_after_it_began_ends_with_the_reason_and_a_cut(call: Caller) -> None:
    call.connection.request("POST", "/", b"SELECT throwIf(number = 3000000), toString(number) FROM numbers(4000000)", BASIC)
    response = call.connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as cut:
        response.read()
    tag = response.headers["X-ClickHouse-Exception-Tag"].encode()
    data, reason = cut.value.partial.split(b"\r\n__exception__\r\n" + tag + b"\r\n", 1)
    assert data.endswith(b"\n")
    assert reason.startswith(b"Code: 395. DB::Exception")
    message = reason.split(b"\r\n")[0]
    assert reason.endswith(b"\r\n%d %s\r\n__exception__\r\n" % (len(message), tag))


def test_a_reader_who_leaves_stops_his_query(endpoint: Process, client: Client) -> None:
    count = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(cityHash64(number%'"
    with socket.create_connection(("127.0.0.1", endpoint.port), 10) as leaving:
        sql = b"SELECT sum(cityHash64(number)) FROM numbers(1000000000000)"
        leaving.sendall(
            f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC['Authorization']}\r\nContent-Length: {len(sql)}\r\n\r\n".encode() + sql
        )
        until(lambda: client.command(count) == 1)
    until(lambda: client.command(count) == 0)


def test_a_query_is_killed_by_the_id_its_client_gave(endpoint: Process, client: Client) -> None:
    count = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT max(cityHash64(number%'"
    caller = Caller(endpoint.port)
    caller.connection.request("POST", "/?query_id=long+one", b"SELECT max(cityHash64(number)) FROM numbers(1000000000000)", BASIC)
    until(lambda: client.command(count) == 1)
    again = Caller(endpoint.port)
    assert again("SELECT 1", query_id="long one").code == "216"
    again.connection.close()
    client.command("KILL QUERY WHERE query_id = 'long one'")
    assert Answer(caller.connection.getresponse()).code == "394"
    caller.connection.close()


def test_small_requests_do_not_wait_for_acknowledgements(call: Caller) -> None:
    """With Nagle's algorithm against delayed acknowledgements every request would take 40 ms: all of 25 would, whatever else runs here."""
    times = []
    for i in range(25):
        begun = time.perf_counter()
        assert call(f"SELECT {i}").body == b"%d\n" % i
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.03
    assert sum(t < 0.04 for t in times) > 5


def test_numbers_for_monitoring(call: Caller) -> None:
    call("SELECT 1")
    call("SELECT nope")
    page = call(method="GET", path="/metrics", headers={}).body.decode()
    samples = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(samples['nhip_clickhouse_errors_total{code="47"}']) >= 1
    assert float(samples['nhip_clickhouse_queries_total{end="ok"}']) >= 1
    assert float(samples["nhip_clickhouse_running"]) == 0


def test_spooled_bodies_leave_no_files(endpoint: Process, call: Caller, table: Make) -> None:
    name = table("s String")
    body = b"x" * 99 + b"\n"
    assert call(body * 200_000, query=f"INSERT INTO {name} FORMAT TSV").status == 200
    assert call(f"SELECT count() FROM {name}").body == b"200000\n"
    assert not list(Path(endpoint.data_dir, "requests").iterdir())
