-- Hours of one quantity of the stations in a territory: the last of each hour, or its sum, for the series of the newest three days.
SELECT subject_id, pane, count, sum, last, max, last_time
FROM board_panes(@access)
WHERE kind = 'hour' AND indicator = 'vn-1012/D.1' AND component = {component:String} AND subject_id = {subject:String}
ORDER BY pane DESC
LIMIT 72
