-- What was known of an indicator's months and periods: the closed past of the question `known`, folded once (sinks/preparation.py). A batch is one
-- folding of one indicator, component and figure as far as the offsets it names; a reader takes the newest batch and folds the rest itself.
CREATE TABLE IF NOT EXISTS known_batches
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    batch UInt64 COMMENT 'milliseconds since 1970, then 20 bits by lot',
    by_month Bool COMMENT 'event figures are added up by month of their period, reported figures by period',
    topic LowCardinality(String),
    partitions Array(Int32),
    offsets Array(Int64) COMMENT 'beside partitions: the last offset that was folded',
    rows UInt64 COMMENT 'rows of the figure when it was folded'
)
ENGINE = ReplacingMergeTree(batch)
ORDER BY (indicator, component, figure)
SETTINGS non_replicated_deduplication_window = 10000;

-- By how much what was known changed, and when: a record's first version adds itself, a version that takes over adds the difference.
CREATE TABLE IF NOT EXISTS known_steps
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    batch UInt64,
    known_at DateTime64(3, 'UTC') COMMENT 'ingested_at of the version that takes over' CODEC(Delta, LZ4),
    years Array(Int32) COMMENT 'budget years it counts in; 0: in all years together, where a record that moved to another year is one record',
    territory LowCardinality(String),
    period DateTime64(3, 'Asia/Ho_Chi_Minh'),
    amount Decimal(38, 6),
    valued Int64 COMMENT 'live records with a value, more or fewer',
    live Int64 COMMENT 'live records, more or fewer'
)
ENGINE = MergeTree
PARTITION BY batch
ORDER BY (indicator, component, figure, known_at);

-- The steps added up by hour.
CREATE TABLE IF NOT EXISTS known_hours
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    batch UInt64,
    budget_year Int32 COMMENT '0: all years together',
    hour Int64 COMMENT 'hours since 1970 UTC',
    territory LowCardinality(String),
    period DateTime64(3, 'Asia/Ho_Chi_Minh'),
    amount Decimal(38, 6),
    valued Int64,
    live Int64
)
ENGINE = MergeTree
PARTITION BY batch
ORDER BY (indicator, component, figure, budget_year, hour, territory, period);
