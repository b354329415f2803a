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
