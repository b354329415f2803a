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
NEVER: Final = 10_413_705_600_000
"""31/12/2299 00:00 UTC, epoch ms: beginning of a unit none of whose reports is left."""
AT_ONCE: Final = 500
"""Units changed by one statement."""
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


def settle_beginnings(client: Client) -> int:
    """Let every unit begin with the first of its reports that are left, as retention leaves them; returns the number of units changed.

    A unit without a report begins never, and is gone at the next turn: a report on its way may stand in one table only.
    Raises ClickHouseError.
    """
    found = [(int(unit), int(said), int(begins)) for unit, said, begins in client.query(_FOUND).result_rows]
    moved = [(unit, begins) for unit, said, begins in found if said != begins]
    gone = [unit for unit, said, begins in found if said == begins]
    for n in range(0, len(moved), AT_ONCE):
        some = moved[n : n + AT_ONCE]
        client.command(_MOVE, parameters={"units": [unit for unit, _ in some], "begins": [begins for _, begins in some]})
    for n in range(0, len(gone), AT_ONCE):
        client.command(_DROP, parameters={"units": gone[n : n + AT_ONCE]})
    return len(moved) + len(gone)


def fold(client: Client, batch: int, rows: int) -> None:
    """Write one batch, then the line that makes it count. Raises ClickHouseError."""
    marks = client.query("SELECT cityHash64(topic, partition), max(offset) FROM reports GROUP BY topic, partition").result_rows
    client.command(_FOLD, parameters={"batch": batch})
    _count(client, batch, [(int(place), int(offset)) for place, offset in marks], rows)


def _count(client: Client, batch: int, marks: list[tuple[int, int]], rows: int) -> None:
    line = [batch, [place for place, _ in marks], [offset for _, offset in marks], rows]
    client.insert(PREPARED, [line], column_names=["batch", "places", "offsets", "rows"])


_UNIT: Final = "cityHash64(indicator, component, period_type, series_hash, territory)"
_FOUND: Final = f"""SELECT unit, u.first_ms AS said, if(r.unit = 0, {NEVER}, r.first_ms) AS begins
FROM (SELECT {_UNIT} AS unit, min(toUnixTimestamp64Milli(first_at)) AS first_ms FROM report_units GROUP BY unit) AS u
LEFT JOIN
(
    SELECT {_UNIT} AS unit, min(toUnixTimestamp64Milli(received_at)) AS first_ms FROM reports
    WHERE figure = 'actual' AND status NOT IN ('deleted', 'receipt_gone') GROUP BY unit
) AS r ON r.unit = u.unit
WHERE said != begins OR said = {NEVER}"""
_MOVE: Final = f"""ALTER TABLE report_units
UPDATE first_at = fromUnixTimestamp64Milli({{begins:Array(Int64)}}[indexOf({{units:Array(UInt64)}}, {_UNIT})], 'UTC')
WHERE {_UNIT} IN {{units:Array(UInt64)}} SETTINGS mutations_sync = 1"""
_DROP: Final = f"ALTER TABLE report_units DELETE WHERE {_UNIT} IN {{units:Array(UInt64)}} SETTINGS mutations_sync = 1"
_STANDING: Final = "SELECT max(batch), argMax(rows, batch), (SELECT count() FROM reports) FROM report_batches"
_FOLD: Final = """INSERT INTO report_states
SELECT
    {batch:UInt64}, indicator, component, figure, period_type, period_start, period_end, series_hash, unit, territory, area, sender,
    known_from, known_until, live, second_sources, first_at, duplicates, revised, has_change, change
FROM report_histories"""
