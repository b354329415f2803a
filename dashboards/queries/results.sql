-- Ratios of one territory by period; for the country also those computed for provinces alone, from the sums of their parts.
SELECT formula, territory, period_start, any(period_end) AS period_end, any(period_type) AS period_type, any(budget_year) AS budget_year,
    any(measure_unit) AS measure_unit, any(value) AS value, any(numerator) AS numerator, any(denominator) AS denominator,
    any(status) AS status, max(event_time) AS event_time, max(inexact) AS inexact, 1 AS parts
FROM board_results(@access)
WHERE kind = 'ratio' AND subject_id = '' AND territory = {territory:String}
GROUP BY formula, territory, period_start
UNION ALL
SELECT formula, 'VN' AS territory, period_start, any(period_end) AS period_end, any(period_type) AS period_type, any(budget_year) AS budget_year,
    any(measure_unit) AS measure_unit, NULL AS value, sum(numerator) AS numerator, sum(denominator) AS denominator,
    '' AS status, max(event_time) AS event_time, max(inexact) AS inexact, uniqExact(board_results.territory) AS parts
FROM board_results(@access)
WHERE kind = 'ratio' AND subject_id = '' AND {territory:String} = 'VN' AND board_results.territory != 'VN'
GROUP BY formula, period_start
ORDER BY formula, period_start
