-- The story of some alerts, in order.
SELECT event_id, alert_id, sequence, transition, condition, attention, title_vi, title_en, text_vi, recorded_at, actor, note, severity, value,
    event_time, source_topic, source_partition, source_offset
FROM board_alert_events(@access)
WHERE alert_id IN {alerts:Array(String)}
ORDER BY alert_id, recorded_at, sequence
