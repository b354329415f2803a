-- One alert.
SELECT alert_id, rule, severity, level, condition, attention, transition, title_vi, title_en, text_vi, indicator, component, territory,
    subject_type, subject_id, agency, provider, mode, measure_unit, value, limit, gap, since, opened_at, recorded_at, event_time, actor, note, comparison,
    source_topic, source_partition, source_offset
FROM board_alerts(@access)
WHERE alert_id = {alert_id:String}
