-- Values of one indicator, or of all, that do not add up (rates, indices, stocks), of one territory as they were known at a moment; by period.
SELECT indicator, component, period_type, period_start, period_end, value, measure_unit, status, event_time, budget_year, revision
FROM board_known_territory_values(@access, moment = {moment:DateTime64(3, 'UTC')}, territory = {territory:String})
WHERE figure = 'actual' AND value IS NOT NULL
    AND ({indicator:String} = '' OR indicator = {indicator:String} AND component = {component:String})
    AND (indicator, component) NOT IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow')
ORDER BY indicator, component, period_type, period_start
LIMIT 20000
