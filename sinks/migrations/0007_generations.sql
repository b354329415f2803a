-- The generation of a table is part of every insert's token. Raise it when rows of the table were removed and are to come in again: under an old
-- token they would be taken for repeats and dropped. The highest number counts.
CREATE TABLE IF NOT EXISTS sink_generations
(
    name LowCardinality(String) COMMENT 'table',
    generation UInt32,
    reason String,
    changed_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree ORDER BY (name, generation);
