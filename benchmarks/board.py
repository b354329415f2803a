"""The board over a full database: first content of its pages, its API, and how long a change takes from the topic to 200 open pages.

    python -m benchmarks.board                      20 million observations, into benchmarks/results/board.json
    python -m benchmarks.board --rows 2000000       fewer
    python -m benchmarks.board --viewers 0          pages and API alone

The sink's schedule has had its turn, as it has a minute after a start. First content: from the request to the last byte of the page, which
is rendered whole; over HTTP on loopback, by readers signed in. Cold: no answer of a question is kept by the board (ClickHouse's own caches
are as they are); warm: asked again within the second in which it keeps them. A change is a derived result appended to its topic; it is on
the screen when the page's stream has it: what the browser adds is its script's few milliseconds. Of changes that follow each other faster
than a page reads, it is told the newest: `seen` is the share told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import httpx

from benchmarks import machine
from benchmarks.board_seed import END_MS, plant
from benchmarks.ground import MeasurementError, servers, topics
from benchmarks.report import RESULTS
from benchmarks.spread import percentile
from dashboards.accounts import Account
from dashboards.board import Board
from dashboards.limits import Limit
from dashboards.main import Server, board, serving
from dashboards.session import COOKIE
from dashboards.settings import BoardSettings
from sinks import clickhouse, flow_preparation
from sinks.migrations import migrate
from sinks.preparation import turn
from transport import collector
from transport.kafka_clients import CountingProducer, producer
from transport.logging import setup
from transport.records import AvroEncoder
from transport.registry import Registry
from transport.schemas import load
from transport.settings import Settings

PAGES: Final = (
    "/", "/ranking", "/indicator/guide-7146/F02", "/indicator/vn-1012/A.II.4", "/map", "/map?layers=situation&shade=-", "/alerts", "/wall",
    "/report", "/tasks", "/requests", "/rules/GN-DTC-CHAM-KE-HOACH",
)  # fmt: skip
DEEP: Final = ("/supply", "/operations", "/emergency")
"""Pages for a reader of the whole depth."""
API: Final = ("/ranking?format=json", "/alerts?format=json", "/indicator/guide-7146/F02?format=json")
TOPIC: Final = "derived.finance_budget"
STREAMS_AN_ACCOUNT: Final = 20
CHANGES: Final = 50
LIMIT_SECONDS: Final = 60.0
NO_HASH: Final = "scrypt$2$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
"""No password has this hash: the readers of the measurement sign in by their cookie."""


@contextmanager
def running(settings: Settings) -> Iterator[Server]:
    """The board as its process serves it, in a thread, its clock at the seed's present."""
    own = BoardSettings.load(**settings.model_dump() | {"board_port": 0})
    made = board(own)
    collector.spare()  # as the board's process does
    made.clock = lambda: END_MS
    made.requests = Limit(burst=1_000_000, per_second=1_000_000.0)
    with serving(made) as server:
        yield server


def reader(made: Board, number: int, depth: int = 0) -> dict[str, str]:
    """The cookie of one leader of the whole country."""
    name = f"doc{number:02d}-{depth}"
    account = Account(name=name, title_vi="Lãnh đạo", role="leader", territories=("VN",), depth=depth, password=NO_HASH)
    if not made.settings.accounts_path.exists() or account.name not in made.accounts.accounts():
        made.accounts.put(account)
    return {COOKIE: made.sessions.written(made.sessions.begin(account, END_MS))}


def pages(server: Server, addresses: Sequence[str], repeats: int, depth: int = 0) -> dict[str, dict[str, float]]:
    """Milliseconds by address: cold and warm p50 and p95, cold p99. Raises MeasurementError for an answer that is no page."""
    found = {}
    home, cookies = f"http://127.0.0.1:{server.port}", reader(server.board, 0, depth)
    with httpx.Client(base_url=home, cookies=cookies, trust_env=False, timeout=30) as client:
        for address in addresses:
            cold, warm = [], []
            client.get(address)  # templates compiled, connections open
            for _ in range(repeats):
                time.sleep(1.05)  # longer than an answer is kept
                cold.append(_timed(client, address))
                warm.append(_timed(client, address))
            found[address] = {
                "cold_p50_ms": percentile(cold, 50), "cold_p95_ms": percentile(cold, 95), "cold_p99_ms": percentile(cold, 99),
                "warm_p50_ms": percentile(warm, 50), "warm_p95_ms": percentile(warm, 95),
            }  # fmt: skip
    return found


def _timed(client: httpx.Client, address: str) -> float:
    started = time.perf_counter()
    answer = client.get(address)
    took = (time.perf_counter() - started) * 1000
    if answer.status_code != 200:
        raise MeasurementError(f"{address}: HTTP {answer.status_code}")
    return round(took, 1)


