"""The closed past of the question `known`, folded on a schedule in a thread of the sink's process.

Tables `known_batches`, `known_steps`, `known_hours`. Of a large figure (`LEAST_ROWS` rows and more) every record is folded into steps:
its first version adds, a version that takes over adds the difference. The sum of the steps up to a moment is what was known then; whole
hours are added up beforehand. The question folds itself every record with a message after the batch's offsets, so its answer never waits
for a turn and is that of a full folding. Rows that come in behind a batch's offsets (a repair, a topic made anew) make it wrong: whoever
lets them in calls `forget`, after which no batch that began before counts: a line of `known_batches` without a figure says since when.
Readings of an instant are left out: nobody adds them up. Of reports: sinks/report_preparation.py; of what the board adds up of all flows at
once, and why that is a form of its own: sinks/flow_preparation.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import structlog
from clickhouse_connect.driver.client import Client

from sinks import batches, clickhouse, flow_preparation, report_preparation
from transport.settings import Settings

PREPARED: Final = "known_batches"
LEAST_ROWS: Final = 100_000
"""Below, folding every record at the question takes no longer than 50 ms."""
LEAST_NEW: Final = 50_000
REST_MS: Final = 6 * 3_600_000
"""A figure is folded anew once it has grown by LEAST_NEW rows and its batch is so old: four foldings a day at 1.6 processor seconds a
million rows, however fast it grows."""
SLICE_ROWS: Final = 4_000_000
"""Rows folded by one statement: bounds its memory (about 500 MB)."""
FOLLOW_SECONDS: Final = 2.0
"""Between two looks at the reports: their quality is asked as they come in, and takes three times as long until they are folded."""
REST: Final = 6
"""A look that took long is followed by a pause so many times as long: however they come in, a seventh of a processor folds reports."""
FIRST_SECONDS: Final = 60.0
EVERY_SECONDS: Final = 600.0
"""Between two turns over everything; the first when a start has caught up."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure that is worth folding: its rows, the one topic they came by, and whether it is made of events."""

    indicator: str
    component: str
    figure: str
    topic: str
    rows: int
    by_month: bool


def forget(client: Client, clock: Callable[[], float] = time.time) -> None:
    """Let no batch count any more, nor one that is being folded now, neither here nor of reports: questions fold everything until the next
    turn. Raises ClickHouseError."""
    _count(client, Figure("", "", "", "", 0, by_month=False), batches.number(int(clock() * 1000)), [], [])
    report_preparation.forget(client, clock)
    flow_preparation.forget(client, clock)


def prepare(client: Client, clock: Callable[[], float] = time.time, least_rows: int = LEAST_ROWS) -> list[Figure]:
    """Drop the batches that were replaced, fold the figures that have grown; returns what was folded. Raises ClickHouseError."""
    now_ms = int(clock() * 1000)
    # What this turn replaces goes with the next: a question that began with it reads it to the end.
    counting = [int(row[0]) for row in client.query(f"SELECT batch FROM {PREPARED} FINAL WHERE {_COUNTS}").result_rows]
    batches.drop_replaced(client, ("known_steps", "known_hours"), counting, now_ms)
    asked = {"least": least_rows, "new": min(LEAST_NEW, least_rows), "before": batches.first(now_ms - REST_MS)}
    due = [Figure(*row) for row in client.query(_DUE, parameters=asked).result_rows]
    for one in due:
        fold(client, one, batches.number(now_ms))
    return due


def fold(client: Client, one: Figure, batch: int) -> None:
    """Write one batch, then the line that makes it count. Raises ClickHouseError."""
    named: dict[str, Any] = {"indicator": one.indicator, "component": one.component, "figure": one.figure, "topic": one.topic}
    marks = client.query(_MARKS, parameters=named).result_rows
    partitions, offsets = [int(p) for p, _ in marks], [int(o) for _, o in marks]
    slices = one.rows // SLICE_ROWS + 1
    bound = named | {"batch": batch, "by_month": one.by_month, "partitions": partitions, "offsets": offsets, "slices": slices}
    for number in range(slices):
        client.command(_FOLD, parameters=bound | {"slice": number})
    client.command(_HOURS, parameters={"batch": batch})
    _count(client, one, batch, partitions, offsets)


def _count(client: Client, one: Figure, batch: int, partitions: list[int], offsets: list[int]) -> None:
    clickhouse.insert_lines(client, PREPARED, [asdict(one) | {"batch": batch, "partitions": partitions, "offsets": offsets}])


def turn(client: Client) -> None:
    """Prepare whatever questions and pages read prepared, where it is due. Raises ClickHouseError."""
    for one in prepare(client):
        log.info("sink.prepared", indicator=one.indicator, component=one.component, figure=one.figure, rows=one.rows)
    if begun := report_preparation.settle_beginnings(client):
        log.info("sink.beginnings_settled", units=begun)
    prepare_reports(client)
    if records := flow_preparation.prepare(client):
        log.info("sink.prepared", flow_records=records)


def prepare_reports(client: Client) -> None:
    """Prepare what is asked of reports, or let it follow those that came since. Raises ClickHouseError."""
    if told := report_preparation.prepare(client):
        log.info("sink.prepared", reports=told)
    elif states := report_preparation.follow(client):
        log.debug("sink.followed", states=states)


