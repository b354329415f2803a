-- State of stage 1, one row a pane: the highest (generation, through, offset) is the pane. Compacted in Kafka, collapsed here.
CREATE TABLE IF NOT EXISTS panes
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    series String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    pane Int64 COMMENT 'hour, day or month number since 1970 in Asia/Ho_Chi_Minh; budget year',
    budget_year Int32 COMMENT 'month panes are split by it; 0: none',
    status LowCardinality(String) COMMENT 'weakest among the live records',
    inexact Int32,
    generation Int32,
    count Int64,
    sum Decimal(38, 6),
    min Decimal(38, 6),
    max Decimal(38, 6),
    last Decimal(38, 6),
    last_time DateTime64(3, 'UTC'),
    revision Int32,
    through Int64,
    indicator LowCardinality(String) DEFAULT splitByChar('|', series)[1],
    component LowCardinality(String) DEFAULT splitByChar('|', series)[2],
    territory LowCardinality(String) DEFAULT splitByChar('|', series)[3],
    subject_type LowCardinality(String) DEFAULT splitByChar(':', splitByChar('|', series)[4])[1],
    subject_id String DEFAULT substring(splitByChar('|', series)[4], length(subject_type) + 2),
    dimensions Array(Tuple(name LowCardinality(String), value LowCardinality(String)))
        DEFAULT if(splitByChar('|', series)[5] = '', [],
            arrayMap(p -> (splitByChar('=', p)[1], splitByChar('=', p)[2]), splitByChar(';', splitByChar('|', series)[5]))),
    figure LowCardinality(String) DEFAULT splitByChar('|', series)[6],
    version UInt128 DEFAULT bitOr(bitOr(bitShiftLeft(toUInt128(greatest(generation, 0)), 112),
        bitShiftLeft(toUInt128(greatest(through, 0)), 56)), toUInt128(offset)) COMMENT 'generation, through, offset'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (indicator, kind, territory, figure, series, pane, budget_year)
SETTINGS non_replicated_deduplication_window = 10000;

-- Rolling and calendar windows of a series as they were after each commit; the history is kept for 32 days, the latest row in aggregate_latest.
CREATE TABLE IF NOT EXISTS aggregates
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    series String CODEC(ZSTD(1)),
    h1_count Int64, h1_sum Decimal(38, 6), h1_min Decimal(38, 6), h1_max Decimal(38, 6),
    h24_count Int64, h24_sum Decimal(38, 6), h24_min Decimal(38, 6), h24_max Decimal(38, 6),
    d7_count Int64, d7_sum Decimal(38, 6), d7_min Decimal(38, 6), d7_max Decimal(38, 6),
    d30_count Int64, d30_sum Decimal(38, 6), d30_min Decimal(38, 6), d30_max Decimal(38, 6),
    month_count Int64, month_sum Decimal(38, 6), month_min Decimal(38, 6), month_max Decimal(38, 6),
    quarter_count Int64, quarter_sum Decimal(38, 6), quarter_min Decimal(38, 6), quarter_max Decimal(38, 6),
    ytd_count Int64, ytd_sum Decimal(38, 6),
    latest Decimal(38, 6),
    latest_time DateTime64(3, 'UTC'),
    budget_year Int32,
    inexact Int32,
    generation Int32,
    through Int64,
    indicator LowCardinality(String) DEFAULT splitByChar('|', series)[1],
    component LowCardinality(String) DEFAULT splitByChar('|', series)[2],
    territory LowCardinality(String) DEFAULT splitByChar('|', series)[3],
    subject_type LowCardinality(String) DEFAULT splitByChar(':', splitByChar('|', series)[4])[1],
    subject_id String DEFAULT substring(splitByChar('|', series)[4], length(subject_type) + 2),
    dimensions Array(Tuple(name LowCardinality(String), value LowCardinality(String)))
        DEFAULT if(splitByChar('|', series)[5] = '', [],
            arrayMap(p -> (splitByChar('=', p)[1], splitByChar('=', p)[2]), splitByChar(';', splitByChar('|', series)[5]))),
    figure LowCardinality(String) DEFAULT splitByChar('|', series)[6],
    version UInt128 DEFAULT bitOr(bitOr(bitShiftLeft(toUInt128(greatest(generation, 0)), 112),
        bitShiftLeft(toUInt128(greatest(through, 0)), 56)), toUInt128(offset)) COMMENT 'generation, through, offset'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(toStartOfWeek(appended))
ORDER BY (indicator, territory, series, topic, partition, offset)
TTL toDateTime(appended) + INTERVAL 32 DAY
SETTINGS non_replicated_deduplication_window = 10000, min_bytes_for_wide_part = 134217728, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS aggregate_latest AS aggregates
ENGINE = ReplacingMergeTree(version)
PARTITION BY tuple()
ORDER BY (indicator, territory, figure, series)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS aggregate_latest_feed TO aggregate_latest AS SELECT * FROM aggregates;

-- Derived indicators, comparisons and rankings with the marks of their operands: every state they had.
CREATE TABLE IF NOT EXISTS derived
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    result String COMMENT 'formula|territory|subject|dimensions|budget year' CODEC(ZSTD(1)),
    formula LowCardinality(String),
    kind LowCardinality(String),
    indicator LowCardinality(String),
    component LowCardinality(String),
    territory LowCardinality(String),
    subject_type LowCardinality(String),
    subject_id String,
    figure_compared LowCardinality(String),
    measure_unit LowCardinality(String),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    budget_year Int32,
    deleted Bool,
    status LowCardinality(String),
    inexact Int32,
    value Nullable(Decimal(38, 6)),
    numerator Nullable(Decimal(38, 6)),
    denominator Nullable(Decimal(38, 6)),
    rank Int32,
    of Int32,
    expected Int32,
    reason LowCardinality(String),
    operands Array(Tuple(role String, series String, topic String, partition Int32, generation Int32, through Int64,
        value Nullable(Decimal(38, 6)))),
    event_time DateTime64(3, 'UTC'),
    caused_at DateTime64(3, 'UTC') COMMENT 'append time of the newest input',
    generation Int32,
    through Int64,
    version UInt128 DEFAULT bitOr(bitOr(bitShiftLeft(toUInt128(greatest(generation, 0)), 112),
        bitShiftLeft(toUInt128(greatest(through, 0)), 56)), toUInt128(offset)) COMMENT 'generation, through, offset'
)
ENGINE = ReplacingMergeTree
ORDER BY (formula, territory, result, period_start, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS derived_latest AS derived
ENGINE = ReplacingMergeTree(version)
ORDER BY (formula, territory, result, period_start)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS derived_latest_feed TO derived_latest AS SELECT * FROM derived;
