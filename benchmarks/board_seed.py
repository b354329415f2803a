"""Rows for the board's measurement, made inside ClickHouse: a country's stations, taxes, treasury, trade, beds, results and alerts.

Shape: `rows` observations first, 85 of 100 from stations (a reading in 10 minutes, two quantities), the rest taxes, treasury entries, beds
with restricted access and monthly reported values; of all but the readings one in twenty is told again. Folds, results and alerts beside
them in the numbers such a load leaves. All generated:
the values say nothing about any real place. `END` is the present of the measurement: nothing depends on the day it is run.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from clickhouse_connect.driver.client import Client

END: Final = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)
END_MS: Final = int(END.timestamp() * 1000)
STATIONS: Final = 2_000
STATION_SHARE: Final = 0.85
SECONDS: Final = 600
AMENDED_IN: Final = 20
"""Of so many entries one is amended; so many statements, each over a share of them."""
_AT: Final = f"toDateTime64({END_MS // 1000}, 3, 'UTC')"
_PROVINCE: Final = "(SELECT groupArray(code) FROM (SELECT code FROM territories WHERE kind = 'province' ORDER BY code))"
_MONTH_START: Final = "toDateTime64(addMonths(toDateTime('2024-12-31 17:00:00', 'UTC'), {month}), 3, 'UTC')"
MERGES_SECONDS: Final = 300.0
_BLOCK: Final = 250_000
"""Rows of one statement: bounds the engine's memory and the wait for its answer."""


def plant(client: Client, rows: int) -> dict[str, int]:
    """Fill an empty, migrated database; table → rows. Raises ClickHouseError."""
    for statement in statements(rows):
        client.command(statement, settings={"max_execution_time": 600, "max_partitions_per_insert_block": 0})
    _await_merges(client)
    tables = ("observations", "value_latest", "panes", "aggregates", "aggregate_latest", "derived", "alert_events", "notifications")
    return {name: int(client.query(f"SELECT count() FROM {name}").result_rows[0][0]) for name in tables}


def _await_merges(client: Client) -> None:
    """Until what was inserted is merged, or for MERGES_SECONDS: a database that has stood for a day merges little."""
    ends = time.monotonic() + MERGES_SECONDS
    while time.monotonic() < ends and client.query("SELECT count() FROM system.merges").result_rows[0][0]:
        time.sleep(1.0)


