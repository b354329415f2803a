-- What a rule would have raised over a stretch of history, beside what was raised: one row a run (`mark` ran) and one a step. Written by
-- `nhip rules backtest --keep`, a run in one insert. `mark`: same, now (only when run again), then (only in history).
CREATE TABLE IF NOT EXISTS backtests
(
    rule LowCardinality(String),
    rule_version Int32,
    since DateTime64(3, 'UTC'),
    until DateTime64(3, 'UTC'),
    ran_at DateTime64(3, 'UTC'),
    mark LowCardinality(String),
    series String CODEC(ZSTD(1)),
    indicator LowCardinality(String) COMMENT 'the formula, where the rule looks at results',
    territory LowCardinality(String),
    subject_type LowCardinality(String),
    subject_id String,
    event_time DateTime64(3, 'UTC'),
    transition LowCardinality(String),
    severity Int32,
    value Nullable(Decimal(38, 6))
)
ENGINE = MergeTree
ORDER BY (rule, ran_at, mark, event_time, series);

-- Steps are withheld as the alerts of the same series would be; that a rule was run is told to everybody.
CREATE OR REPLACE VIEW board_backtests AS
SELECT * FROM backtests
WHERE mark = 'ran' OR
(
    territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
    AND series NOT IN (SELECT series FROM restricted_series WHERE access_level > {clearance:Int32})
    AND indicator NOT IN
    (
        SELECT name FROM formula_operands
        WHERE operand IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
    )
);

-- Acts on the two requests of alerts, each once, with what the alerts process made of it (empty: not yet). Withheld with their alert.
CREATE OR REPLACE VIEW board_requests AS
SELECT
    acts.action_id AS action_id, acts.alert_id AS alert_id, acts.action AS action, acts.actor AS actor, acts.note AS note,
    acts.acted_at AS acted_at, acts.inquiry AS inquiry, acts.authority AS authority, acts.document_number AS document_number,
    acts.outcome AS outcome, told.transition AS transition, told.note AS said
FROM
(
    SELECT * FROM alert_actions
    WHERE inquiry != '' AND alert_id IN
    (
        SELECT alert_id FROM alert_current FINAL
        WHERE territory IN
            (
                SELECT code FROM territories
                WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
                    OR (province != '' AND has({territories:Array(String)}, province))
            )
            AND series NOT IN (SELECT series FROM restricted_series WHERE access_level > {clearance:Int32})
            AND indicator NOT IN
            (
                SELECT name FROM formula_operands
                WHERE operand IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
            )
    )
    LIMIT 1 BY action_id
) AS acts
LEFT JOIN
(
    SELECT alert_id, cause, toString(transition) AS transition, note FROM alert_events
    WHERE alert_id IN (SELECT alert_id FROM alert_actions WHERE inquiry != '')
    LIMIT 1 BY alert_id, cause
) AS told ON told.alert_id = acts.alert_id AND told.cause = acts.action_id;

-- Tasks that documents assign (indicator nhip/N.3), each as its newest revision says. As alerts, they follow territory and clearance, not
-- depth: a task is what an agency is told to do.
CREATE OR REPLACE VIEW board_assigned_tasks AS
SELECT task, agency, provider, content, document, begins, ends, done, moved_at, alert, territory
FROM
(
    SELECT
        source_record_id AS task, agency, provider, ifNull(text, '') AS content, ifNull(reference, '') AS document, period_start AS begins,
        period_end AS ends, value = 0 AS done, event_time AS moved_at, trace_id AS alert, territory, access_level, status
    FROM observations
    WHERE indicator = 'nhip/N.3'
    ORDER BY revision DESC, appended DESC, offset DESC
    LIMIT 1 BY source_system, source_record_id
)
WHERE status != 'deleted' AND access_level <= {clearance:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    );

