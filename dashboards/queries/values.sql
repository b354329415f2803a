-- Reported values that do not add up (rates, indices, stocks) of one territory, whole figures only, by period.
SELECT indicator, component, period_type, period_start, period_end, value, measure_unit, status, event_time, budget_year, revision, provider
FROM board_territory_values(@access)
WHERE territory = {territory:String} AND figure = 'actual' AND value IS NOT NULL
    AND ({indicator:String} = '' OR indicator = {indicator:String})
    AND (indicator, component) NOT IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow')
ORDER BY indicator, component, period_type, period_start
LIMIT 20000
