-- Tasks made of alerts, the newest first.
SELECT action_id, alert_id, actor, office, note, until, acted_at
FROM board_tasks(@access)
ORDER BY acted_at DESC
LIMIT 1000
