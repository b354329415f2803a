-- Obstacles of projects, as their newest revisions say. One project, or all.
SELECT obstacle, project, kind, agency, provider, content, document, begins, ends, removed, moved_at, territory
FROM board_obstacles(@access)
WHERE {project:String} = '' OR project = {project:String}
ORDER BY project, ends, obstacle
LIMIT 20000
