-- What the rules say: every row of the conditions topics.
CREATE TABLE IF NOT EXISTS conditions
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    alert_id String,
    transition LowCardinality(String),
    rule LowCardinality(String),
    rule_version Int32,
    series String CODEC(ZSTD(1)),
    indicator LowCardinality(String),
    component LowCardinality(String),
    territory LowCardinality(String),
    subject_type LowCardinality(String),
    subject_id String,
    agency LowCardinality(String),
    provider LowCardinality(String),
    measure_unit LowCardinality(String),
    comparison LowCardinality(String),
    severity Int32,
    severity_before Int32,
    level LowCardinality(String),
    value Nullable(Decimal(38, 6)),
    limit Nullable(Decimal(38, 6)),
    gap Nullable(Decimal(38, 6)),
    numerator Nullable(Decimal(38, 6)),
    denominator Nullable(Decimal(38, 6)),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    budget_year Int32,
    since DateTime64(3, 'UTC'),
    event_time DateTime64(3, 'UTC'),
    status LowCardinality(String),
    revision Int32,
    source_topic LowCardinality(String),
    source_partition Int32,
    source_offset Int64,
    source_record_id String CODEC(ZSTD(1)),
    mode LowCardinality(String),
    caused_at DateTime64(3, 'UTC'),
    generation Int32,
    through Int64
)
ENGINE = ReplacingMergeTree
ORDER BY (alert_id, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

-- The whole story of every alert.
CREATE TABLE IF NOT EXISTS alert_events
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    event_id String,
    alert_id String,
    sequence Int32,
    transition LowCardinality(String),
    cause String,
    condition LowCardinality(String),
    attention LowCardinality(String),
    title_vi String,
    text_vi String,
    title_en String,
    recorded_at DateTime64(3, 'UTC'),
    opened_at DateTime64(3, 'UTC'),
    actor String,
    note String,
    rule LowCardinality(String),
    rule_version Int32,
    series String CODEC(ZSTD(1)),
    indicator LowCardinality(String),
    component LowCardinality(String),
    territory LowCardinality(String),
    subject_type LowCardinality(String),
    subject_id String,
    agency LowCardinality(String),
    provider LowCardinality(String),
    measure_unit LowCardinality(String),
    comparison LowCardinality(String),
    severity Int32,
    severity_before Int32,
    level LowCardinality(String),
    value Nullable(Decimal(38, 6)),
    limit Nullable(Decimal(38, 6)),
    gap Nullable(Decimal(38, 6)),
    numerator Nullable(Decimal(38, 6)),
    denominator Nullable(Decimal(38, 6)),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    budget_year Int32,
    since DateTime64(3, 'UTC'),
    event_time DateTime64(3, 'UTC'),
    status LowCardinality(String),
    revision Int32,
    source_topic LowCardinality(String),
    source_partition Int32,
    source_offset Int64,
    source_record_id String CODEC(ZSTD(1)),
    mode LowCardinality(String),
    caused_at DateTime64(3, 'UTC'),
    generation Int32,
    through Int64
)
ENGINE = ReplacingMergeTree
ORDER BY (alert_id, recorded_at, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

-- The latest state of every alert: an alert lies in one partition, so its highest offset is its state.
CREATE TABLE IF NOT EXISTS alert_current AS alert_events
ENGINE = ReplacingMergeTree(offset)
ORDER BY alert_id
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS alert_actions
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    action_id String,
    alert_id String,
    action LowCardinality(String),
    actor String,
    office String,
    note String,
    until Nullable(DateTime64(3, 'UTC')),
    acted_at DateTime64(3, 'UTC'),
    via LowCardinality(String)
)
ENGINE = ReplacingMergeTree
ORDER BY (alert_id, acted_at, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

-- What was to be said to whom (request), what came of it (result), what was sent (ledger).
CREATE TABLE IF NOT EXISTS notifications
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    part LowCardinality(String) COMMENT 'requests, results or ledger',
    notification_key String,
    event_id String,
    alert_id String,
    rule LowCardinality(String),
    state LowCardinality(String),
    reason LowCardinality(String),
    lane LowCardinality(String),
    channel LowCardinality(String),
    recipient String,
    address String,
    severity Int32,
    transition LowCardinality(String),
    title String,
    text String,
    attempt Int32,
    repeated Bool,
    provider_reference String,
    error_class LowCardinality(String),
    error String,
    mode LowCardinality(String),
    requested_at DateTime64(3, 'UTC'),
    changed_at DateTime64(3, 'UTC'),
    not_after DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (alert_id, notification_key, part, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;
