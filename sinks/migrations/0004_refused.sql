-- Refused input: the original bytes with reason and origin. A repeated refusal of one record has one dead_letter_id.
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    original_key String COMMENT 'bytes as received',
    body String COMMENT 'bytes as received: read with base64Encode(body)' CODEC(ZSTD(1)),
    dead_letter_id String,
    stage LowCardinality(String),
    reason LowCardinality(String),
    field LowCardinality(String),
    detail String,
    source LowCardinality(String),
    place String,
    original_topic LowCardinality(String),
    original_partition Int32,
    original_offset Int64,
    original_timestamp DateTime64(3, 'UTC'),
    attempts Int32,
    fingerprint String,
    first_seen DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (stage, reason, topic, partition, offset)
TTL toDateTime(appended) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- Who did what: the audit trail, bytes as written.
CREATE TABLE IF NOT EXISTS audit
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    actor String,
    body String
)
ENGINE = ReplacingMergeTree
ORDER BY (appended, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;
