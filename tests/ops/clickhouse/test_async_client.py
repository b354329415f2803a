"""clickhouse-connect's asynchronous client, unchanged, against the endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import clickhouse_connect
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tests.ops.clickhouse.conftest import WRITER, WRITER_PASSWORD, Process

pytestmark = pytest.mark.loopback
Make = Callable[[str], str]


@asynccontextmanager
async def connected(endpoint: Process) -> AsyncIterator[AsyncClient]:
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1", port=endpoint.port, username=WRITER, password=WRITER_PASSWORD, database="nhip"
    )
    try:
        yield client
    finally:
        await client.close()


def test_it_writes_and_reads(endpoint: Process, table: Make) -> None:
    name = table("id UInt64, at DateTime64(3, 'UTC'), s Nullable(String)")
    at = datetime(2026, 1, 31, 1, 2, 3, 456000, tzinfo=UTC)

    async def talk() -> None:
        async with connected(endpoint) as client:
            for _ in range(2):
                done = await client.insert(name, [[1, at, "đ"], [2, at, None]], settings={"insert_deduplication_token": "t"})
                assert done.written_rows == 2
            await client.raw_insert(name, ["id"], b"3\n", fmt="CSV")
            rows = (await client.query(f"SELECT id, s FROM {name} ORDER BY id")).result_rows
            assert rows == [(1, "đ"), (2, None), (3, None)]
            assert (await client.query_arrow(f"SELECT id FROM {name} ORDER BY id")).column("id").to_pylist() == [1, 2, 3]
            raw = await client.raw_query("SELECT {a:String} AS s", parameters={"a": "x'\t"}, fmt="JSONEachRow")
            assert raw == b'{"s":"x\'\\t"}\n'

    asyncio.run(talk())


def test_many_requests_at_once(endpoint: Process) -> None:
    async def talk() -> list[object]:
        async with connected(endpoint) as client:
            return list(await asyncio.gather(*(client.command(f"SELECT {i}") for i in range(40))))

    assert asyncio.run(talk()) == list(range(40))


def test_it_streams(endpoint: Process) -> None:
    async def talk() -> int:
        seen = 0
        async with connected(endpoint) as client:
            stream = await client.query_row_block_stream("SELECT number, toString(number) FROM numbers(300000)")
            async with stream:
                async for block in stream:
                    seen += len(block)
        return seen

    assert asyncio.run(talk()) == 300_000


def test_errors_keep_the_engines_code(endpoint: Process) -> None:
    async def talk() -> None:
        async with connected(endpoint) as client:
            with pytest.raises(DatabaseError) as refused:
                await client.query("SELECT nope")
            assert refused.value.code == 47

    asyncio.run(talk())


def test_half_a_result_is_never_taken_for_a_whole_one(endpoint: Process) -> None:
    async def talk() -> None:
        async with connected(endpoint) as client:
            stream = await client.query_row_block_stream("SELECT throwIf(number = 3000000), toString(number) FROM numbers(4000000)")
            async with stream:
                async for _ in stream:
                    pass

    with pytest.raises(StreamFailureError):
        asyncio.run(talk())
