-- Tasks that documents assign, as their newest revisions say.
SELECT task, agency, provider, content, document, begins, ends, done, moved_at, alert, territory
FROM board_assigned_tasks(@access)
WHERE {territory:String} IN ('', 'VN') OR territory = {territory:String}
ORDER BY ends, task
LIMIT 5000
