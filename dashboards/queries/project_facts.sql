-- The newest reported fact of each row of table 13 by project.
SELECT subject_id, indicator, component, value, measure_unit, text, reference, period_type, period_start, period_end, event_time, provider
FROM board_values(@access)
WHERE subject_type = 'project' AND startsWith(indicator, 'guide-7146/T13.') AND figure = 'actual'
    AND ({project:String} = '' OR subject_id = {project:String})
ORDER BY subject_id, indicator, component, period_start DESC
LIMIT 1 BY subject_id, indicator, component
