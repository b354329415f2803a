"""What was told again of flows, folded on the sink's schedule: what must be taken from the sums of all words, and since when.

Tables `flow_batches`, `flow_corrections`, `flow_journal`. The sums by day of arrival (`flow_arrivals`) hold every word of every record; a
record told again is in them more than once. View `board_known_totals` adds the corrections of the newest batch and folds itself the
records of the journal: those that went into `flow_records` since the batch, or shortly before it. The journal is fed by the insert itself,
so rows that come in late, again or behind others' offsets are in it like any other; only what does not come by an insert (a restored
database) makes a batch wrong, and whoever brings that calls `forget`.

Beside the steps of `known` (sinks/preparation.py), not in their place: they are folded by figure, only of large ones, four times a day, and
a question folds the rest of its one figure. The board asks for all flows at once, within its 300 ms, whatever came since.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from sinks import batches

PREPARED: Final = "flow_batches"
JOURNAL: Final = "flow_journal"
MARGIN_SECONDS: Final = 600
"""An insert is in the tables, or given up, so long after its rows were written into the journal: five times the sink's own deadline
(`clickhouse.INSERT_SECONDS`). What the journal has from there on is left to the question."""
REST_MS: Final = 1_800_000
"""Folded anew once records came or went (retention deletes), and the batch is so old: 48 foldings a day at 0.6 processor seconds a million
records."""
SLICE_ROWS: Final = 4_000_000
"""Records folded by one statement: bounds its memory where all were told again."""


def forget(client: Client, clock: Callable[[], float] = time.time) -> None:
    """Let no batch count any more, nor one that is being folded now: questions fold all that was told again. Raises ClickHouseError."""
    _count(client, batches.number(int(clock() * 1000)), 0, 0)


def prepare(client: Client, clock: Callable[[], float] = time.time, margin_seconds: int = MARGIN_SECONDS) -> int:
    """Fold what was told again where records came or went, drop what was replaced; returns the records looked at, 0 where nothing was due.
    Raises ClickHouseError."""
    now_ms = int(clock() * 1000)
    batch, since_ms, told, came, records, server_ms = (int(x) for x in client.query(_STANDING).result_rows[0])
    changed = came > 0 or records != told
    due = records > 0 and (since_ms == 0 or (changed and batch < batches.first(now_ms - REST_MS)))
    if due:
        batch, since_ms = batches.number(now_ms), server_ms - margin_seconds * 1000
        _fold(client, batch, records)
        _count(client, batch, since_ms, records)
    batches.drop_replaced(client, ["flow_corrections"], [batch], now_ms)
    if since_ms:
        _drop_journal(client, since_ms - batches.KEPT_MS)
    return records if due else 0


def _fold(client: Client, batch: int, records: int) -> None:
    slices = records // SLICE_ROWS + 1
    for number in range(slices):
        client.command(_FOLD, parameters={"batch": batch, "slices": slices, "slice": number})


def _count(client: Client, batch: int, since_ms: int, records: int) -> None:
    line: dict[str, Any] = {"batch": batch, "since": since_ms, "records": records}
    client.command(_LINE, parameters=line)


def _drop_journal(client: Client, before_ms: int) -> None:
    """Hours of the journal that ended before an instant of the server's clock; a question that reads an older batch still has its own."""
    for (hour,) in client.query(_HOURS, parameters={"before": before_ms}).result_rows:
        client.command(f"ALTER TABLE {JOURNAL} DROP PARTITION ID '{hour}'")


_STANDING: Final = """WITH (SELECT argMax((batch, since, records), batch) FROM flow_batches) AS newest
SELECT newest.1, toUnixTimestamp64Milli(newest.2), newest.3, (SELECT count() FROM flow_journal WHERE inserted_at >= newest.2),
    (SELECT sum(times) FROM flow_records), toUnixTimestamp64Milli(now64(3))"""
_LINE: Final = "INSERT INTO flow_batches SELECT {batch:UInt64}, fromUnixTimestamp64Milli({since:Int64}, 'UTC'), {records:Int64}"
_HOURS: Final = """SELECT DISTINCT partition_id FROM system.parts
WHERE database = currentDatabase() AND table = 'flow_journal' AND active
    AND toDateTime(partition, 'UTC') + toIntervalHour(1) < fromUnixTimestamp64Milli({before:Int64}, 'UTC')"""
_FOLD: Final = """INSERT INTO flow_corrections
WITH told_again AS
(
    SELECT * FROM (SELECT unit FROM flow_records WHERE unit % {slices:UInt64} = {slice:UInt64} ORDER BY unit LIMIT 1, 1000000 BY unit)
    UNION ALL
    SELECT unit FROM flow_records WHERE times > 1 AND unit % {slices:UInt64} = {slice:UInt64}
)
SELECT
    {batch:UInt64}, unit, indicator, component, figure, territory, month, change.1 AS of_year, whole, change.2 AS known_at,
    sum(change.3) AS amount, sum(change.4) AS records
FROM
(
    SELECT
        indicator, component, figure, territory, month, whole, unit, second,
        arraySort(groupArray((ingested_at, version, budget_year, value, silent, times))) AS words,
        arrayFilter((x, n) -> n = 1 OR x.2 > arrayMax(arraySlice(words.2, 1, n - 1)), words, arrayEnumerate(words)) AS ruled,
        arrayMap(x -> (x.3, x.1, -x.4 * x.6, -x.6), arrayFilter(x -> NOT x.5, words)) AS out_with_all,
        arrayMap(x -> (x.3, x.1, x.4, toInt64(1)), arrayFilter(x -> NOT x.5, ruled)) AS in_again,
        arrayMap((x, y) -> (x.3, y.1, -x.4, -toInt64(NOT x.5)), arrayPopBack(ruled), arrayPopFront(ruled)) AS replaced
    FROM
    (
        SELECT
            indicator, component, figure, territory, month, whole, unit, second, ingested_at, budget_year, value, silent, times,
            bitOr(bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 64), toUInt128(9223372036854775807 - offset)) AS version
        FROM flow_records
        PREWHERE unit IN (told_again)
    )
    GROUP BY indicator, component, figure, territory, month, whole, unit, second
)
ARRAY JOIN arrayConcat(out_with_all, in_again, replaced) AS change
GROUP BY unit, indicator, component, figure, territory, month, of_year, whole, known_at
HAVING amount != 0 OR records != 0"""
