-- Money of the projects by budget year: what was disbursed, and each plan of the year. One project, or all.
SELECT subject_id, figure, budget_year, sum(sum) AS value, max(last_time) AS event_time
FROM board_panes(@access)
WHERE kind = 'budget_year' AND indicator = 'vn-1012/A.II.3' AND subject_type = 'project' AND empty(dimensions)
    AND ({project:String} = '' OR subject_id = {project:String})
GROUP BY subject_id, figure, budget_year
ORDER BY subject_id, figure, budget_year
