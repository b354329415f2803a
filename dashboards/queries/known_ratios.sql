-- Ratios of one territory by period as they were known at a moment; for the country also the sums of its provinces' parts, as in `results`.
SELECT formula, territory, period_start, any(period_end) AS period_end, any(period_type) AS period_type, any(budget_year) AS budget_year,
    any(value) AS value, any(numerator) AS numerator, any(denominator) AS denominator, max(event_time) AS event_time, 1 AS parts
FROM board_known_results(@access, moment = {moment:DateTime64(3, 'UTC')})
WHERE formula IN {formulas:Array(String)} AND subject_id = '' AND territory = {territory:String}
GROUP BY formula, territory, period_start
UNION ALL
SELECT formula, 'VN' AS territory, period_start, any(period_end) AS period_end, any(period_type) AS period_type, any(budget_year) AS budget_year,
    NULL AS value, sum(numerator) AS numerator, sum(denominator) AS denominator, max(event_time) AS event_time,
    uniqExact(board_known_results.territory) AS parts
FROM board_known_results(@access, moment = {moment:DateTime64(3, 'UTC')})
WHERE formula IN {formulas:Array(String)} AND subject_id = '' AND {territory:String} = 'VN' AND board_known_results.territory != 'VN'
GROUP BY formula, period_start
ORDER BY formula, period_start
