-- Totals of flows as they were known at a moment, without folding every record for every question. Most records are told once: their sums by day
-- of arrival stand in `flow_arrivals`; what is told again (revised, taken back, sent twice) is found in `flow_records` by its unit alone and folded
-- for itself. A unit is one record of a source for one period of one series.
CREATE TABLE IF NOT EXISTS flow_records
(
    unit UInt64 COMMENT 'hash of series, period and record: those of two units fall together once in 10^6 tables of 3 million units',
    second UInt64 COMMENT 'another hash of the same: units that fall together are told apart where they are folded',
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    territory LowCardinality(String),
    month Int64 COMMENT 'months since 1970 in Vietnam',
    budget_year Int32,
    whole Bool COMMENT 'reported as a total: neither subject nor dimensions',
    silent Bool COMMENT 'taken back, or without a value',
    value Decimal(38, 6) COMMENT '0 where silent',
    event_time DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC'),
    revision Int32,
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    times SimpleAggregateFunction(sum, Int64) COMMENT 'how often the same word came in: so often it is in the sums'
)
ENGINE = AggregatingMergeTree
PRIMARY KEY (unit, topic, partition, offset)
ORDER BY (unit, topic, partition, offset, second, indicator, component, figure, territory, month, budget_year, whole, silent, value, event_time, ingested_at, revision)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS flow_arrivals
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    budget_year Int32,
    month Int64,
    territory LowCardinality(String),
    whole Bool,
    day Date COMMENT 'of arrival, UTC',
    amount SimpleAggregateFunction(sum, Decimal(38, 6)),
    records SimpleAggregateFunction(sum, Int64),
    newest_event SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (indicator, component, figure, budget_year, month, territory, whole, day)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_arrivals_feed TO flow_arrivals AS
SELECT
    indicator, component, figure, budget_year, month, territory, whole, toDate(ingested_at, 'UTC') AS day,
    sum(value * times) AS amount, sum(times) AS records, max(event_time) AS newest_event
FROM flow_records
WHERE NOT silent
GROUP BY indicator, component, figure, budget_year, month, territory, whole, day;

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_records_feed TO flow_records AS
SELECT
    cityHash64(series, period_type, period_start, source_system, source_record_id) AS unit,
    sipHash64(series, period_type, period_start, source_system, source_record_id) AS second, indicator, component, figure, territory,
    toInt64(dateDiff('month', toDateTime('1970-01-01 00:00:00', 'Asia/Ho_Chi_Minh'), toTimeZone(period_start, 'Asia/Ho_Chi_Minh'))) AS month,
    budget_year, splitByChar('|', series)[4] = '' AND splitByChar('|', series)[5] = '' AS whole, status = 'deleted' OR observations.value IS NULL AS silent,
    if(silent, toDecimal128(0, 6), toDecimal128(coalesce(observations.value, 0), 6)) AS value,
    event_time, ingested_at, revision, topic, partition, offset, toInt64(1) AS times
FROM observations
WHERE figure = 'actual' AND subject_type != 'station';

-- What was there before the feeds; the sums follow from the records. Emptied first: a sum must not be taken twice when a migration that was cut
-- short runs again.
TRUNCATE TABLE flow_arrivals;

TRUNCATE TABLE flow_records;

INSERT INTO flow_records
SELECT
    cityHash64(series, period_type, period_start, source_system, source_record_id) AS unit,
    sipHash64(series, period_type, period_start, source_system, source_record_id) AS second, indicator, component, figure, territory,
    toInt64(dateDiff('month', toDateTime('1970-01-01 00:00:00', 'Asia/Ho_Chi_Minh'), toTimeZone(period_start, 'Asia/Ho_Chi_Minh'))) AS month,
    budget_year, splitByChar('|', series)[4] = '' AND splitByChar('|', series)[5] = '' AS whole, status = 'deleted' OR observations.value IS NULL AS silent,
    if(silent, toDecimal128(0, 6), toDecimal128(coalesce(observations.value, 0), 6)) AS value,
    event_time, ingested_at, revision, topic, partition, offset, toInt64(1) AS times
FROM observations FINAL
WHERE figure = 'actual' AND subject_type != 'station';

-- As before (0010), of periods from the month of `since` on. `newest`: the newest event told of by then, also where a later word took it back. In
-- order: days of arrival that were over; the day of the moment; out with every word of what was told again; in with its last word by then.
CREATE OR REPLACE VIEW board_known_totals AS
WITH told_again AS
(
    SELECT * FROM (SELECT unit FROM flow_records ORDER BY unit LIMIT 1, 1000000 BY unit)
    UNION ALL
    SELECT unit FROM flow_records WHERE times > 1
)
SELECT
    indicator, component, figure, territory, month, budget_year,
    if(sumIf(records, whole) > 0, sumIf(amount, whole), sum(amount)) AS total, max(newest_event) AS newest
FROM
(
    SELECT indicator, component, figure, territory, month, budget_year, whole, amount, records, newest_event
    FROM flow_arrivals
    WHERE day < toDate({moment:DateTime64(3, 'UTC')}, 'UTC')
    UNION ALL
    SELECT
        indicator, component, figure, territory, month, budget_year, whole, value * times AS amount, times AS records,
        event_time AS newest_event
    FROM flow_records
    WHERE ingested_at >= toStartOfDay({moment:DateTime64(3, 'UTC')}) AND ingested_at <= {moment:DateTime64(3, 'UTC')} AND NOT silent
    UNION ALL
    SELECT
        indicator, component, figure, territory, month, budget_year, whole, -value * times AS amount, -times AS records,
        event_time AS newest_event
    FROM flow_records
    WHERE unit IN (told_again) AND ingested_at <= {moment:DateTime64(3, 'UTC')} AND NOT silent
    UNION ALL
    SELECT
        indicator, component, figure, territory, month, last_word.1 AS budget_year, whole, last_word.2 AS amount,
        toInt64(1) AS records, last_word.3 AS newest_event
    FROM
    (
        SELECT
            indicator, component, figure, territory, month, whole, unit, second,
            argMax((budget_year, value, event_time, silent), (revision, -offset)) AS last_word
        FROM flow_records
        WHERE unit IN (told_again) AND ingested_at <= {moment:DateTime64(3, 'UTC')}
        GROUP BY indicator, component, figure, territory, month, whole, unit, second
    )
    WHERE NOT last_word.4
)
WHERE (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow' AND fold = 'event')
    AND figure = 'actual'
    AND month >= dateDiff('month', toDateTime('1970-01-01 00:00:00', 'Asia/Ho_Chi_Minh'), toTimeZone({since:DateTime64(3, 'UTC')}, 'Asia/Ho_Chi_Minh'))
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
    AND indicator NOT IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
GROUP BY indicator, component, figure, territory, month, budget_year
HAVING sum(records) > 0;
