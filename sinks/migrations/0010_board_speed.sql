-- The newest states read as columns and not as one tuple: FINAL keeps the row of the highest version a key, as argMax(…, version) did, but reads
-- only the columns that a question names and merges only the parts that overlap. Exact whatever was inserted twice: a repeated row has the key
-- and version of the first.
CREATE OR REPLACE VIEW latest_values AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, period_type, period_start, period_end, budget_year, measure_unit,
    cumulative, access_level, status, value, text, reference, quality_flags, agency, provider, source_system, source_record_id, event_time,
    published_at, ingested_at, revision, topic, partition, offset, dimensions
FROM value_latest FINAL
WHERE status != 'deleted';

CREATE OR REPLACE VIEW latest_panes AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, kind, pane, budget_year, count, sum, min, max, last, last_time,
    inexact, generation, through, revision, dimensions, status
FROM panes FINAL;

CREATE OR REPLACE VIEW latest_aggregates AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, h1_count, h1_sum, h1_min, h1_max, h24_count, h24_sum, h24_min,
    h24_max, d7_count, d7_sum, d7_min, d7_max, d30_count, d30_sum, d30_min, d30_max, month_count, month_sum, month_min, month_max, quarter_count,
    quarter_sum, quarter_min, quarter_max, ytd_count, ytd_sum, latest, latest_time, budget_year, inexact, generation, through, appended, dimensions
FROM aggregate_latest FINAL;

CREATE OR REPLACE VIEW latest_derived AS
SELECT
    formula, territory, result, period_start, indicator, component, kind, subject_type, subject_id, figure_compared, measure_unit, period_type,
    period_end, budget_year, status, inexact, value, numerator, denominator, rank, of, expected, reason, operands, event_time, caused_at, generation,
    through, appended
FROM derived_latest FINAL
WHERE NOT deleted;

-- The highest access level that any record of a series ever had. A maximum may be taken twice: exact under repeats without merging.
CREATE TABLE IF NOT EXISTS restricted_series
(
    indicator LowCardinality(String),
    series String CODEC(ZSTD(1)),
    access_level SimpleAggregateFunction(max, Int32)
)
ENGINE = AggregatingMergeTree
ORDER BY (indicator, series)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS restricted_series_feed TO restricted_series AS
SELECT indicator, series, max(access_level) AS access_level FROM observations WHERE observations.access_level > 0 GROUP BY indicator, series;

-- What was there before the feed; what comes meanwhile goes in by both ways and is the same.
INSERT INTO restricted_series
SELECT indicator, series, max(access_level) FROM observations WHERE observations.access_level > 0 GROUP BY indicator, series;

CREATE OR REPLACE VIEW board_withheld AS
SELECT indicator, series FROM restricted_series WHERE access_level > {clearance:Int32} GROUP BY indicator, series;

-- What results are made of: `name` is a formula or the indicator it computes, `operand` an indicator behind it. Loaded with the vocabulary.
CREATE TABLE IF NOT EXISTS formula_operands
(
    name LowCardinality(String),
    operand LowCardinality(String)
)
ENGINE = MergeTree ORDER BY (name, operand);

