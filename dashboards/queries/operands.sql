-- What the shown result was computed from: the marks of its operands.
SELECT formula, territory, period_start, value, through, generation, appended, caused_at, operands
FROM board_results(@access)
WHERE formula = {formula:String} AND territory = {territory:String} AND subject_id = ''
ORDER BY period_start DESC
LIMIT 1
