-- The parts of a flow's newest budget year by subject and dimensions, greatest first.
SELECT subject_type, subject_id, dimensions, sum(sum) AS value, max(last_time) AS event_time, budget_year
FROM board_panes(@access)
WHERE kind = 'month' AND indicator = {indicator:String} AND component = {component:String} AND figure = 'actual'
    AND ({territory:String} = 'VN' OR territory = {territory:String}) AND budget_year = {budget_year:Int32}
    AND (subject_id != '' OR notEmpty(dimensions))
GROUP BY subject_type, subject_id, dimensions, budget_year
ORDER BY value DESC
LIMIT 500
