-- What was done to the requests of alerts, in order; transition and said are empty while an act is on its way;
-- looked: the office that asked has seen this answer.
SELECT action_id, alert_id, action, actor, note, acted_at, inquiry, authority, document_number, outcome, issuing_office,
    transition, said, looked
FROM board_requests(@access)
ORDER BY acted_at, action_id
LIMIT 10000
