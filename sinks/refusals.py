"""Rows that ClickHouse would refuse or bend, found before the insert: the rest goes in as one block under the planned token.

ClickHouse clamps a date outside its range without a word, so such rows are found here in the columns. What only the server can tell (a
constraint its owner added) is found in a scratch table of engine Null, which checks a block and keeps nothing. Never are parts of a batch
inserted under tokens of their own: after a crash the whole would go in again under the planned one and count twice in the views.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import polars as pl
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import clickhouse

EARLIEST: Final = -2_208_988_800_000
"""1900-01-01 00:00 UTC in epoch ms: DateTime64 begins here."""
LATEST: Final = 10_413_791_999_999
"""2299-12-31 23:59:59.999 UTC in epoch ms: DateTime64 ends here."""
PROBES: Final = 2000
"""Most blocks tried in the scratch table for one batch; beyond it the table is at fault, not the rows."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record the sink will not insert: `index` is its place in the batch, `reason` one of the dead letter's closed list."""

    index: int
    reason: str
    field: str
    detail: str


class TableAtFault(RuntimeError):
    """The table refuses what no row can be blamed for."""


def out_of_range(frame: pl.DataFrame, times: tuple[str, ...]) -> list[Refusal]:
    """A refusal for each row with an instant that DateTime64(3) cannot hold; `times` are Int64 columns in epoch ms, `index` the place."""
    if not frame.height:
        return []
    bad = [~pl.col(name).is_between(EARLIEST, LATEST) for name in times]  # null: is_between gives null, which no filter takes
    if not bad or not frame.select(pl.any_horizontal(pl.any_horizontal(one.any() for one in bad))).item():
        return []
    found: dict[int, Refusal] = {}
    for name, rule in zip(times, bad, strict=True):
        for index in frame.filter(rule)["index"].to_list():
            found.setdefault(index, Refusal(index, "impossible_date", name, "an instant outside 1900–2299, which ClickHouse cannot hold"))
    return [found[index] for index in sorted(found)]


def scratch_name(table: str, owner: str) -> str:
    """The Null table beside `table` in which the blocks of `owner` (topic and partition) are tried; one a partition, so none is shared."""
    return f"sink_scratch_{table}_{zlib.crc32(owner.encode()):08x}"


def refused_by_server(client: Client, table: str, owner: str, frame: pl.DataFrame, cause: ClickHouseError) -> list[int]:
    """Positions in `frame` of the rows the server refuses, found by halving in a scratch table; empty where it takes them all now.

    Raises TableAtFault where a block without rows is refused too or PROBES are not enough, ClickHouseError where it does not answer.
    """
    scratch = scratch_name(table, owner)
    client.command(f"DROP TABLE IF EXISTS {scratch}")
    client.command(f"CREATE TABLE {scratch} AS {table} ENGINE = Null")
    try:
        probe = _Probe(client, scratch)
        if not probe.takes(frame.clear()):
            raise TableAtFault(f"{table}: {clickhouse.reason(cause)}: bảng không nhận cả khối rỗng, hãy kiểm tra migration; "
                               "the table refuses even an empty block: check the migrations")  # fmt: skip
        return list(probe.search(frame, 0))
    finally:
        client.command(f"DROP TABLE IF EXISTS {scratch}")


class _Probe:
    def __init__(self, client: Client, table: str) -> None:
        self._client, self._table, self._left = client, table, PROBES

    def takes(self, frame: pl.DataFrame) -> bool:
        """Does the table take this block?"""
        if not self._left:
            raise TableAtFault(f"{self._table}: hơn {PROBES} lần thử, lỗi ở bảng chứ không ở dòng; "
                               f"more than {PROBES} tries: the table is at fault")  # fmt: skip
        self._left -= 1
        try:
            clickhouse.insert(self._client, self._table, frame, "")
        except ClickHouseError as error:
            if clickhouse.advice(error) is clickhouse.Advice.REFUSE:
                return False
            raise
        return True

    def search(self, frame: pl.DataFrame, at: int) -> list[int]:
        """Positions of the refused rows of a block that begins at `at`."""
        if self.takes(frame):
            return []
        if frame.height == 1:
            return [at]
        middle = frame.height // 2
        return self.search(frame[:middle], at) + self.search(frame[middle:], at + middle)
