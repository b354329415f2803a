-- The newest backtest of a rule: its run and the steps within the reader's access.
SELECT rule, rule_version, since, until, ran_at, mark, series, indicator, territory, subject_type, subject_id, event_time, transition, severity, value
FROM board_backtests(@access)
WHERE rule = {rule:String} AND ran_at = (SELECT max(ran_at) FROM board_backtests(@access) WHERE rule = {rule:String})
ORDER BY mark != 'ran', event_time, series
LIMIT 5000
