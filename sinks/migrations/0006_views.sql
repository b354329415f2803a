-- Views that people and the board read. All are exact whatever was inserted twice: they hold only states that may be repeated.

-- The value in force per series and period (reported indicators).
CREATE OR REPLACE VIEW latest_values AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, period_type, period_start,
    best.1 AS period_end, best.2 AS budget_year, best.3 AS measure_unit, best.4 AS cumulative, best.5 AS access_level, best.6 AS status,
    best.7 AS value, best.8 AS text, best.9 AS reference, best.10 AS quality_flags, best.11 AS agency, best.12 AS provider,
    best.13 AS source_system, best.14 AS source_record_id, best.15 AS event_time, best.16 AS published_at, best.17 AS ingested_at,
    best.18 AS revision, best.19 AS topic, best.20 AS partition, best.21 AS offset, best.22 AS dimensions
FROM
(
    SELECT
        indicator, component, territory, figure, subject_type, subject_id, series, period_type, period_start,
        argMax(tuple(period_end, budget_year, measure_unit, cumulative, access_level, status, value, text, reference, quality_flags, agency,
            provider, source_system, source_record_id, event_time, published_at, ingested_at, revision, topic, partition, offset, dimensions),
            version) AS best
    FROM value_latest
    GROUP BY indicator, component, territory, figure, subject_type, subject_id, series, period_type, period_start
)
WHERE best.6 != 'deleted';

-- Every live record as it was known at a moment: by the adapter's clock (ingested_at), which outlives copies of the topic.
-- SELECT … FROM known_records(moment = '2026-11-20 01:00:00') WHERE indicator = …
CREATE OR REPLACE VIEW known_records AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, period_type, period_start, source_system, source_record_id,
    best.1 AS period_end, best.2 AS budget_year, best.3 AS measure_unit, best.4 AS cumulative, best.5 AS status, best.6 AS value,
    best.7 AS event_time, best.8 AS ingested_at, best.9 AS revision, best.10 AS offset, best.11 AS access_level
FROM
(
    SELECT
        indicator, component, territory, figure, subject_type, subject_id, series, period_type, period_start, source_system, source_record_id,
        argMax(tuple(period_end, budget_year, measure_unit, cumulative, status, value, event_time, ingested_at, revision, offset, access_level),
            tuple(revision, -offset)) AS best
    FROM observations
    WHERE ingested_at <= {moment:DateTime64(3, 'UTC')}
    GROUP BY indicator, component, territory, figure, subject_type, subject_id, series, period_type, period_start, source_system,
        source_record_id
)
WHERE best.5 != 'deleted';

CREATE OR REPLACE VIEW latest_panes AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series, kind, pane, budget_year,
    best.1 AS count, best.2 AS sum, best.3 AS min, best.4 AS max, best.5 AS last, best.6 AS last_time, best.7 AS inexact,
    best.8 AS generation, best.9 AS through, best.10 AS revision, best.11 AS dimensions, best.12 AS status
FROM
(
    SELECT
        indicator, component, territory, figure, subject_type, subject_id, series, kind, pane, budget_year,
        argMax(tuple(count, sum, min, max, last, last_time, inexact, generation, through, revision, dimensions, status), version) AS best
    FROM panes
    GROUP BY indicator, component, territory, figure, subject_type, subject_id, series, kind, pane, budget_year
);

CREATE OR REPLACE VIEW latest_aggregates AS
SELECT
    indicator, component, territory, figure, subject_type, subject_id, series,
    best.1 AS h1_count, best.2 AS h1_sum, best.3 AS h1_min, best.4 AS h1_max,
    best.5 AS h24_count, best.6 AS h24_sum, best.7 AS h24_min, best.8 AS h24_max,
    best.9 AS d7_count, best.10 AS d7_sum, best.11 AS d7_min, best.12 AS d7_max,
    best.13 AS d30_count, best.14 AS d30_sum, best.15 AS d30_min, best.16 AS d30_max,
    best.17 AS month_count, best.18 AS month_sum, best.19 AS month_min, best.20 AS month_max,
    best.21 AS quarter_count, best.22 AS quarter_sum, best.23 AS quarter_min, best.24 AS quarter_max,
    best.25 AS ytd_count, best.26 AS ytd_sum, best.27 AS latest, best.28 AS latest_time, best.29 AS budget_year, best.30 AS inexact,
    best.31 AS generation, best.32 AS through, best.33 AS appended, best.34 AS dimensions
FROM
(
    SELECT
        indicator, component, territory, figure, subject_type, subject_id, series,
        argMax(tuple(h1_count, h1_sum, h1_min, h1_max, h24_count, h24_sum, h24_min, h24_max, d7_count, d7_sum, d7_min, d7_max,
            d30_count, d30_sum, d30_min, d30_max, month_count, month_sum, month_min, month_max,
            quarter_count, quarter_sum, quarter_min, quarter_max, ytd_count, ytd_sum, latest, latest_time, budget_year, inexact,
            generation, through, appended, dimensions), version) AS best
    FROM aggregate_latest
    GROUP BY indicator, component, territory, figure, subject_type, subject_id, series
);

