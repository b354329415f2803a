-- Who was told of some alerts, by office.
SELECT alert_id, event_id, transition, channel, recipient, state, reason, changed_at
FROM board_told(@access)
WHERE alert_id IN {alerts:Array(String)}
ORDER BY alert_id, changed_at, recipient, channel
