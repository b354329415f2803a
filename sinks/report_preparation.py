"""The closed past of the quality of reports, folded on the sink's schedule.

Tables `report_batches`, `report_states`. A state says what was known of a unit (one series and period, of one sender) from one arrival
until the next, so that a reader takes the states of its moment and folds nothing. View `board_quality` folds itself every unit with a
message after the batch's offsets: its answer never waits for a turn and is that of a full folding. Besides rows behind the offsets, a new
vocabulary makes a batch wrong, for it decides who owes what: whoever brings either in calls `forget`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks import batches

PREPARED: Final = "report_batches"
STATES: Final = "report_states"
LEAST_ROWS: Final = 10_000
"""Below, folding every report at the question takes no longer than 50 ms."""
LEAST_NEW: Final = 1_000
REST_MS: Final = 3_600_000
"""Folded anew once so many reports came, or some are gone, and the batch is so old: 24 foldings a day at 6 processor seconds a million."""


def forget(client: Client, clock: Callable[[], float] = time.time) -> None:
    """Let no batch count any more, nor one that is being folded now: a newer, empty one stands in its place. Raises ClickHouseError."""
    _count(client, batches.number(int(clock() * 1000)), [], 0)


def prepare(client: Client, clock: Callable[[], float] = time.time, least_rows: int = LEAST_ROWS) -> int:
    """Fold the reports where they have grown, drop the batches that were replaced; returns the reports folded. Raises ClickHouseError."""
    now_ms = int(clock() * 1000)
    batch, told_then, told = client.query(_STANDING).result_rows[0]
    changed = told >= told_then + min(LEAST_NEW, least_rows) or told < told_then  # fewer: retention deleted some
    due = told >= least_rows and (told_then == 0 or (changed and batch < batches.first(now_ms - REST_MS)))
    if due:
        batch = batches.number(now_ms)
        fold(client, batch, told)
    batches.drop_replaced(client, [STATES], [batch], now_ms)
    return int(told) if due else 0


def fold(client: Client, batch: int, rows: int) -> None:
    """Write one batch, then the line that makes it count. Raises ClickHouseError."""
    marks = client.query("SELECT cityHash64(topic, partition), max(offset) FROM reports GROUP BY topic, partition").result_rows
    client.command(_FOLD, parameters={"batch": batch})
    _count(client, batch, [(int(place), int(offset)) for place, offset in marks], rows)


def _count(client: Client, batch: int, marks: list[tuple[int, int]], rows: int) -> None:
    line = [batch, [place for place, _ in marks], [offset for _, offset in marks], rows]
    client.insert(PREPARED, [line], column_names=["batch", "places", "offsets", "rows"])


_STANDING: Final = "SELECT max(batch), argMax(rows, batch), (SELECT count() FROM reports) FROM report_batches"
_FOLD: Final = """INSERT INTO report_states
SELECT
    {batch:UInt64}, indicator, component, figure, period_type, period_start, period_end, series_hash, unit, territory, area, sender,
    known_from, known_until, live, second_sources, first_at, duplicates, revised, has_change, change
FROM report_histories"""
