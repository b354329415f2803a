-- What the policy of retention deletes of `observations` goes here too (sinks/retention.py): figures of whole territories by their arrival, flows by
-- record and by day by the day of their arrival, so that a sum loses a record on the day on which the record is gone. Emptied and filled anew from
-- where the policy holds already: what is gone there goes here as well.
DROP VIEW IF EXISTS territory_values_feed;

ALTER TABLE territory_values ADD COLUMN IF NOT EXISTS ingested_at DateTime64(3, 'UTC');

CREATE MATERIALIZED VIEW IF NOT EXISTS territory_values_feed TO territory_values AS
SELECT
    territory, figure, indicator, component, period_type, period_start, period_end, budget_year, measure_unit, access_level, status, value, provider,
    event_time, revision,
    bitOr(bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 64), toUInt128(9223372036854775807 - offset)) AS version, ingested_at
FROM observations
WHERE period_type != 'instant' AND subject_id = '' AND empty(dimensions);

TRUNCATE TABLE territory_values;

INSERT INTO territory_values
SELECT
    territory, figure, indicator, component, period_type, period_start, period_end, budget_year, measure_unit, access_level, status, value, provider,
    event_time, revision, version, ingested_at
FROM value_latest
WHERE subject_id = '' AND empty(dimensions);

DROP VIEW IF EXISTS flow_records_feed;

DROP VIEW IF EXISTS flow_arrivals_feed;

ALTER TABLE flow_records ADD COLUMN IF NOT EXISTS access_level Int32;

ALTER TABLE flow_arrivals
    ADD COLUMN IF NOT EXISTS access_level Int32,
    MODIFY ORDER BY (indicator, component, figure, budget_year, month, territory, whole, day, access_level);

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_arrivals_feed TO flow_arrivals AS
SELECT
    indicator, component, figure, budget_year, month, territory, whole, toDate(ingested_at, 'UTC') AS day,
    sum(value * times) AS amount, sum(times) AS records, max(event_time) AS newest_event, access_level
FROM flow_records
WHERE NOT silent
GROUP BY indicator, component, figure, budget_year, month, territory, whole, day, access_level;

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_records_feed TO flow_records AS
SELECT
    cityHash64(series, period_type, period_start, source_system, source_record_id) AS unit,
    sipHash64(series, period_type, period_start, source_system, source_record_id) AS second, indicator, component, figure, territory,
    toInt64(dateDiff('month', toDateTime('1970-01-01 00:00:00', 'Asia/Ho_Chi_Minh'), toTimeZone(period_start, 'Asia/Ho_Chi_Minh'))) AS month,
    budget_year, splitByChar('|', series)[4] = '' AND splitByChar('|', series)[5] = '' AS whole, status = 'deleted' OR observations.value IS NULL AS silent,
    if(silent, toDecimal128(0, 6), toDecimal128(coalesce(observations.value, 0), 6)) AS value,
    event_time, ingested_at, revision, topic, partition, offset, toInt64(1) AS times, access_level
FROM observations
WHERE figure = 'actual' AND subject_type != 'station';

TRUNCATE TABLE flow_arrivals;

TRUNCATE TABLE flow_records;

INSERT INTO flow_records
SELECT
    cityHash64(series, period_type, period_start, source_system, source_record_id) AS unit,
    sipHash64(series, period_type, period_start, source_system, source_record_id) AS second, indicator, component, figure, territory,
    toInt64(dateDiff('month', toDateTime('1970-01-01 00:00:00', 'Asia/Ho_Chi_Minh'), toTimeZone(period_start, 'Asia/Ho_Chi_Minh'))) AS month,
    budget_year, splitByChar('|', series)[4] = '' AND splitByChar('|', series)[5] = '' AS whole, status = 'deleted' OR observations.value IS NULL AS silent,
    if(silent, toDecimal128(0, 6), toDecimal128(coalesce(observations.value, 0), 6)) AS value,
    event_time, ingested_at, revision, topic, partition, offset, toInt64(1) AS times, access_level
FROM observations FINAL
WHERE figure = 'actual' AND subject_type != 'station';