def viewers(settings: Settings, server: Server, count: int) -> dict[str, float]:
    """Milliseconds from handing a change to the producer until each of `count` open pages has it: p50, p95, p99, most."""
    follower = server.board.follower
    if follower is None or not follower.following.wait(LIMIT_SECONDS):
        raise MeasurementError("the board does not follow its topics")
    with Registry(settings) as registry:
        encoder = AvroEncoder("derived", registry.id_of(TOPIC))
    delays = asyncio.run(_watched(settings, server, encoder, count))
    seen = round(len(delays) / (count * CHANGES), 4)
    found = {f"p{share}_ms": round(percentile(delays, share), 1) for share in (50, 95, 99, 100)}
    return {"viewers": count, "changes": CHANGES, "seen": seen, **found}


async def _watched(settings: Settings, server: Server, encoder: AvroEncoder, count: int) -> list[float]:
    sent: dict[str, float] = {}
    delays: list[float] = []
    ready = asyncio.Semaphore(0)

    async def view(number: int) -> None:
        address, cookies = f"http://127.0.0.1:{server.port}/events", reader(server.board, number // STREAMS_AN_ACCOUNT)
        async with (
            httpx.AsyncClient(cookies=cookies, trust_env=False, timeout=LIMIT_SECONDS) as client,
            client.stream("GET", address) as answer,
        ):
            async for line in answer.aiter_lines():
                if line.startswith("event: state"):
                    ready.release()
                text = str(json.loads(line[6:])["text"]) if line.startswith("data: ") and '"kind": "result"' in line else ""
                if text in sent:
                    delays.append((time.perf_counter() - sent[text]) * 1000)
                if text == _text(CHANGES - 1):
                    return

    async with asyncio.timeout(LIMIT_SECONDS + CHANGES), asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(view(number))
        for _ in range(count):
            await ready.acquire()
        out = CountingProducer(producer(settings))
        # A tombstone, which no page is told of: a producer takes half a second and more to its first record, and a worker's runs already.
        out.publish(f"{settings.topic_prefix}{TOPIC}", b"nothing", None)
        await asyncio.to_thread(out.flush, LIMIT_SECONDS)
        for number in range(CHANGES):
            sent[_text(number)] = time.perf_counter()
            out.publish(f"{settings.topic_prefix}{TOPIC}", b"F02.province|31|||2026", encoder.encode(_result(number)))
            await asyncio.to_thread(out.flush, LIMIT_SECONDS)
            await asyncio.sleep(0.5)
    return delays


def _text(number: int) -> str:
    """How the board writes the value of a change."""
    return f"{number},00%"


def _result(number: int) -> dict[str, Any]:
    """A result of Hải Phòng whose value names it."""
    record = {field["name"]: _empty(field["type"]) for field in load("derived").raw["fields"]}
    return record | {
        "result": "F02.province|31|||2026", "formula": "F02.province", "kind": "ratio", "indicator": "guide-7146/F02", "territory": "31",
        "measure_unit": "percent", "value": Decimal(number).quantize(Decimal("1.000000")), "event_time": END_MS,
    }  # fmt: skip


def _empty(kind: Any) -> Any:
    """The least value of an Avro type."""
    if isinstance(kind, list):
        return None if "null" in kind else _empty(kind[0])
    if isinstance(kind, dict):
        if kind["type"] == "enum":
            return kind["symbols"][0]
        return Decimal(0) if kind.get("logicalType") == "decimal" else _empty(kind["type"])
    return {"string": "", "boolean": False, "array": [], "map": {}, "bytes": b""}.get(kind, 0)


def measure(rows: int, repeats: int, watching: int) -> dict[str, Any]:
    """One run. Raises MeasurementError."""
    described = machine.describe()
    with servers(clickhouse=True) as settings, topics(settings, ("alerts.", "derived.", "agg.", "ops.")):
        migrate(settings)
        with clickhouse.connected(settings) as client:
            planted = plant(client, rows)
            flow_preparation.prepare(client, margin_seconds=0)  # no insert is under way
            turn(client)
        with running(settings) as server:
            found = {"pages": pages(server, PAGES, repeats) | pages(server, DEEP, repeats, depth=3), "api": pages(server, API, repeats * 3)}
            live = viewers(settings, server, watching) if watching else {}
    return {"machine": described, "rows": planted, **found, "live": live}


def main() -> None:
    """Measure, write, and print what was found."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m benchmarks.board", description=__doc__, formatter_class=plain)
    parser.add_argument("--rows", type=int, default=20_000_000, help="observations (20000000)")
    parser.add_argument("--repeats", type=int, default=20, help="requests of each page, cold and warm (20)")
    parser.add_argument("--viewers", type=int, default=200, help="open pages that watch (200); 0: none")
    options = parser.parse_args()
    setup("benchmarks", "WARNING")
    document = measure(options.rows, options.repeats, options.viewers)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    (RESULTS / "board.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
