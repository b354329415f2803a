"""One planned batch on its way in: decode, tell what is refused, insert as one block, wait while ClickHouse is away.

Runs in a worker thread, one Writer a thread; the consuming thread goes on meanwhile. The order makes it exact: the plan is committed
before, the dead letters are flushed before the insert, and the batch is done only when ClickHouse has said so. Whatever stops the process
in between, the plan brings the same range again under the same token.

Named points for fault tests: `sink.before_insert`, `sink.during_insert`, `sink.after_insert`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import polars as pl
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import clickhouse
from sinks.decode import Block, Decoder
from sinks.plan import Plan
from sinks.refusals import Refusal, refused_by_server
from sinks.stretch import Stretch
from sinks.tables import Route
from transport import faults
from transport.registry import RegistryError

log = structlog.get_logger(__name__)

FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 5.0
T = TypeVar("T")


class Abandoned(RuntimeError):
    """The batch was given up: its partition went to another owner or the process stops. Its plan stays and brings it again."""


class Away(RuntimeError):
    """A part the batch needs (registry, broker) does not answer; waiting may help."""


class Letters(Protocol):
    """Where refused records go."""

    def refuse(self, messages: Stretch, refusals: Sequence[Refusal]) -> None:
        """Write each refused message with its reason and return when the broker has them all. Raises Away where it does not answer."""


@dataclass(slots=True)
class Batch:
    """Messages of one topic and partition with the plan that is committed for them. `abandoned` is set by the consuming thread."""

    topic: str
    partition: int
    route: Route
    plan: Plan
    messages: Stretch
    token: str
    planned_at: float = 0.0
    abandoned: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: `reasons` of the refused; `oldest` append time and `newest_event` among its rows in epoch ms, 0: none."""

    rows: int
    reasons: tuple[str, ...]
    oldest: int
    newest_event: int
    seconds: float


class Writer:
    """Writes batches, one after another. Not for two threads at once."""

    def __init__(self, connect: Callable[[], Client], decoder: Decoder, letters: Letters) -> None:
        self._connect, self._decoder, self._letters = connect, decoder, letters
        self._client: Client | None = None

    def write(self, batch: Batch) -> Written:
        """Bring one batch in. Raises Abandoned, clickhouse.NotReady or refusals.TableAtFault; for anything that may pass it waits."""
        started = time.perf_counter()
        block: Block = self._patiently(batch, lambda: self._decoder.block(batch.route, batch.messages))
        refused = list(block.refused)
        if refused:
            self._patiently(batch, lambda: self._letters.refuse(batch.messages, refused))
        frame = block.frame
        if frame.height:
            more = self._patiently(batch, lambda: self._insert(batch, block))
            refused += more
        faults.reach("sink.after_insert")
        oldest, newest = _milliseconds(frame, "appended", pl.Expr.min), _milliseconds(frame, "event_time", pl.Expr.max)
        rows = frame.height - len(refused) + len(block.refused)
        return Written(rows, tuple(r.reason for r in refused), oldest, newest, time.perf_counter() - started)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _insert(self, batch: Batch, block: Block) -> list[Refusal]:
        """Insert what can go in as one block; returns what the server refused, told to the dead letters before."""
        client = self._connected()
        faults.reach("sink.before_insert")
        if faults.armed("sink.during_insert"):
            threading.Timer(0.003, faults.die).start()
        try:
            clickhouse.insert(client, batch.route.table, block.frame, batch.token)
        except ClickHouseError as error:
            if clickhouse.advice(error) is not clickhouse.Advice.REFUSE:
                raise
            return self._insert_rest(client, batch, block, error)
        return []

    def _insert_rest(self, client: Client, batch: Batch, block: Block, cause: ClickHouseError) -> list[Refusal]:
        rows = refused_by_server(client, batch.route.table, f"{batch.topic}-{batch.partition}", block.frame, cause)
        detail = f"refused by the table {batch.route.table}: {clickhouse.reason(cause)}"
        refused = [Refusal(int(block.places[row]), "sink_rejected", "", detail) for row in rows]
        if not refused:
            raise cause
        self._letters.refuse(batch.messages, refused)
        keep = pl.Series([True] * block.frame.height)
        keep[rows] = False
        rest = block.frame.filter(keep)
        if rest.height:
            clickhouse.insert(client, batch.route.table, rest, batch.token)
        return refused

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _patiently(self, batch: Batch, work: Callable[[], T]) -> T:
        """Do the work; while a part is away, wait and do it again. Every attempt begins only while the batch is ours."""
        pause = FIRST_WAIT
        while True:
            if batch.abandoned.is_set():
                raise Abandoned(f"{batch.topic} {batch.partition} {batch.plan.first}–{batch.plan.last}")
            try:
                return work()
            except (clickhouse.Unavailable, RegistryError, Away) as error:
                why = str(error)
            except ClickHouseError as error:
                why = clickhouse.reason(error)
                if clickhouse.advice(error) is clickhouse.Advice.STOP:
                    raise clickhouse.NotReady(f"bảng (table) {batch.route.table}: {why}: chạy `nhip provision` (run it)") from error
            self.close()
            log.warning("sink.waiting", topic=batch.topic, partition=batch.partition, first=batch.plan.first, last=batch.plan.last,
                        table=batch.route.table, why=why, retry_in_s=pause)  # fmt: skip
            batch.abandoned.wait(pause)
            pause = min(pause * 2, LONGEST_WAIT)


def _milliseconds(frame: pl.DataFrame, column: str, which: Callable[[pl.Expr], pl.Expr]) -> int:
    """The least or greatest instant of a column in epoch ms; 0 where there is no such column or no row."""
    if not frame.height or column not in frame.columns:
        return 0
    return int(frame.select(which(pl.col(column)).dt.epoch("ms")).item() or 0)
