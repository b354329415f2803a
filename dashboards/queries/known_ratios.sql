-- Ratios of one territory by period as they were known at a moment; for the country also the sums of its provinces' parts, as in `results`.
SELECT formula, {territory:String} AS territory, period_start, any(period_end) AS period_end, any(period_type) AS period_type,
    any(budget_year) AS budget_year, if(own, any(value), NULL) AS value, if(own, any(numerator), sum(numerator)) AS numerator,
    if(own, any(denominator), sum(denominator)) AS denominator, max(event_time) AS event_time, if(own, 1, uniqExact(place)) AS parts
FROM
(
    SELECT *, place = {territory:String} AS own
    FROM
    (
        SELECT formula, territory AS place, period_start, period_end, period_type, budget_year, value, numerator, denominator, event_time
        FROM board_known_results(@access, moment = {moment:DateTime64(3, 'UTC')})
        WHERE formula IN {formulas:Array(String)} AND subject_id = '' AND ({territory:String} = 'VN' OR territory = {territory:String})
    )
)
GROUP BY formula, period_start, own
ORDER BY formula, period_start, own DESC
