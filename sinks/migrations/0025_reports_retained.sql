-- Reports carry the access level of their records, so that what the policy of retention deletes of `observations` goes here too
-- (sinks/retention.py). Emptied and filled anew from there: what is gone there goes here as well.
DROP VIEW IF EXISTS reports_feed;

DROP VIEW IF EXISTS receipts_feed;

ALTER TABLE reports ADD COLUMN IF NOT EXISTS access_level Int32;

CREATE MATERIALIZED VIEW IF NOT EXISTS reports_feed TO reports AS
SELECT
    indicator, component, figure, period_type, period_start, period_end, series, cityHash64(series) AS series_hash, territory, provider, revision,
    status, value, ingested_at AS received_at, source_record_id, topic, partition, offset, access_level
FROM observations
WHERE period_type NOT IN ('instant', 'hour', 'day', 'week');

CREATE MATERIALIZED VIEW IF NOT EXISTS receipts_feed TO reports AS
SELECT
    splitByChar('|', assumeNotNull(reference))[1] AS indicator, splitByChar('|', assumeNotNull(reference))[2] AS component,
    splitByChar('|', assumeNotNull(reference))[6] AS figure, period_type, period_start, period_end, assumeNotNull(reference) AS series,
    cityHash64(series) AS series_hash, territory, provider, revision, if(status = 'deleted', 'receipt_gone', 'receipt') AS status,
    CAST(NULL, 'Nullable(Decimal(38, 6))') AS value, ingested_at AS received_at, source_record_id, topic, partition, offset, access_level
FROM observations
WHERE concept = 'held_figure_receipts' AND reference IS NOT NULL;

TRUNCATE TABLE reports;

INSERT INTO reports
SELECT
    indicator, component, figure, period_type, period_start, period_end, series, cityHash64(series) AS series_hash, territory, provider, revision,
    status, value, ingested_at AS received_at, source_record_id, topic, partition, offset, access_level
FROM observations
WHERE period_type NOT IN ('instant', 'hour', 'day', 'week');

INSERT INTO reports
SELECT
    splitByChar('|', assumeNotNull(reference))[1] AS indicator, splitByChar('|', assumeNotNull(reference))[2] AS component,
    splitByChar('|', assumeNotNull(reference))[6] AS figure, period_type, period_start, period_end, assumeNotNull(reference) AS series,
    cityHash64(series) AS series_hash, territory, provider, revision, if(status = 'deleted', 'receipt_gone', 'receipt') AS status,
    CAST(NULL, 'Nullable(Decimal(38, 6))') AS value, ingested_at AS received_at, source_record_id, topic, partition, offset, access_level
FROM observations
WHERE concept = 'held_figure_receipts' AND reference IS NOT NULL;
