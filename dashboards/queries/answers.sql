-- Answers to requests that an office issued and has not looked at: the newest act that counted on the request is an answer.
SELECT alert_id, inquiry
FROM board_requests(@access)
WHERE transition NOT IN ('', 'refused')
GROUP BY alert_id, inquiry
HAVING argMax(action, (acted_at, action_id)) = 'answer' AND NOT argMax(looked, (acted_at, action_id))
    AND argMaxIf(issuing_office, (acted_at, action_id), action = 'issue') = {office:String}
LIMIT 1000
