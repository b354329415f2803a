-- A formula's results by territory and subject as they stand, newest periods of the newest budget year first.
SELECT territory, subject_type, subject_id, period_start, period_end, budget_year, value, numerator, denominator, status, event_time, appended
FROM board_results(@access)
WHERE formula = {formula:String}
ORDER BY budget_year DESC, period_start DESC, territory, subject_id
LIMIT 20000