def statements(rows: int) -> list[str]:
    """Every insert in order."""
    readings = max(int(rows * STATION_SHARE), STATIONS)
    found = [_readings(start, min(_BLOCK, readings - start), readings // STATIONS or 1) for start in range(0, readings, _BLOCK)]
    rest = rows - readings
    found += [_entries(start, min(_BLOCK, rest - start)) for start in range(0, rest, _BLOCK)]
    found += [_told_again(number) for number in range(AMENDED_IN)]
    hours = max(readings // STATIONS // 6, 1)
    folds = [part for whole in (*_panes(hours), _aggregates(readings // 20)) for part in _blocks(whole)]
    return [*found, _stations(), *folds, *_derived(), *_alerts()]


def _blocks(whole: str) -> list[str]:
    """A statement over `numbers(@all N)` as statements of _BLOCK rows."""
    text, count = whole.rsplit("@all ", 1)[0], int(whole.rsplit("@all ", 1)[1].rstrip(")"))
    return [f"{text}{start}, {min(_BLOCK, count - start)})" for start in range(0, count, _BLOCK)]


def _readings(start: int, count: int, each: int) -> str:
    """Station readings: rain and river level in turns; a station's readings are `each` steps of ten minutes back from END."""
    return f"""INSERT INTO observations (topic, partition, offset, appended, series, indicator, concept, component, territory, subject_type,
        subject_id, figure, period_type, measure_unit, status, value, period_start, period_end, event_time, ingested_at, source_record_id,
        source_system, provider, budget_year)
    WITH {_PROVINCE} AS provinces, number % {STATIONS} AS station, intDiv(number, {STATIONS}) % {each} AS step,
        provinces[station % length(provinces) + 1] AS place, concat('ST', leftPad(toString(station), 5, '0')) AS name,
        if(station % 2 = 0, 'river_level', 'rain') AS part, {_AT} - toIntervalSecond(step * {SECONDS}) AS at
    SELECT 'obs.emergency', station % 8, number, at + 1, concat('vn-1012/D.1|', part, '|', place, '|station:', name, '||actual'),
        'vn-1012/D.1', part, part, place, 'station', name, 'actual', 'instant', if(part = 'rain', 'mm', 'm'), 'official',
        toDecimal128(if(part = 'rain', number % 7 = 0 ? 1.2 : 0, 3 + (number % 900) / 100), 6), at, at, at, at + 1,
        concat(name, '-', toString(step)), 'hydromet', 'NHMF', 2026
    FROM numbers({start}, {count})"""


def _entries(start: int, count: int) -> str:
    """Taxes, treasury entries, beds (restricted) and monthly reported values."""
    return f"""INSERT INTO observations (topic, partition, offset, appended, series, indicator, component, territory, subject_type,
        subject_id,
        dimensions, figure, period_type, measure_unit, status, value, period_start, period_end, event_time, ingested_at, source_record_id,
        source_system, provider, budget_year, access_level)
    WITH {_PROVINCE} AS provinces, provinces[number % length(provinces) + 1] AS place, number % 20 AS lot, intDiv(number, 20) % 660 AS day,
        multiIf(lot < 12, 'vn-1012/A.II.4', lot < 18, 'vn-1012/A.II.3', lot < 19, 'guide-7146/T14.ICU', concat('vn-1012/A.I.',
        toString(number % 12 + 1)))
            AS name, multiIf(lot < 12, '', lot < 18, concat('DA', toString(number % 680)), lot < 19, concat('BV',
        toString(number % 500)), '') AS subject,
        multiIf(lot < 12 OR lot = 19, '', lot < 18, 'project', 'hospital') AS kind, if(lot = 18, 'occupied', '') AS part,
        toDateTime64(toDateTime('2024-12-31 17:00:00', 'UTC') + toIntervalDay(day), 3, 'UTC') AS at,
        if(lot < 12, [('tax_type', concat('t', toString(number % 6))), ('sector', concat('s', toString(number % 20)))], []) AS parts,
        if(lot = 19, {_MONTH_START.format(month="toInt32(intDiv(number, 20) % 22)")}, at) AS start
    SELECT if(lot < 18, 'obs.finance_budget', 'obs.emergency'), number % 8, number, at + 1,
        concat(name, '|', part, '|', place, '|', if(kind = '', '', concat(kind, ':', subject)), '|',
            if(empty(parts), '', concat('sector=s', toString(number % 20), ';tax_type=t', toString(number % 6))), '|actual'),
        name, part, place, kind, subject, parts, 'actual', if(lot = 19, 'month', 'day'), multiIf(lot < 18, 'VND', lot < 19, 'bed',
        'percent'), 'official',
        toDecimal128(number % 9973 + 1, 6), start, start + toIntervalDay(1), at, at + 1, concat('r', toString(number)), 'tabmis', 'MOF',
        toInt32(toYear(at + toIntervalHour(7))), if(lot = 18 AND number % 3 = 0, 5, 0)
    FROM numbers({start}, {count})"""


def _told_again(share: int) -> str:
    """The amendments of one share of the entries, a day after the first word."""
    lot = f"cityHash64(source_record_id) % {AMENDED_IN * AMENDED_IN} = {share}"
    return f"""INSERT INTO observations
    SELECT * REPLACE (offset + 1000000000 AS offset, revision + 1 AS revision, 'revised' AS status, value + 1 AS value,
        least(ingested_at + toIntervalDay(1), {_AT}) AS ingested_at)
    FROM (SELECT * FROM observations WHERE source_system = 'tabmis' AND revision = 0 AND {lot})"""


def _stations() -> str:
    return f"""INSERT INTO subjects (type, id, name_vi, name_en, territory, agency, lon, lat, limits, origin)
    WITH {_PROVINCE} AS provinces
    SELECT 'station', concat('ST', leftPad(toString(number), 5, '0')), concat('Trạm số ', toString(number)), '',
        provinces[number % length(provinces) + 1], 'MAE', 103 + (number % 60) / 10, 9 + (number % 130) / 10,
        [('bd1', toDecimal128(9.5, 6)), ('bd2', toDecimal128(10.5, 6)), ('bd3', toDecimal128(11.5, 6))],
        'generated' FROM numbers({STATIONS})"""


def _panes(hours: int) -> list[str]:
    """Folds: hours and days of stations, months of the flows in three states each (compacted later by merges)."""
    head = """INSERT INTO panes (topic, partition, offset, appended, series, kind, pane, budget_year, status, count, sum, last, last_time,
        through)"""
    station = f"""{head} WITH {_PROVINCE} AS provinces, number % {STATIONS} AS station, intDiv(number, {STATIONS}) AS step
    SELECT 'panes.emergency', 0, number, {_AT}, concat('vn-1012/D.1|', if(station % 2 = 0, 'river_level', 'rain'), '|',
        provinces[station % length(provinces) + 1], '|station:ST', leftPad(toString(station), 5, '0'), '||actual'), 'hour',
        intDiv({END_MS // 1000}, 3600) - step, 0, 'official', 6, toDecimal128(7, 6), toDecimal128(3, 6), {_AT}, number
    FROM numbers(@all {STATIONS * hours})"""
    flows = f"""{head} WITH {_PROVINCE} AS provinces, number % 4000 AS one, intDiv(number, 4000) % 22 AS month,
        provinces[one % length(provinces) + 1] AS place,
        multiIf(one < 2200, concat('vn-1012/A.II.4||', place, '||sector=s', toString(one % 20), ';tax_type=t', toString(intDiv(one,
        340)), '|actual'),
            one < 2900, concat('vn-1012/A.II.3||', place, '|project:DA', toString(one), '||actual'),
            concat('vn-1012/A.II.5|', if(one % 2 = 0, 'export', 'import'), '|', place, '||channel=g;hs2=', toString(intDiv(one,
        68)), ';market=US|actual')) AS key
    SELECT 'panes.finance_budget', 0, number, {_AT}, key, 'month', (2025 - 1970) * 12 + month, if(month < 12, 2025, 2026), 'official', 30,
        toDecimal128(number % 9973 + 1, 6) * 1000000000, toDecimal128(1, 6),
        {_MONTH_START.format(month="toInt32(month)")} + toIntervalDay(27), number
    FROM numbers(@all {4000 * 22 * 3})"""
    days = flows.replace("'month', (2025 - 1970) * 12 + month", "'day', 20089 + month * 16 + number % 16")
    days = days.replace(f"@all {4000 * 22 * 3}", f"@all {4000 * 22 * 16}")
    return [station, flows, days]


def _aggregates(count: int) -> str:
    return f"""INSERT INTO aggregates (topic, partition, offset, appended, series, h24_sum, h24_max, h1_sum, latest, latest_time, through)
    WITH {_PROVINCE} AS provinces, number % {STATIONS} AS station, {_AT} - toIntervalMinute(intDiv({count} - number, {STATIONS})) AS at
    SELECT 'agg.emergency', 0, number, at, concat('vn-1012/D.1|', if(station % 2 = 0, 'river_level', 'rain'), '|',
        provinces[station % length(provinces) + 1],
        '|station:ST', leftPad(toString(station), 5, '0'), '||actual'), toDecimal128(number % 120, 6), toDecimal128(9, 6),
        toDecimal128(2, 6),
        toDecimal128(3 + number % 8, 6), at, number FROM numbers(@all {count})"""


def _derived() -> list[str]:
    """Disbursement of the provinces by month,
        each result in forty states; sums over dimensions; revenue; the country from its provinces."""
    head = """INSERT INTO derived (topic, partition, offset, appended, result, formula, kind, indicator, territory, measure_unit,
        period_type,
        period_start, period_end, budget_year, status, value, numerator, denominator, operands, event_time, through)"""
    body = f"""{head} WITH {_PROVINCE} AS provinces, number % 34 AS unit, intDiv(number, 34) % 22 AS month, intDiv(number, 748) AS state,
        provinces[unit % length(provinces) + 1] AS place, {_MONTH_START.format(month="toInt32(month)")} AS start, if(month < 12,
        2025, 2026) AS year
    SELECT 'derived.finance_budget', 0, number, least(start + toIntervalHour(state * 16), {_AT}), concat('@formula|', place, '|||',
        toString(year)),
        '@formula', '@kind', '@indicator', place, '@unit', 'month', start, start + toIntervalDay(30), year, 'official',
        toDecimal128((month % 12 + 1) * 7 - unit % 9, 6), toDecimal128(1000 + month * 70, 6) * 1000000000, toDecimal128(10000,
        6) * 1000000000,
        [('disbursed', concat('vn-1012/A.II.3||', place, '|||actual'), 'panes.finance_budget', 0, 0, number, toDecimal128(1, 6))],
        start + toIntervalDay(27), number FROM numbers(34 * 22 * @states)"""
    made = (
        ("F02.province", "ratio", "guide-7146/F02", "percent", "40"),
        ("F01.province", "ratio", "guide-7146/F01", "percent", "40"),
        ("F02.rank", "rank", "guide-7146/F02", "place", "40"),
        ("SET.vn-1012/A.II.4", "sum", "vn-1012/A.II.4", "VND", "200"),
    )
    found = []
    for formula, kind, indicator, unit, states in made:
        text = body
        for name, value in (("formula", formula), ("kind", kind), ("indicator", indicator), ("unit", unit), ("states", states)):
            text = text.replace(f"@{name}", value)
        found.append(text)
    return found


def _alerts() -> list[str]:
    """Forty alerts with five events each, and who was told."""
    columns = """topic, partition, offset, appended, event_id, alert_id, sequence, transition, condition, attention, title_vi,
        text_vi, title_en,
        recorded_at, opened_at, rule, series, indicator, territory, agency, measure_unit, severity, value, limit, gap, event_time,
        budget_year"""
    rows = f"""WITH {_PROVINCE} AS provinces, number % 40 AS one, provinces[one % length(provinces) + 1] AS place
    SELECT 'alerts.events', 0, number, {_AT}, concat('e', toString(number)), concat('a', toString(one)), intDiv(number, 40) + 1,
        if(number < 40, 'opened', 'worse'), 'active', if(one % 3 = 0, 'acknowledged', 'unacknowledged'), concat('Cảnh báo số ',
        toString(one)), 'Nội dung', '',
        {_AT} - toIntervalHour(40 - intDiv(number, 40)), {_AT} - toIntervalHour(50), 'GN-DTC-CHAM-KE-HOACH',
        concat('guide-7146/F02||', place, '|||actual'), 'guide-7146/F02', place, 'MOF', 'percent', one % 4 + 1, toDecimal128(42, 6),
        toDecimal128(60, 6), toDecimal128(18, 6), {_AT}, 2026 FROM numbers(200)"""
    told = f"""INSERT INTO notifications (topic, partition, offset, appended, part, notification_key, alert_id, event_id, state,
        channel, recipient, rule,
        severity, transition, changed_at, requested_at)
    SELECT 'alerts.results', 0, number, {_AT}, 'result', concat('n', toString(number)), concat('a', toString(number % 40)),
        concat('e', toString(number % 200)),
        'handed_over', 'email', 'chair_province@31', 'GN-DTC-CHAM-KE-HOACH', 3, 'opened', {_AT}, {_AT} FROM numbers(2000)"""
    return [f"INSERT INTO {table} ({columns}) {rows}" for table in ("alert_events", "alert_current")] + [told]
