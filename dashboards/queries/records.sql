-- Source records of one indicator in a territory within a stretch of event time, newest first: the end of lineage.
SELECT topic, partition, offset, indicator, component, figure, territory, subject_type, subject_id, dimensions, period_start, value, measure_unit,
    status, revision, event_time, ingested_at, source_system, source_record_id, provider, access_level
FROM board_records(@access)
WHERE indicator IN {indicators:Array(String)} AND ({territory:String} = 'VN' OR territory = {territory:String})
    AND event_time >= {since:DateTime64(3, 'UTC')} AND event_time < {until:DateTime64(3, 'UTC')}
ORDER BY event_time DESC, topic, partition, offset DESC
LIMIT 1 BY topic, partition, offset
LIMIT 200
