-- Totals of flows as they were known at a moment: what was told again is folded on a schedule (sinks/flow_preparation.py), no more at every
-- question. A folding says since when the journal of what went into `flow_records` is newer than it; the question folds those records itself.
CREATE TABLE IF NOT EXISTS flow_journal
(
    unit UInt64 CODEC(NONE) COMMENT 'of flow_records; as it came, unsorted, a unit as often as it was told: an insert must not wait for it',
    inserted_at DateTime64(3, 'UTC') COMMENT 'by this server: an insert ends long before MARGIN_SECONDS have passed since'
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(inserted_at)
ORDER BY inserted_at
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_journal_feed TO flow_journal AS SELECT unit, now64(3) AS inserted_at FROM flow_records;

CREATE TABLE IF NOT EXISTS flow_batches
(
    batch UInt64 COMMENT 'milliseconds since 1970, then 20 bits by lot',
    since DateTime64(3, 'UTC') COMMENT 'what the journal has from here on may not be folded; 1970: nothing is',
    records Int64 COMMENT 'in flow_records when it was folded'
)
ENGINE = ReplacingMergeTree
ORDER BY batch
SETTINGS non_replicated_deduplication_window = 10000;

-- By how much the sums of all words (0020) must be corrected from a moment on: a word that another replaces goes out, so does one that replaces
-- nothing.
CREATE TABLE IF NOT EXISTS flow_corrections
(
    batch UInt64,
    unit UInt64,
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    territory LowCardinality(String),
    month Int64,
    budget_year Int32,
    whole Bool,
    known_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    amount Decimal(38, 6),
    records Int64
)
ENGINE = MergeTree
PARTITION BY batch
ORDER BY (indicator, component, figure, known_at);

-- As before (0024), number for number. In order: days of arrival that were over; the day of the moment; corrections that were folded beforehand;
-- of units in the journal, and without a folding of all that were told again: out with every word, in with the last by then.
CREATE OR REPLACE VIEW board_known_totals AS
WITH
    (SELECT argMax((batch, since), batch) FROM flow_batches) AS closed,
    (closed.2 > toDateTime64(0, 3, 'UTC')) AS is_folded,
    fresh AS (SELECT unit FROM flow_journal WHERE is_folded AND inserted_at >= closed.2),
    told_again AS
    (
        SELECT unit FROM flow_records PREWHERE is_folded AND unit IN (fresh) GROUP BY unit HAVING sum(times) > 1
        UNION ALL
        SELECT * FROM (SELECT unit FROM flow_records WHERE NOT is_folded ORDER BY unit LIMIT 1, 1000000 BY unit)
        UNION ALL
        SELECT unit FROM flow_records WHERE NOT is_folded AND times > 1
    )
SELECT
    indicator, component, figure, territory, month, budget_year,
    if(sumIf(records, whole) > 0, sumIf(amount, whole), sum(amount)) AS total, max(newest_event) AS newest
FROM
(
    SELECT indicator, component, figure, territory, month, budget_year, whole, amount, records, newest_event
    FROM flow_arrivals
    WHERE day < toDate({moment:DateTime64(3, 'UTC')}, 'UTC')
    UNION ALL
    SELECT
        indicator, component, figure, territory, month, budget_year, whole, value * times AS amount, times AS records,
        event_time AS newest_event
    FROM flow_records
    PREWHERE ingested_at >= toStartOfDay({moment:DateTime64(3, 'UTC')}) AND ingested_at <= {moment:DateTime64(3, 'UTC')}
    WHERE NOT silent
    UNION ALL
    SELECT
        indicator, component, figure, territory, month, budget_year, whole, amount, records, toDateTime64(0, 3, 'UTC') AS newest_event
    FROM flow_corrections
    WHERE batch = closed.1 AND known_at <= {moment:DateTime64(3, 'UTC')} AND unit NOT IN (fresh)
    UNION ALL
    SELECT
        indicator, component, figure, territory, month, word.1 AS budget_year, whole, word.2 AS amount, word.3 AS records, word.4 AS newest_event
    FROM
    (
        SELECT
            indicator, component, figure, territory, month, whole, unit, second,
            argMax((budget_year, value, toInt64(1), event_time, silent), (revision, -offset)) AS last_word,
            groupArrayIf((budget_year, -value * times, -times, event_time, silent), NOT silent) AS words
        FROM flow_records
        PREWHERE unit IN (told_again)
        WHERE ingested_at <= {moment:DateTime64(3, 'UTC')}
        GROUP BY indicator, component, figure, territory, month, whole, unit, second
    )
    ARRAY JOIN if(last_word.5, words, arrayPushBack(words, last_word)) AS word
)
WHERE (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow' AND fold = 'event')
    AND figure = 'actual'
    AND month >= dateDiff('month', toDateTime('1970-01-01 00:00:00', 'Asia/Ho_Chi_Minh'), toTimeZone({since:DateTime64(3, 'UTC')}, 'Asia/Ho_Chi_Minh'))
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    )
    AND indicator NOT IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
GROUP BY indicator, component, figure, territory, month, budget_year
HAVING sum(records) > 0;