-- How far each table has come, by partition of its topic: the newest row. A maximum may be taken twice: exact under repeats.
CREATE TABLE IF NOT EXISTS table_heads
(
    name LowCardinality(String),
    head_topic LowCardinality(String),
    head_partition Int32,
    newest SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (name, head_topic, head_partition)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS observations_heads_feed TO table_heads AS
SELECT 'observations' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM observations
GROUP BY head_topic, head_partition;

INSERT INTO table_heads
SELECT 'observations' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM observations
GROUP BY head_topic, head_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS panes_heads_feed TO table_heads AS
SELECT 'panes' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM panes
GROUP BY head_topic, head_partition;

INSERT INTO table_heads
SELECT 'panes' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM panes
GROUP BY head_topic, head_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS aggregates_heads_feed TO table_heads AS
SELECT 'aggregates' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM aggregates
GROUP BY head_topic, head_partition;

INSERT INTO table_heads
SELECT 'aggregates' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM aggregates
GROUP BY head_topic, head_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS derived_heads_feed TO table_heads AS
SELECT 'derived' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM derived
GROUP BY head_topic, head_partition;

INSERT INTO table_heads
SELECT 'derived' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM derived
GROUP BY head_topic, head_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_events_heads_feed TO table_heads AS
SELECT 'alert_events' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM alert_events
GROUP BY head_topic, head_partition;

INSERT INTO table_heads
SELECT 'alert_events' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM alert_events
GROUP BY head_topic, head_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS notifications_heads_feed TO table_heads AS
SELECT 'notifications' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM notifications
GROUP BY head_topic, head_partition;

INSERT INTO table_heads
SELECT 'notifications' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM notifications
GROUP BY head_topic, head_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS dead_letters_heads_feed TO table_heads AS
SELECT 'dead_letters' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM dead_letters
GROUP BY head_topic, head_partition;

INSERT INTO table_heads
SELECT 'dead_letters' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM dead_letters
GROUP BY head_topic, head_partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS audit_heads_feed TO table_heads AS
SELECT 'audit' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM audit
GROUP BY head_topic, head_partition;

INSERT INTO table_heads
SELECT 'audit' AS name, topic AS head_topic, partition AS head_partition, max(appended) AS newest
FROM audit
GROUP BY head_topic, head_partition;

-- Rows are counted by their parts, the rest is read from the small table. For readers of the whole country from depth 2.
CREATE OR REPLACE VIEW board_operations AS
SELECT counted.name AS name, counted.rows AS rows, heads.partitions AS partitions, heads.newest AS newest
FROM
(
    SELECT name, rows FROM
    (
        SELECT 'observations' AS name, count() AS rows FROM observations
        UNION ALL SELECT 'panes' AS name, count() AS rows FROM panes
        UNION ALL SELECT 'aggregates' AS name, count() AS rows FROM aggregates
        UNION ALL SELECT 'derived' AS name, count() AS rows FROM derived
        UNION ALL SELECT 'alert_events' AS name, count() AS rows FROM alert_events
        UNION ALL SELECT 'notifications' AS name, count() AS rows FROM notifications
        UNION ALL SELECT 'dead_letters' AS name, count() AS rows FROM dead_letters
        UNION ALL SELECT 'audit' AS name, count() AS rows FROM audit
    )
    WHERE has({territories:Array(String)}, 'VN') AND {depth:Int32} >= 2
) AS counted
LEFT JOIN
(
    SELECT toString(name) AS name, uniqExact(head_topic, head_partition) AS partitions, max(newest) AS newest FROM table_heads GROUP BY name
) AS heads ON heads.name = counted.name;

-- What each provider sent, by day of arrival in Vietnam. A batch that the sink sends again is dropped by its window before it reaches this table.
CREATE TABLE IF NOT EXISTS supply_days
(
    day Date,
    provider LowCardinality(String),
    source_system LowCardinality(String),
    indicator LowCardinality(String),
    period_type LowCardinality(String),
    territory LowCardinality(String),
    access_level Int32,
    records SimpleAggregateFunction(sum, UInt64),
    corrections SimpleAggregateFunction(sum, UInt64),
    newest_event SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    newest_arrival SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (day, provider, source_system, indicator, period_type, territory, access_level)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS supply_days_feed TO supply_days AS
SELECT
    toDate(ingested_at, 'Asia/Ho_Chi_Minh') AS day, provider, source_system, indicator, period_type, territory, access_level,
    count() AS records, countIf(revision > 0) AS corrections, max(event_time) AS newest_event, max(ingested_at) AS newest_arrival
FROM observations
GROUP BY day, provider, source_system, indicator, period_type, territory, access_level;

-- What was there before the feed. Emptied first: a sum, unlike a maximum, must not be taken twice when a migration that was cut short runs again.
TRUNCATE TABLE supply_days;

INSERT INTO supply_days
SELECT
    toDate(ingested_at, 'Asia/Ho_Chi_Minh') AS day, provider, source_system, indicator, period_type, territory, access_level,
    count() AS records, countIf(revision > 0) AS corrections, max(event_time) AS newest_event, max(ingested_at) AS newest_arrival
FROM observations
GROUP BY day, provider, source_system, indicator, period_type, territory, access_level;

-- Supply by provider and source since the day of a moment.
CREATE OR REPLACE VIEW board_supply AS
SELECT
    provider, source_system, indicator, period_type, sum(supply_days.records) AS records, max(supply_days.newest_event) AS newest_event,
    max(supply_days.newest_arrival) AS newest_arrival, sum(supply_days.corrections) AS corrections
FROM supply_days
WHERE access_level <= {clearance:Int32} AND day >= toDate({since:DateTime64(3, 'UTC')}, 'Asia/Ho_Chi_Minh')
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
GROUP BY provider, source_system, indicator, period_type;
