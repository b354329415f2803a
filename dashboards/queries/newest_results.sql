-- The newest result of each unit and subject by some formulas: what an alert's figure is now.
SELECT formula, territory, subject_id, value, event_time, budget_year
FROM board_results(@access)
WHERE formula IN {formulas:Array(String)}
ORDER BY budget_year DESC, period_start DESC
LIMIT 1 BY formula, territory, subject_id
