-- All revisions of every observation. The row's origin (topic, partition, offset) ends the sorting key: a row that goes in twice is one row after
-- merging, and any aggregate that may be repeated (argMax, min, max, uniqExact) is right before merging too.
CREATE TABLE IF NOT EXISTS observations
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC') COMMENT 'time stamp of the Kafka record',
    series String COMMENT 'series key: the Kafka key' CODEC(ZSTD(1)),
    indicator LowCardinality(String),
    concept LowCardinality(String),
    component LowCardinality(String) DEFAULT '',
    measure_unit LowCardinality(String),
    figure LowCardinality(String),
    period_type LowCardinality(String),
    status LowCardinality(String),
    price_basis LowCardinality(String),
    cumulative Bool,
    access_level Int32,
    budget_year Int32,
    territory LowCardinality(String),
    territory_version Int32,
    agency LowCardinality(String),
    provider LowCardinality(String),
    source_system LowCardinality(String),
    subject_type LowCardinality(String) DEFAULT '',
    subject_id String DEFAULT '' CODEC(ZSTD(1)),
    method_version LowCardinality(String) DEFAULT '',
    dimensions Array(Tuple(name LowCardinality(String), value LowCardinality(String))),
    quality_flags Array(LowCardinality(String)),
    lon Nullable(Float64) DEFAULT NULL,
    lat Nullable(Float64) DEFAULT NULL,
    text Nullable(String) DEFAULT NULL,
    reference Nullable(String) DEFAULT NULL,
    value Nullable(Decimal(38, 6)) DEFAULT NULL,
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    event_time DateTime64(3, 'UTC'),
    published_at Nullable(DateTime64(3, 'UTC')) DEFAULT NULL,
    ingested_at DateTime64(3, 'UTC'),
    source_record_id String CODEC(ZSTD(1)),
    revision Int32,
    trace_id String DEFAULT '' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(event_time)
ORDER BY (indicator, territory, subject_id, event_time, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000, min_bytes_for_wide_part = 134217728;

-- The value that counts, per series and period, of all periods longer than an instant. The highest revision wins; of equal revisions the one with
-- the lowest offset (a later one is a duplicate). For indicators that are reported this is the value; for indicators made of events read `panes`.
CREATE TABLE IF NOT EXISTS value_latest
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    territory LowCardinality(String),
    figure LowCardinality(String),
    subject_type LowCardinality(String),
    subject_id String,
    dimensions Array(Tuple(name LowCardinality(String), value LowCardinality(String))),
    series String CODEC(ZSTD(1)),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    budget_year Int32,
    measure_unit LowCardinality(String),
    cumulative Bool,
    access_level Int32,
    status LowCardinality(String),
    value Nullable(Decimal(38, 6)),
    text Nullable(String),
    reference Nullable(String),
    quality_flags Array(LowCardinality(String)),
    agency LowCardinality(String),
    provider LowCardinality(String),
    source_system LowCardinality(String),
    source_record_id String CODEC(ZSTD(1)),
    event_time DateTime64(3, 'UTC'),
    published_at Nullable(DateTime64(3, 'UTC')),
    ingested_at DateTime64(3, 'UTC'),
    revision Int32,
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    version UInt128 COMMENT 'revision, then the lower offset'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (indicator, territory, figure, series, period_type, period_start)
SETTINGS non_replicated_deduplication_window = 10000, min_bytes_for_wide_part = 134217728;

CREATE MATERIALIZED VIEW IF NOT EXISTS value_latest_feed TO value_latest AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, dimensions, series, period_type, period_start, period_end, budget_year,
    measure_unit, cumulative, access_level, status, value, text, reference, quality_flags, agency, provider, source_system, source_record_id,
    event_time, published_at, ingested_at, revision, topic, partition, offset,
    bitOr(bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 64), toUInt128(9223372036854775807 - offset)) AS version
FROM observations
WHERE period_type != 'instant';