CREATE OR REPLACE VIEW latest_derived AS
SELECT
    formula, territory, result, period_start,
    best.1 AS indicator, best.2 AS component, best.3 AS kind, best.4 AS subject_type, best.5 AS subject_id, best.6 AS figure_compared,
    best.7 AS measure_unit, best.8 AS period_type, best.9 AS period_end, best.10 AS budget_year, best.11 AS status, best.12 AS inexact,
    best.13 AS value, best.14 AS numerator, best.15 AS denominator, best.16 AS rank, best.17 AS of, best.18 AS expected, best.19 AS reason,
    best.20 AS operands, best.21 AS event_time, best.22 AS caused_at, best.23 AS generation, best.24 AS through, best.25 AS appended
FROM
(
    SELECT
        formula, territory, result, period_start,
        argMax(tuple(indicator, component, kind, subject_type, subject_id, figure_compared, measure_unit, period_type, period_end, budget_year,
            status, inexact, value, numerator, denominator, rank, of, expected, reason, operands, event_time, caused_at, generation, through,
            appended, deleted), version) AS best
    FROM derived_latest
    GROUP BY formula, territory, result, period_start
)
WHERE NOT best.26;

-- Derived results as they stood at a moment (time stamps of the results themselves).
CREATE OR REPLACE VIEW known_derived AS
SELECT
    formula, territory, result, period_start,
    best.1 AS indicator, best.2 AS component, best.3 AS subject_type, best.4 AS subject_id, best.5 AS figure_compared,
    best.6 AS measure_unit, best.7 AS period_type, best.8 AS period_end, best.9 AS budget_year, best.10 AS status, best.11 AS value,
    best.12 AS numerator, best.13 AS denominator, best.14 AS rank, best.15 AS of, best.16 AS expected, best.17 AS reason,
    best.18 AS event_time, best.19 AS caused_at, best.20 AS appended
FROM
(
    SELECT
        formula, territory, result, period_start,
        argMax(tuple(indicator, component, subject_type, subject_id, figure_compared, measure_unit, period_type, period_end, budget_year, status,
            value, numerator, denominator, rank, of, expected, reason, event_time, caused_at, appended, deleted), version) AS best
    FROM derived
    WHERE appended <= {moment:DateTime64(3, 'UTC')}
    GROUP BY formula, territory, result, period_start
)
WHERE NOT best.21;

-- Every alert as it stands now.
CREATE OR REPLACE VIEW latest_alerts AS
SELECT
    alert_id,
    best.1 AS rule, best.2 AS severity, best.3 AS level, best.4 AS condition, best.5 AS attention, best.6 AS transition, best.7 AS title_vi,
    best.8 AS text_vi, best.9 AS title_en, best.10 AS indicator, best.11 AS component, best.12 AS territory, best.13 AS subject_type,
    best.14 AS subject_id, best.15 AS agency, best.16 AS measure_unit, best.17 AS value, best.18 AS limit, best.19 AS gap, best.20 AS since,
    best.21 AS opened_at, best.22 AS recorded_at, best.23 AS event_time, best.24 AS mode, best.25 AS series, best.26 AS comparison,
    best.27 AS provider, best.28 AS status, best.29 AS actor, best.30 AS note, best.31 AS budget_year, best.32 AS source_topic,
    best.33 AS source_partition, best.34 AS source_offset, best.35 AS caused_at
FROM
(
    SELECT
        alert_id,
        argMax(tuple(rule, severity, level, condition, attention, transition, title_vi, text_vi, title_en, indicator, component, territory,
            subject_type, subject_id, agency, measure_unit, value, limit, gap, since, opened_at, recorded_at, event_time, mode, series,
            comparison, provider, status, actor, note, budget_year, source_topic, source_partition, source_offset, caused_at), offset) AS best
    FROM alert_current
    GROUP BY alert_id
);

-- Alerts whose condition holds now.
CREATE OR REPLACE VIEW open_alerts AS SELECT * FROM latest_alerts WHERE condition IN ('active', 'recovering');

-- What came of each message: the newest state in requests, results and ledger.
CREATE OR REPLACE VIEW latest_notifications AS
SELECT
    notification_key,
    best.1 AS alert_id, best.2 AS event_id, best.3 AS rule, best.4 AS state, best.5 AS reason, best.6 AS lane, best.7 AS channel,
    best.8 AS recipient, best.9 AS severity, best.10 AS transition, best.11 AS title, best.12 AS attempt, best.13 AS repeated,
    best.14 AS error_class, best.15 AS mode, best.16 AS requested_at, best.17 AS changed_at
FROM
(
    SELECT
        notification_key,
        argMax(tuple(alert_id, event_id, rule, state, reason, lane, channel, recipient, severity, transition, title, attempt, repeated,
            error_class, mode, requested_at, changed_at), tuple(changed_at, attempt, part, offset)) AS best
    FROM notifications
    GROUP BY notification_key
);

-- Refusals by stage and reason; a refusal told twice counts once.
CREATE OR REPLACE VIEW dead_letter_counts AS
SELECT stage, reason, source, uniqExact(dead_letter_id) AS letters, min(first_seen) AS first_seen, max(appended) AS last_appended
FROM dead_letters
GROUP BY stage, reason, source;
