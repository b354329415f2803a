-- Refusals by stage, reason and field, with their newest example.
SELECT stage, reason, field, source, count() AS letters, min(first_seen) AS first, max(first_seen) AS newest,
    argMax(detail, first_seen) AS detail, argMax(place, first_seen) AS place, argMax(dead_letter_id, first_seen) AS example
FROM board_refused(@access)
GROUP BY stage, reason, field, source
ORDER BY newest DESC
LIMIT 500