-- Months of the flows, narrow and by budget year: what the board adds up. The pane of the highest version counts, as in `panes`.
CREATE TABLE IF NOT EXISTS flow_months
(
    budget_year Int32,
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    territory LowCardinality(String),
    pane Int64,
    series String CODEC(ZSTD(1)),
    whole Bool COMMENT 'reported as a total: neither subject nor dimensions',
    sum Decimal(38, 6),
    last_time DateTime64(3, 'UTC'),
    inexact Int32,
    version UInt128
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (budget_year, indicator, component, figure, territory, pane, series)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_months_feed TO flow_months AS
SELECT budget_year, indicator, component, figure, territory, pane, series, empty(dimensions) AND subject_type = '' AS whole, sum, last_time, inexact,
    version
FROM panes
WHERE kind = 'month' AND subject_type != 'station';

INSERT INTO flow_months
SELECT budget_year, indicator, component, figure, territory, pane, series, empty(dimensions) AND subject_type = '' AS whole, sum, last_time, inexact,
    version
FROM panes
WHERE kind = 'month' AND subject_type != 'station';

-- Totals of flows by territory and month: the figure reported as a total where there is one, the sum of its parts otherwise. Depth 0 for every
-- reader; a total is withheld with any of its series.
CREATE OR REPLACE VIEW board_totals AS
SELECT
    indicator, component, figure, territory, pane, budget_year,
    if(countIf(whole) > 0, sumIf(sum, whole), sum(sum)) AS total, max(last_time) AS newest, max(inexact) AS inexact
FROM flow_months FINAL
WHERE (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow')
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
    AND indicator NOT IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
GROUP BY indicator, component, figure, territory, pane, budget_year;

-- Reported figures of whole territories, by territory: what an overview asks for. The highest version counts, as in `value_latest`.
CREATE TABLE IF NOT EXISTS territory_values
(
    territory LowCardinality(String),
    figure LowCardinality(String),
    indicator LowCardinality(String),
    component LowCardinality(String),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    budget_year Int32,
    measure_unit LowCardinality(String),
    access_level Int32,
    status LowCardinality(String),
    value Nullable(Decimal(38, 6)),
    provider LowCardinality(String),
    event_time DateTime64(3, 'UTC'),
    revision Int32,
    version UInt128
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (territory, figure, indicator, component, period_type, period_start)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS territory_values_feed TO territory_values AS
SELECT
    territory, figure, indicator, component, period_type, period_start, period_end, budget_year, measure_unit, access_level, status, value, provider,
    event_time, revision,
    bitOr(bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 64), toUInt128(9223372036854775807 - offset)) AS version
FROM observations
WHERE period_type != 'instant' AND subject_id = '' AND empty(dimensions);

INSERT INTO territory_values
SELECT
    territory, figure, indicator, component, period_type, period_start, period_end, budget_year, measure_unit, access_level, status, value, provider,
    event_time, revision, version
FROM value_latest
WHERE subject_id = '' AND empty(dimensions);

CREATE OR REPLACE VIEW board_territory_values AS
SELECT territory, figure, indicator, component, period_type, period_start, period_end, budget_year, measure_unit, status, value, provider, event_time,
    revision
FROM territory_values FINAL
WHERE status != 'deleted' AND access_level <= {clearance:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    );

-- Totals of flows as they were known at a moment, of periods from `since` on: a question about one budget year reads no other.
CREATE OR REPLACE VIEW board_known_totals AS
SELECT
    indicator, component, figure, territory, month, budget_year,
    if(countIf(whole) > 0, sumIf(value, whole), sum(value)) AS total, max(event_time) AS newest
FROM
(
    SELECT
        indicator, component, figure, territory, budget_year, value, event_time,
        splitByChar('|', series)[4] = '' AND splitByChar('|', series)[5] = '' AS whole,
        toInt64(dateDiff('month', toDateTime('1970-01-01 00:00:00', 'Asia/Ho_Chi_Minh'), toTimeZone(period_start, 'Asia/Ho_Chi_Minh'))) AS month
    FROM known_records(moment = {moment:DateTime64(3, 'UTC')})
    WHERE (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow' AND fold = 'event')
        AND subject_type != 'station' AND figure = 'actual' AND period_start >= {since:DateTime64(3, 'UTC')}
        AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
        AND indicator NOT IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
)
GROUP BY indicator, component, figure, territory, month, budget_year;

CREATE OR REPLACE VIEW latest_alerts AS
SELECT
    alert_id, rule, severity, level, condition, attention, transition, title_vi, text_vi, title_en, indicator, component, territory, subject_type,
    subject_id, agency, measure_unit, value, limit, gap, since, opened_at, recorded_at, event_time, mode, series, comparison, provider, status, actor,
    note, budget_year, source_topic, source_partition, source_offset, caused_at
FROM alert_current FINAL;

-- The board's views again, each flat over its table: planning a view within a view within a view cost several times what reading did. What they
-- withhold is the same, word by word.
CREATE OR REPLACE VIEW board_values AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, period_type, period_start, period_end, budget_year, measure_unit,
    cumulative, access_level, status, value, text, reference, quality_flags, agency, provider, source_system, source_record_id, event_time,
    published_at, ingested_at, revision, topic, partition, offset, dimensions
FROM value_latest FINAL
WHERE status != 'deleted' AND access_level <= {clearance:Int32}
    AND multiIf(subject_type NOT IN ('', 'station'), 2, notEmpty(dimensions), 1, 0) <= {depth:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    );

CREATE OR REPLACE VIEW board_panes AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, kind, pane, budget_year, count, sum, min, max, last, last_time,
    inexact, generation, through, revision, dimensions, status
FROM panes FINAL
WHERE multiIf(subject_type NOT IN ('', 'station'), 2, notEmpty(dimensions), 1, 0) <= {depth:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
    AND series NOT IN (SELECT series FROM restricted_series WHERE access_level > {clearance:Int32});

CREATE OR REPLACE VIEW board_series AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, h1_count, h1_sum, h1_min, h1_max, h24_count, h24_sum, h24_min,
    h24_max, d7_count, d7_sum, d7_min, d7_max, d30_count, d30_sum, d30_min, d30_max, month_count, month_sum, month_min, month_max, quarter_count,
    quarter_sum, quarter_min, quarter_max, ytd_count, ytd_sum, latest, latest_time, budget_year, inexact, generation, through, appended, dimensions
FROM aggregate_latest FINAL
WHERE multiIf(subject_type NOT IN ('', 'station'), 2, notEmpty(dimensions), 1, 0) <= {depth:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
    AND series NOT IN (SELECT series FROM restricted_series WHERE access_level > {clearance:Int32});

CREATE OR REPLACE VIEW board_results AS
SELECT
    formula, territory, result, period_start, indicator, component, kind, subject_type, subject_id, figure_compared, measure_unit, period_type,
    period_end, budget_year, status, inexact, value, numerator, denominator, rank, of, expected, reason, operands, event_time, caused_at, generation,
    through, appended
FROM derived_latest FINAL
WHERE NOT deleted AND (formula IN (SELECT name FROM formula_operands) OR startsWith(formula, 'SET.')) AND multiIf(subject_type NOT IN ('', 'station'), 2, splitByChar('|', result)[4] != '', 1, 0) <= {depth:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
    AND indicator NOT IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
    AND formula NOT IN
    (
        SELECT name FROM formula_operands
        WHERE operand IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
    );

CREATE OR REPLACE VIEW board_alerts AS
SELECT
    alert_id, rule, severity, level, condition, attention, transition, title_vi, text_vi, title_en, indicator, component, territory, subject_type,
    subject_id, agency, measure_unit, value, limit, gap, since, opened_at, recorded_at, event_time, mode, series, comparison, provider, status, actor,
    note, budget_year, source_topic, source_partition, source_offset, caused_at
FROM alert_current FINAL
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
    );

CREATE OR REPLACE VIEW board_alert_events AS
SELECT
    event_id, alert_id, sequence, transition, condition, attention, title_vi, text_vi, title_en, recorded_at, actor, note, severity, value,
    limit, gap, event_time, source_topic, source_partition, source_offset, source_record_id
FROM alert_events
WHERE alert_id IN
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
LIMIT 1 BY event_id;

-- Who was told, by office; addresses stay out.
CREATE OR REPLACE VIEW board_told AS
SELECT
    notification_key, alert_id, best.1 AS event_id, best.2 AS state, best.3 AS reason, best.4 AS channel, best.5 AS recipient, best.6 AS severity,
    best.7 AS transition, best.8 AS repeated, best.9 AS requested_at, best.10 AS changed_at
FROM
(
    SELECT
        alert_id, notification_key,
        argMax(tuple(event_id, state, reason, channel, recipient, severity, transition, repeated, requested_at, changed_at),
            tuple(changed_at, attempt, part, offset)) AS best
    FROM notifications
    WHERE alert_id IN
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
    GROUP BY alert_id, notification_key
);

-- The same as it stood at a moment. A result of a formula that the vocabulary does not know is seen by nobody; sums over dimensions (SET.…) are
-- made of their own indicator alone.
CREATE OR REPLACE VIEW board_known_results AS
SELECT * FROM known_derived(moment = {moment:DateTime64(3, 'UTC')})
WHERE (formula IN (SELECT name FROM formula_operands) OR startsWith(formula, 'SET.'))
    AND multiIf(subject_type NOT IN ('', 'station'), 2, splitByChar('|', result)[4] != '', 1, 0) <= {depth:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
    AND indicator NOT IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
    AND formula NOT IN
    (
        SELECT name FROM formula_operands
        WHERE operand IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
    );

-- What was asked of whom about an alert: acts of the kind «task». Withheld with their alert.
CREATE OR REPLACE VIEW board_tasks AS
SELECT action_id, alert_id, actor, office, note, until, acted_at
FROM alert_actions
WHERE action = 'task' AND alert_id IN
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
LIMIT 1 BY action_id;

DROP VIEW IF EXISTS board_withheld_results;
