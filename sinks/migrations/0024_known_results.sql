-- Results as they stood at a moment, as before (0010), by the columns that are asked for. A result whose newest state came by then stood as it
-- stands now; of the others, few where the moment is near, the history is read.
CREATE OR REPLACE VIEW board_known_results AS
SELECT
    formula, territory, result, period_start, indicator, component, subject_type, subject_id, figure_compared, measure_unit, period_type,
    period_end, budget_year, status, value, numerator, denominator, rank, of, expected, reason, event_time, caused_at, appended
FROM
(
    SELECT
        formula, territory, result, period_start, indicator, component, subject_type, subject_id, figure_compared, measure_unit, period_type,
        period_end, budget_year, status, value, numerator, denominator, rank, of, expected, reason, event_time, caused_at,
        derived_latest.appended AS appended, deleted
    FROM derived_latest FINAL
    WHERE derived_latest.appended <= {moment:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT
        formula, territory, result, period_start, argMax(derived.indicator, version) AS indicator, argMax(derived.component, version) AS component,
        argMax(derived.subject_type, version) AS subject_type, argMax(derived.subject_id, version) AS subject_id,
        argMax(derived.figure_compared, version) AS figure_compared, argMax(derived.measure_unit, version) AS measure_unit,
        argMax(derived.period_type, version) AS period_type, argMax(derived.period_end, version) AS period_end,
        argMax(derived.budget_year, version) AS budget_year, argMax(derived.status, version) AS status,
        argMax(tuple(derived.value), version).1 AS value, argMax(tuple(derived.numerator), version).1 AS numerator,
        argMax(tuple(derived.denominator), version).1 AS denominator, argMax(derived.rank, version) AS rank, argMax(derived.of, version) AS of,
        argMax(derived.expected, version) AS expected, argMax(derived.reason, version) AS reason,
        argMax(derived.event_time, version) AS event_time, argMax(derived.caused_at, version) AS caused_at,
        argMax(derived.appended, version) AS appended, argMax(derived.deleted, version) AS deleted
    FROM derived
    WHERE derived.appended <= {moment:DateTime64(3, 'UTC')}
        AND (result, period_start) IN
            (SELECT result, period_start FROM derived_latest FINAL WHERE derived_latest.appended > {moment:DateTime64(3, 'UTC')})
    GROUP BY formula, territory, result, period_start
)
WHERE NOT deleted AND (formula IN (SELECT name FROM formula_operands) OR startsWith(formula, 'SET.'))
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

DROP VIEW IF EXISTS known_derived;

-- Totals of flows as they were known at a moment, as before (0020); what was told again is read once for both: out with every word, in with the
-- last.
CREATE OR REPLACE VIEW board_known_totals AS
WITH told_again AS
(
    SELECT * FROM (SELECT unit FROM flow_records ORDER BY unit LIMIT 1, 1000000 BY unit)
    UNION ALL
    SELECT unit FROM flow_records WHERE times > 1
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
    WHERE ingested_at >= toStartOfDay({moment:DateTime64(3, 'UTC')}) AND ingested_at <= {moment:DateTime64(3, 'UTC')} AND NOT silent
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
        WHERE unit IN (told_again) AND ingested_at <= {moment:DateTime64(3, 'UTC')}
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
