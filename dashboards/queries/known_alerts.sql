-- Alerts as they stood at a moment: the newest event of each by then.
SELECT alert_id, argMax(title_vi, tuple(recorded_at, sequence)) AS title_vi, argMax(title_en, tuple(recorded_at, sequence)) AS title_en,
    argMax(condition, tuple(recorded_at, sequence)) AS condition, argMax(attention, tuple(recorded_at, sequence)) AS attention,
    argMax(severity, tuple(recorded_at, sequence)) AS severity, max(recorded_at) AS changed_at, argMax(event_time, tuple(recorded_at, sequence)) AS newest
FROM board_alert_events(@access)
WHERE recorded_at <= {moment:DateTime64(3, 'UTC')}
GROUP BY alert_id
ORDER BY severity DESC, changed_at DESC
LIMIT 1000