class Preparation(threading.Thread):
    """Takes such a turn every `EVERY_SECONDS` until `stop` is set, and one over the reports alone every `FOLLOW_SECONDS`, or later after a
    long one."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        super().__init__(name="preparation", daemon=True)
        self._settings, self._stopped = settings, stop
        self._next_turn = time.monotonic() + FIRST_SECONDS

    def run(self) -> None:
        """Prepare, wait, prepare again."""
        while not self._stopped.wait(FOLLOW_SECONDS):
            try:
                with clickhouse.connected(self._settings) as client:
                    self._prepare(client)
            except Exception as error:  # the thread's boundary: without a batch questions are slower, never wrong; tried again next turn
                log.warning("sink.not_prepared", why=type(error).__name__)

    def _prepare(self, client: Client) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            began = time.monotonic()
            if began < self._next_turn:
                prepare_reports(client)
            else:
                self._next_turn = began + EVERY_SECONDS
                turn(client)
            pause = max(FOLLOW_SECONDS, REST * (time.monotonic() - began))


_COUNTS: Final = "batch > (SELECT max(batch) FROM known_batches WHERE indicator = '')"
_DUE: Final = f"""SELECT o.indicator, o.component, o.figure, o.name, o.told,
    o.figure = 'actual' AND (o.indicator, o.component) IN (SELECT indicator, component FROM series_specs WHERE fold = 'event') AS is_event
FROM
(
    SELECT indicator, component, figure, any(topic) AS name, count() AS told
    FROM observations
    GROUP BY indicator, component, figure
    HAVING told >= {{least:UInt64}} AND min(topic) = max(topic) AND countIf(period_type = 'instant') = 0
) AS o
LEFT JOIN (SELECT * FROM known_batches FINAL WHERE {_COUNTS}) AS b
    ON b.indicator = o.indicator AND b.component = o.component AND b.figure = o.figure
WHERE b.batch = 0 OR b.by_month != is_event OR b.topic != o.name
    OR (b.batch < {{before:UInt64}} AND (o.told >= b.rows + {{new:UInt64}} OR o.told < b.rows))"""
_MARKS: Final = """SELECT partition, max(offset) FROM observations
WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String} AND topic = {topic:String}
GROUP BY partition ORDER BY partition"""
_FOLD: Final = """INSERT INTO known_steps
WITH
    told AS
    (
        SELECT
            budget_year, territory, ingested_at, ifNull(value, 0) AS amount, multiIf(status = 'deleted', 0, isNull(value), 1, 2) AS state,
            revision, offset, series, source_system, source_record_id, cityHash64(source_system, source_record_id) AS unit,
            if({by_month:Bool}, toDateTime64(toStartOfMonth(toTimeZone(period_start, 'Asia/Ho_Chi_Minh')), 3, 'Asia/Ho_Chi_Minh'),
                period_start) AS period
        FROM observations
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String} AND topic = {topic:String}
            AND offset <= transform(partition, {partitions:Array(Int32)}, {offsets:Array(Int64)}, toInt64(-1))
            AND cityHash64(source_system, source_record_id) % {slices:UInt64} = {slice:UInt64}
    ),
    again AS (SELECT unit FROM told GROUP BY unit HAVING count() > 1)
SELECT {indicator:String}, {component:String}, {figure:String}, {batch:UInt64}, ingested_at, [0, budget_year], territory, period,
    if(state = 2, amount, toDecimal128(0, 6)), toInt64(state = 2), toInt64(state > 0)
FROM told
WHERE unit NOT IN (SELECT unit FROM again)
UNION ALL
SELECT {indicator:String}, {component:String}, {figure:String}, {batch:UInt64}, since, [of_year], territory, period, more, more_valued,
    more_live
FROM
(
    SELECT
        of_year, territory, period, arraySort(groupUniqArray((ingested_at, version, amount, state))) AS sent,
        arrayFilter((x, n) -> n = 1 OR x.2 > arrayMax(arraySlice(sent.2, 1, n - 1)), sent, arrayEnumerate(sent)) AS ruled,
        arrayMap(x -> if(x.4 = 2, x.3, toDecimal128(0, 6)), ruled) AS amounts,
        arrayMap(x -> toInt64(x.4 = 2), ruled) AS values, arrayMap(x -> toInt64(x.4 > 0), ruled) AS lives
    FROM
    (
        SELECT
            arrayJoin([0, budget_year]) AS of_year, territory, period, ingested_at, amount, state,
            bitOr(bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 64), toUInt128(9223372036854775807 - offset)) AS version,
            sipHash128(series, source_system, source_record_id) AS record
        FROM told
        WHERE unit IN (SELECT unit FROM again)
    )
    GROUP BY of_year, territory, period, record
)
ARRAY JOIN
    ruled.1 AS since, arrayMap((x, y) -> x - y, amounts, arrayPopBack(arrayPushFront(amounts, toDecimal128(0, 6)))) AS more,
    arrayMap((x, y) -> x - y, values, arrayPopBack(arrayPushFront(values, toInt64(0)))) AS more_valued,
    arrayMap((x, y) -> x - y, lives, arrayPopBack(arrayPushFront(lives, toInt64(0)))) AS more_live"""
_HOURS: Final = """INSERT INTO known_hours
SELECT indicator, component, figure, batch, budget_year, intDiv(toUnixTimestamp64Milli(known_at), 3600000) AS hour, territory, period,
    sum(amount), sum(valued), sum(live)
FROM known_steps ARRAY JOIN years AS budget_year
WHERE batch = {batch:UInt64}
GROUP BY indicator, component, figure, batch, budget_year, hour, territory, period"""
