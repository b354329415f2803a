-- Alerts by severity; over ones too where asked for.
SELECT alert_id, rule, severity, level, condition, attention, transition, title_vi, title_en, text_vi, indicator, component, territory,
    subject_type, subject_id, agency, provider, mode, measure_unit, value, limit, gap, since, opened_at, recorded_at, event_time, actor, note, comparison
FROM board_alerts(@access)
WHERE ({everything:Int32} = 1 OR condition IN ('active', 'recovering') OR attention = 'returned') AND severity >= {severity:Int32}
    AND ({territory:String} IN ('', 'VN') OR territory = {territory:String})
ORDER BY condition IN ('active', 'recovering') DESC, severity DESC, opened_at DESC
LIMIT 1000
