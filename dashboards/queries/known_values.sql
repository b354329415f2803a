-- Values of one indicator, or of all that do not add up, as known at a moment; by period.
SELECT indicator, component, period_type, period_start, period_end, value, measure_unit, status, event_time, budget_year, revision
FROM board_known_values(@access, moment = {moment:DateTime64(3, 'UTC')})
WHERE territory = {territory:String} AND figure = 'actual' AND subject_id = '' AND splitByChar('|', series)[5] = '' AND value IS NOT NULL
    AND ({indicator:String} = '' OR indicator = {indicator:String} AND component = {component:String})
    AND ({indicator:String} != ''
        OR (indicator, component) NOT IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow') AND period_type != 'instant')
ORDER BY indicator, component, period_type, period_start
LIMIT 20000
