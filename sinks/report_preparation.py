"""The closed past of the quality of reports, folded on the sink's schedule.

Tables `report_batches`, `report_states`, `report_starts`. A state says what was known of a unit (one series and period, of one sender)
from one arrival until the next, so that a reader takes the states of its moment and folds nothing. A folding of everything is a base;
between two of them `follow` folds again, every two seconds, all units that were told of since the base: a reader takes the base but for
those, and them from the newest batch. View `board_quality` and the question `quality` fold themselves every unit with a message after the
newest batch: their answer never waits for a turn and is that of a full folding. Besides rows behind the offsets, a new vocabulary makes a
batch wrong, for it decides who owes what, and so does a unit that begins later since its first reports are past their time: whoever
brings that about calls `forget`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks import batches, clickhouse

PREPARED: Final = "report_batches"
STATES: Final = "report_states"
STARTS: Final = "report_starts"
LEAST_ROWS: Final = 10_000
"""Below, folding every report at the question takes no longer than 50 ms."""
NEVER: Final = 10_413_705_600_000
"""31/12/2299 00:00 UTC, epoch ms: beginning of a unit none of whose reports is left."""
AT_ONCE: Final = 500
"""Units changed by one statement."""
LEAST_NEW: Final = 1_000
REST_MS: Final = 3_600_000
"""Everything is folded anew once so many reports came, or some are gone, and the base is so old: 24 foldings a day at 6 processor seconds a
million."""
STANDS_MS: Final = 300_000
"""What a batch names is kept so long after a newer one stands: a question that began with it reads it to the end (`questions.SECONDS`)."""
LINES_MS: Final = 86_400_000
"""Lines of `report_batches` are kept so long: a few a minute while reports come in."""


def forget(client: Client, clock: Callable[[], float] = time.time) -> None:
    """Let no batch count any more, nor one that is being folded now: a newer, empty one stands in its place. Raises ClickHouseError."""
    clickhouse.insert_lines(client, PREPARED, [{"batch": batches.number(int(clock() * 1000)), "base": 0}])


def prepare(client: Client, clock: Callable[[], float] = time.time, least_rows: int = LEAST_ROWS) -> int:
    """Fold everything where it has grown, drop what no question reads any more; returns the reports folded. Raises ClickHouseError."""
    now_ms = int(clock() * 1000)
    base, told_then, told = client.query(_STANDING).result_rows[0]
    changed = told >= told_then + min(LEAST_NEW, least_rows) or told < told_then  # fewer: retention deleted some
    due = told >= least_rows and (told_then == 0 or (changed and base < batches.first(now_ms - REST_MS)))
    if due:
        fold(client, batches.number(now_ms), told)
        client.command(_FORGET_LINES, parameters={"before": batches.first(now_ms - LINES_MS)})
    counting = [int(row[0]) for row in client.query(_COUNTING, parameters={"since": batches.first(now_ms - STANDS_MS)}).result_rows]
    batches.drop_replaced(client, [STATES, STARTS], counting, now_ms, STANDS_MS)
    return int(told) if due else 0


def follow(client: Client, clock: Callable[[], float] = time.time) -> int:
    """Fold again the units that were told of since the base, where a report came after the newest batch; returns how many states they have.
    Raises ClickHouseError."""
    batch = batches.number(int(clock() * 1000))  # before the look at what stands: what is to be forgotten meanwhile counts no more
    base, rows, fresh = client.query(_FRESH).result_rows[0]
    if not base or not fresh:
        return 0
    return _fold(client, batch, int(base), int(rows))


def settle_beginnings(client: Client) -> int:
    """Let every unit begin with the first of its reports that are left, as retention leaves them; returns the number of units changed.

    A unit without a report begins never, and is gone at the next turn: a report on its way may stand in one table only. No batch counts any
    more where one begins anew. Raises ClickHouseError.
    """
    found = [(int(unit), int(said), int(begins)) for unit, said, begins in client.query(_FOUND).result_rows]
    moved = [(unit, begins) for unit, said, begins in found if said != begins]
    gone = [unit for unit, said, begins in found if said == begins]
    for n in range(0, len(moved), AT_ONCE):
        some = moved[n : n + AT_ONCE]
        client.command(_MOVE, parameters={"units": [unit for unit, _ in some], "begins": [begins for _, begins in some]})
    for n in range(0, len(gone), AT_ONCE):
        client.command(_DROP, parameters={"units": gone[n : n + AT_ONCE]})
    if moved:
        forget(client)
    return len(moved) + len(gone)


def fold(client: Client, batch: int, rows: int) -> None:
    """Fold everything: write one batch, then the line that makes it count. Raises ClickHouseError."""
    _fold(client, batch, batch, rows)


def _fold(client: Client, batch: int, base: int, rows: int) -> int:
    """Write a batch, then its line: of everything, or of the units told of since the base. Returns its number of states."""
    marks = client.query(_MARKS).result_rows
    client.command(_FOLD + ("" if base == batch else _SINCE), parameters={"batch": batch, "base": base})
    client.command(_START, parameters={"batch": batch})
    newest = max((at for _, _, at in marks), default=_NONE)
    places, offsets = [int(place) for place, _, _ in marks], [int(offset) for _, offset, _ in marks]
    line = {"batch": batch, "places": places, "offsets": offsets, "rows": rows, "base": base, "newest": newest}
    clickhouse.insert_lines(client, PREPARED, [line])
    written = client.query("SELECT count() FROM report_states WHERE batch = {batch:UInt64}", parameters={"batch": batch})
    return int(written.result_rows[0][0])


_NONE: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MARKS: Final = "SELECT cityHash64(topic, partition), max(offset), max(received_at) FROM reports GROUP BY topic, partition"
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
_STANDING: Final = "SELECT argMax(base, batch), argMax(rows, batch), (SELECT count() FROM reports) FROM report_batches"
_FRESH: Final = """WITH (SELECT argMax((base, rows, places, offsets), batch) FROM report_batches) AS newest
SELECT
    newest.1, newest.2,
    (SELECT count() FROM reports WHERE offset > transform(cityHash64(topic, partition), newest.3, newest.4, toInt64(-1)))"""
_COUNTING: Final = """SELECT DISTINCT arrayJoin([batch, base]) FROM report_batches
WHERE batch >= (SELECT max(batch) FROM report_batches WHERE batch <= {since:UInt64})"""
_FORGET_LINES: Final = "ALTER TABLE report_batches DELETE WHERE batch < {before:UInt64} SETTINGS mutations_sync = 1"
_COLUMNS: Final = """indicator, component, figure, period_type, period_start, period_end, series_hash, unit, territory, area, sender,
    known_from, known_until, live, second_sources, first_at, begins_at, duplicates, revised, has_change, change"""
_FOLD: Final = f"""INSERT INTO report_states (batch, due_at, {_COLUMNS})
SELECT {{batch:UInt64}}, d.due, {_COLUMNS}
FROM report_histories
LEFT JOIN
(
    SELECT indicator, component, period_type, period_start, area, '' AS sender, max(due_at) AS due FROM report_debts
    GROUP BY indicator, component, period_type, period_start, area
) AS d USING (indicator, component, period_type, period_start, area, sender)"""
_SINCE: Final = """
WHERE unit IN
(
    WITH (SELECT argMax((places, offsets, newest), batch) FROM report_batches WHERE batch = {base:UInt64}) AS closed
    SELECT cityHash64(series_hash, period_start) FROM reports
    WHERE offset > transform(cityHash64(topic, partition), closed.1, closed.2, toInt64(-1))
        OR series_hash IN
        (
            SELECT series_hash FROM reports
            WHERE offset > transform(cityHash64(topic, partition), closed.1, closed.2, toInt64(-1)) AND received_at < closed.3
        )
)"""
_START: Final = """INSERT INTO report_starts (batch, indicator, component, period_type, area, begins)
SELECT {batch:UInt64}, indicator, component, period_type, area, groupArray(begins_at)
FROM report_beginnings
GROUP BY indicator, component, period_type, area"""
