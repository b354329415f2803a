"""Batches of what is folded beforehand: their numbers, and dropping those that do not count any more.

A batch is written under its own number and counts from the moment its line stands in the ledger of its kind: two sinks may fold at once,
and a folding that was cut short is never read. Tables of a kind are partitioned by the number.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from clickhouse_connect.driver.client import Client

KEPT_MS: Final = 3_600_000
"""A batch is kept so long after a newer one stands: a question that began with it reads it to the end (`questions.SECONDS`)."""
_LOT_BITS: Final = 20


def number(now_ms: int) -> int:
    """Of a batch that begins now: milliseconds since 1970, then bits by lot."""
    return now_ms << _LOT_BITS | secrets.randbits(_LOT_BITS)


def first(at_ms: int) -> int:
    """The least number of a batch that begins at an instant."""
    return at_ms << _LOT_BITS


def drop_replaced(client: Client, tables: Sequence[str], counting: Sequence[int], now_ms: int, kept_ms: int = KEPT_MS) -> None:
    """Drop what the tables hold of batches that are past their time and not among `counting`: replaced, or never finished."""
    asked = {"tables": list(tables), "before": first(now_ms - kept_ms), "counting": list(counting)}
    for table, batch in client.query(_REPLACED, parameters=asked).result_rows:
        client.command(f"ALTER TABLE {table} DROP PARTITION {int(batch)}")


_REPLACED: Final = """SELECT DISTINCT table, toUInt64(partition) AS batch FROM system.parts
WHERE database = currentDatabase() AND table IN {tables:Array(String)} AND active AND batch < {before:UInt64}
    AND batch NOT IN {counting:Array(UInt64)}"""
